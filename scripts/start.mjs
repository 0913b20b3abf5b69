/**
 * `npm start`: the gateway on workerd, an API behind it and a funded account, ready to be called.
 *
 *   client ─▶ gateway :8787 (workerd) ─▶ origin :8788 (examples/origin)
 *                 │
 *                 └─ .edgemeter/   state.json     secrets and the demo key, made once
 *                                  storage/       the accounts
 *                                  workerd.pid    who writes to the storage
 *
 * What is missing is installed inside the project first. The next start continues where this one
 * ended.
 */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "./build.mjs";
import { Failure, Hint, isStopping, log, main, ROOT, start } from "./processes.mjs";
import { ensurePackages } from "./tools.mjs";
import { freePort, isTaken, startWorkerd } from "./workerd.mjs";

const DIR = join(ROOT, ".edgemeter");
const PORT = 8787;
/** The origin takes two ports more. */
const PORT_MAX = 65_533;
const ACCOUNT = "demo";
const WELCOME = { id: "welcome", amount: "5000", kind: "promotional" };
/** The dashboard's link works for this long, in seconds: the longest there is. */
const LINK_SECONDS = 86_400;

const USAGE = `Usage: npm start [-- --port N]

Starts edgemeter on this machine: a gateway, an API behind it and a funded demo account.

  --port N   the gateway's port, 1 to ${PORT_MAX} (default ${PORT})
  --help     this text

Everything it keeps is in .edgemeter/; delete that directory to start over.`;

await main(async () => {
  const { help, port } = options();
  if (help) return console.log(USAGE);
  refuseRunning();
  await refuseTaken(port);
  await build(["edge", "page"]);
  await ensurePackages();

  const state = readState();
  const origin = await startOrigin(await originPort(port));
  const gateway = await startGateway(port, origin.port, state);
  const call = operator(gateway.urls[0], state.operator_token);
  const { key } = await seed(call, state);
  const { token } = await call("POST", `accounts/${ACCOUNT}/portal-tokens`, {
    ttl_seconds: LINK_SECONDS,
  });
  announce(port, key, token);

  // From here on, Ctrl-C is how this ends well.
  process.exitCode = 0;
  const failure = await Promise.race([
    gateway.exited.then((how) => new Failure(`workerd ended (${how}): stopped`, gateway.output())),
    origin.child.ended.then((how) => new Failure(`the origin ended (${how}): stopped`, "")),
  ]);
  if (!isStopping()) throw failure;
});

function options() {
  const known = { port: { type: "string", default: String(PORT) }, help: { type: "boolean" } };
  let values;
  try {
    ({ values } = parseArgs({ options: known }));
  } catch (error) {
    const [what] = error.message.split(". ");
    throw new Hint(`${what}: see 'npm start -- --help'`);
  }
  const port = Number(values.port);
  if (!/^[0-9]{1,5}$/.test(values.port) || port < 1 || port > PORT_MAX) {
    throw new Hint(`--port ${values.port} is no port: use a number from 1 to ${PORT_MAX}`);
  }
  return { help: values.help, port };
}

async function refuseTaken(port) {
  if (!(await isTaken(port))) return;
  const other = `npm start -- --port ${port > 60_000 ? PORT : port + 1_000}`;
  throw new Hint(`port ${port} is taken or not allowed: free it, or use another one: ${other}`);
}

/** Two workerds on one storage directory would ruin it, and one may outlive a killed start. */
function refuseRunning() {
  const file = join(DIR, "workerd.pid");
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, "utf8"));
  const { stdout } = spawnSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" });
  if (!stdout?.includes(DIR)) return;
  throw new Hint(`it runs on this directory already: stop it first (kill ${pid})`);
}

/** Secrets and the demo key; the secrets are made here if there are none. */
function readState() {
  mkdirSync(DIR, { recursive: true, mode: 0o700 });
  const file = join(DIR, "state.json");
  if (existsSync(file)) {
    try {
      return JSON.parse(readFileSync(file, "utf8"));
    } catch {
      throw new Hint(`${file} is not JSON: restore it, or delete .edgemeter to start over`);
    }
  }
  const secret = () => randomBytes(32).toString("hex");
  const state = { key_secrets: `1:${secret()}`, operator_token: secret() };
  writeState(state);
  return state;
}

function writeState(state) {
  const file = join(DIR, "state.json");
  writeFileSync(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** A port whose successor is free as well: the origin counts its calls there. */
async function originPort(port) {
  let candidate = port + 1;
  while ((await isTaken(candidate)) || (await isTaken(candidate + 1))) {
    candidate = Math.min(await freePort(), PORT_MAX);
  }
  return candidate;
}

async function startOrigin(port) {
  const script = join(ROOT, "examples", "origin", "server.mjs");
  const stdio = ["ignore", "pipe", "pipe"];
  const child = start(process.execPath, [script, String(port)], { stdio });
  let output = "";
  const ready = new Promise((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        output += chunk;
        if (output.includes("origin ready")) resolve(true);
      });
    }
  });
  if (!(await Promise.race([ready, child.ended.then(() => false)]))) {
    throw new Hint(`the origin did not start:\n${output}`);
  }
  return { child, port };
}

async function startGateway(port, originPort, state) {
  // Others may have come while this was building.
  refuseRunning();
  await refuseTaken(port);
  const gateway = await startWorkerd({
    dir: DIR,
    ports: [port],
    origin: `127.0.0.1:${originPort}`,
    settings: {
      EDGEMETER_KEY_SECRETS: state.key_secrets,
      EDGEMETER_OPERATOR_TOKEN: state.operator_token,
      EDGEMETER_MODE: "test",
    },
  });
  writeFileSync(join(DIR, "workerd.pid"), String(gateway.pid));
  return gateway;
}

/** The control API: (method, path under /v1, body) → answer. */
function operator(url, token) {
  return async (method, path, body) => {
    const answer = await fetch(`${url}/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (answer.ok) return answer.json();
    if (method === "GET" && answer.status === 404) return undefined;
    throw new Hint(`${method} /v1/${path}: ${await answer.text()}`);
  };
}

/**
 * Publishes the demo and opens its account, once: what the user changes stays changed. Each call
 * may be repeated, so that a start that was interrupted here is completed by the next.
 */
async function seed(call, state) {
  if (state.key !== undefined && (await call("GET", `accounts/${ACCOUNT}`))) return state;
  const read = (name) => JSON.parse(readFileSync(join(ROOT, "examples", "demo", name), "utf8"));
  const plan = read("plan.json");
  await call("POST", "plans", plan);
  await call("PUT", "routes", read("routes.json"));
  const contract = { plan: plan.id, version: plan.version };
  await call("POST", "accounts", { id: ACCOUNT, contract });
  await call("POST", `accounts/${ACCOUNT}/grants`, WELCOME);
  const { key } = await call("POST", `accounts/${ACCOUNT}/keys`, {});
  const seeded = { ...state, key };
  writeState(seeded);
  return seeded;
}

function announce(port, key, token) {
  const url = `http://localhost:${port}`;
  console.log(`
edgemeter is ready on ${url}, with the account "${ACCOUNT}" and an API to call.

  Call it:    curl -i -H 'x-api-key: ${key}' '${url}/words?n=3'
  Watch it:   ${url}/edgemeter/#account=${ACCOUNT}&token=${token}

Ctrl-C stops it. The secrets, the operator token among them, are in .edgemeter/state.json.
`);
}
