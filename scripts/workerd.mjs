/**
 * Runs the built gateway on workerd, with a disk directory: on one's own machine and in tests.
 *
 *   gateway 1 … n   the same build, an isolate each; 1 hosts the account objects
 *   origin          the API behind, anywhere on HTTP
 *   storage         SQLite files of the objects, in `dir`
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, relative } from "node:path";
import { Hint, ROOT, signalGroup, start } from "./processes.mjs";
import { npmTool } from "./tools.mjs";

/** As deployed. */
const [, COMPATIBILITY_DATE] = readFileSync(join(ROOT, "wrangler.toml"), "utf8").match(
  /^compatibility_date = "(.+)"$/m,
);

/** Text as a Cap'n Proto string. */
const quote = (text) => JSON.stringify(text);

function bindings(index, settings) {
  const own = index === 1;
  const object = (name, className) =>
    `(name = "${name}", durableObjectNamespace = ${
      own ? `"${className}"` : `(className = "${className}", serviceName = "gateway1")`
    })`;
  const texts = Object.entries(settings).map(
    ([name, value]) => `(name = "${name}", text = ${quote(value)})`,
  );
  return [
    object("ACCOUNT", "Account"),
    object("CATALOG", "Catalog"),
    `(name = "ORIGIN", service = "origin")`,
    `(name = "ASSETS", service = "assets")`,
    ...texts,
  ].join(",\n    ");
}

/** The configuration, as workerd reads it. */
export function config({ dir, ports, origin, settings, host = "127.0.0.1" }) {
  const objects = ["Account", "Catalog"].map(
    (name) => `(className = "${name}", uniqueKey = "edgemeter-${name}", enableSql = true)`,
  );
  // Relative to the configuration: Cap'n Proto looks absolute paths up elsewhere.
  const built = (name) => quote(relative(dir, join(ROOT, "build", name)));
  const workers = ports.map((_, i) => {
    const own = i === 0
      ? `durableObjectNamespaces = [${objects.join(", ")}],
  durableObjectStorage = (localDisk = "storage"),`
      : "";
    return `const gateway${i + 1} :Workerd.Worker = (
  modules = [
    (name = "gateway.js", esModule = embed ${built("gateway.js")}),
    (name = "index_bg.wasm", wasm = embed ${built("index_bg.wasm")}),
  ],
  compatibilityDate = "${COMPATIBILITY_DATE}",
  ${own}
  bindings = [
    ${bindings(i + 1, settings)}
  ],
);`;
  });
  const services = ports.map((_, i) => `(name = "gateway${i + 1}", worker = .gateway${i + 1})`);
  const sockets = ports.map(
    (port, i) =>
      `(name = "http${i + 1}", address = "${host}:${port}", http = (), ` +
      `service = "gateway${i + 1}")`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    ${services.join(",\n    ")},
    (name = "origin", external = (address = "${origin}", http = ())),
    (name = "assets", disk = (path = ${quote(join(ROOT, "www"))})),
    (name = "storage", disk = (path = ${quote(join(dir, "storage"))}, writable = true)),
  ],
  sockets = [
    ${sockets.join(",\n    ")},
  ],
);

${workers.join("\n\n")}
`;
}

/** A port that is free now. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Whether somebody listens there already, or only others may. */
export async function isTaken(port) {
  const refused = await Promise.all(["127.0.0.1", "::1"].map((host) => listenError(port, host)));
  // A machine without IPv6 refuses its address, not its port.
  return refused.some((code) => code === "EADDRINUSE" || code === "EACCES");
}

function listenError(port, host) {
  return new Promise((resolve) => {
    const server = createServer();
    server.on("error", (error) => resolve(error.code));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}

/**
 * Starts workerd and waits until every gateway answers.
 * @param {{ dir: string, ports: number[], origin: string, settings: object }} options
 */
export async function startWorkerd(options) {
  mkdirSync(join(options.dir, "storage"), { recursive: true });
  const file = join(options.dir, "workerd.capnp");
  writeFileSync(file, config(options), { mode: 0o600 });
  const args = ["serve", "--experimental", file];
  const child = start(npmTool("workerd"), args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const keep = (chunk) => (output = (output + chunk).slice(-20_000));
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const urls = options.ports.map((port) => `http://127.0.0.1:${port}`);
  const deadline = Date.now() + 20_000;
  for (const url of urls) {
    for (;;) {
      if (child.exitCode !== null || Date.now() > deadline) {
        signalGroup(child, "SIGKILL");
        throw new Hint(`workerd did not start:\n${output}`);
      }
      const signal = AbortSignal.timeout(2_000);
      const answer = await fetch(`${url}/v1/health`, { signal }).catch(() => undefined);
      if (answer?.ok) break;
      if (answer !== undefined) {
        signalGroup(child, "SIGKILL");
        throw new Hint(`the gateway refuses to start: ${await answer.text()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  const end = (signal) => {
    signalGroup(child, signal);
    return child.ended;
  };
  return {
    urls,
    pid: child.pid,
    exited: child.ended,
    output: () => output,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
  };
}
