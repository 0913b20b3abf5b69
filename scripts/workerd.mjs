/**
 * Runs the built gateway on workerd, with a disk directory: on one's own machine and in tests.
 *
 *   gateway 1 … n   the same build, an isolate each; 1 hosts the account objects
 *   origin          the API behind, anywhere on HTTP, or a plain Worker
 *   beside          plain Workers in the same process, for comparison
 *   storage         SQLite files of the objects, in `dir`
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { basename, join, relative } from "node:path";
import { Hint, ROOT, signalGroup, start } from "./processes.mjs";
import { npmTool } from "./tools.mjs";

/** As deployed: the runtime's date and flags, from wrangler.toml. */
const WRANGLER = readFileSync(join(ROOT, "wrangler.toml"), "utf8");
export const [, COMPATIBILITY_DATE] = WRANGLER.match(/^compatibility_date = "(.+)"$/m);
const [, FLAGS] = WRANGLER.match(/^compatibility_flags = (\[.*\])$/m);
const COMPATIBILITY = `compatibilityDate = "${COMPATIBILITY_DATE}",
  compatibilityFlags = ${FLAGS},`;

/** The gateway as it is built. */
export const GATEWAY = join(ROOT, "build", "gateway.js");

/** Text as a Cap'n Proto string. */
const quote = (text) => JSON.stringify(text);

/** A namespace of the gateway's objects; `own` where they live. */
const object = (own, name, className) =>
  `(name = "${name}", durableObjectNamespace = ${
    own ? `"${className}"` : `(className = "${className}", serviceName = "gateway1")`
  })`;

function bindings(index, settings) {
  const own = index === 1;
  const texts = Object.entries(settings).map(
    ([name, value]) => `(name = "${name}", text = ${quote(value)})`,
  );
  return [
    object(own, "ACCOUNT", "Account"),
    object(own, "CATALOG", "Catalog"),
    `(name = "ORIGIN", service = "origin")`,
    `(name = "ASSETS", service = "assets")`,
    ...texts,
  ].join(",\n    ");
}

/**
 * A Worker's modules, the first one its entry; they import each other by the names of their files.
 * Paths are relative to the configuration: Cap'n Proto looks absolute ones up elsewhere.
 */
const embedded = (dir, files) =>
  files.map((file) => {
    const kind = file.endsWith(".wasm") ? "wasm" : "esModule";
    return `(name = "${basename(file)}", ${kind} = embed ${quote(relative(dir, file))})`;
  });

/**
 * A Worker of plain JavaScript, as configuration. Its classes of objects, if any, are bound by
 * their names in capitals; with `accounts`, the gateway's accounts as ACCOUNT.
 */
function plainWorker(dir, options) {
  const { name, modules, objects = [], settings = {}, accounts = false } = options;
  const classes = objects.map(
    (object) => `(className = "${object}", uniqueKey = "${name}-${object}", enableSql = true)`,
  );
  const bound = [
    ...objects.map((o) => `(name = "${o.toUpperCase()}", durableObjectNamespace = "${o}")`),
    ...Object.entries(settings).map(([key, text]) => `(name = "${key}", text = ${quote(text)})`),
    ...(name === "origin" ? [] : [`(name = "ORIGIN", service = "origin")`]),
    ...(accounts ? [object(false, "ACCOUNT", "Account")] : []),
  ];
  const storage = objects.length > 0 ? `\n  durableObjectStorage = (localDisk = "storage"),` : "";
  return `const ${name} :Workerd.Worker = (
  modules = [${embedded(dir, modules).join(", ")}],
  ${COMPATIBILITY}
  durableObjectNamespaces = [${classes.join(", ")}],${storage}
  bindings = [${bound.join(", ")}],
);`;
}

/** The configuration, as workerd reads it. */
export function config(options) {
  const { dir, ports, origin, settings, beside = [], host = "127.0.0.1" } = options;
  const modules = [...(options.modules ?? [GATEWAY]), join(ROOT, "build", "index_bg.wasm")];
  const plain = typeof origin === "string" ? beside : [{ name: "origin", ...origin }, ...beside];
  const objects = ["Account", "Catalog"].map(
    (name) => `(className = "${name}", uniqueKey = "edgemeter-${name}", enableSql = true)`,
  );
  const workers = ports.map((_, i) => {
    const own = i === 0
      ? `durableObjectNamespaces = [${objects.join(", ")}],
  durableObjectStorage = (localDisk = "storage"),`
      : "";
    return `const gateway${i + 1} :Workerd.Worker = (
  modules = [
    ${embedded(dir, modules).join(",\n    ")},
  ],
  ${COMPATIBILITY}
  ${own}
  bindings = [
    ${bindings(i + 1, settings)}
  ],
);`;
  });
  const services = [...ports.map((_, i) => `gateway${i + 1}`), ...plain.map(({ name }) => name)];
  const listening = [
    ...ports.map((port, i) => ({ name: `gateway${i + 1}`, port })),
    ...beside,
  ];
  const sockets = listening.map(
    ({ name, port }) =>
      `(name = "${name}", address = "${host}:${port}", http = (), service = "${name}")`,
  );
  const external = typeof origin === "string"
    ? `(name = "origin", external = (address = "${origin}", http = ())),\n    `
    : "";
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    ${services.map((name) => `(name = "${name}", worker = .${name})`).join(",\n    ")},
    ${external}(name = "assets", disk = (path = ${quote(join(ROOT, "dist", "www"))})),
    (name = "storage", disk = (path = ${quote(join(dir, "storage"))}, writable = true)),
  ],
  sockets = [
    ${sockets.join(",\n    ")},
  ],
);

${[...workers, ...plain.map((worker) => plainWorker(dir, worker))].join("\n\n")}
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
 * @param {{ dir: string, ports: number[], origin: string | { modules: string[] },
 *           settings: object, modules?: string[],
 *           beside?: { name: string, port: number, modules: string[], objects?: string[],
 *                      settings?: object, accounts?: boolean }[] }} options
 *   `modules`: files, the entry first; a gateway's are the built one and whatever stands around it
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
