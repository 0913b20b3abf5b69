/**
 * The built Worker on workerd, for tests: gateways of one build over one namespace of accounts, an
 * origin that counts, and the operator's calls.
 *
 *   const gateway = await startGateway({ gateways: 4 });
 *   const { key } = await gateway.fund("acme", { price: "1", amount: "5000" });
 *   await gateway.stop();
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "../../scripts/build.mjs";
import { run } from "../../scripts/processes.mjs";
import { npmTool, ROOT } from "../../scripts/tools.mjs";
import { freePort, isTaken, startWorkerd } from "../../scripts/workerd.mjs";

export const OPERATOR_TOKEN = "operator-token-of-the-tests-0123456789";
const SETTINGS = {
  EDGEMETER_KEY_SECRETS: "1:a-secret-of-the-tests-of-32-bytes-!",
  EDGEMETER_OPERATOR_TOKEN: OPERATOR_TOKEN,
  EDGEMETER_MODE: "test",
  EDGEMETER_TOPUP_URL: "https://example.com/top-up",
};

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Tries until `check` returns something true; throws its last complaint after `ms`. */
export async function eventually(check, ms = 10_000) {
  const end = Date.now() + ms;
  for (;;) {
    let complaint;
    try {
      const found = await check();
      if (found) return found;
      complaint = new Error(`not within ${ms} ms: ${check}`);
    } catch (error) {
      complaint = error;
    }
    if (Date.now() > end) throw complaint;
    await sleep(50);
  }
}

/** A plan that prices one charge: per unit, or as `price` says. */
export function plan(id, price, version = 1) {
  const perUnit = { model: "per_unit", unit_price: price };
  return {
    id,
    version,
    charges: [{ id: "words", unit: "credits", price: typeof price === "string" ? perUnit : price }],
    credits: { burn_order: "standard", rollover: "none", at_zero: "block" },
  };
}

export const ROUTES = {
  unmatched: "refuse",
  routes: [
    { method: "GET", path: "/words", charge: "words", quantity: "1" },
    { method: "GET", path: "/words/{word}", charge: "words", quantity: "1" },
    { method: "POST", path: "/echo", charge: "words", quantity: "2" },
    { method: "GET", path: "/fail", charge: "words" },
    { method: "GET", path: "/headers", charge: "words" },
    { method: "GET", path: "/unpriced", charge: "nothing" },
    { method: "GET", path: "/status", unmetered: true },
  ],
};

async function startOrigin(attempts = 5) {
  const port = await originPort();
  const script = join(ROOT, "examples", "origin", "server.mjs");
  const child = spawn(process.execPath, [script, String(port)], { stdio: ["ignore", "pipe", 2] });
  const started = await new Promise((resolve) => {
    child.stdout.once("data", () => resolve(true));
    child.once("exit", () => resolve(false));
  });
  // Another test may have taken the port meanwhile.
  if (!started && attempts > 1) return startOrigin(attempts - 1);
  if (!started) throw new Error("the origin did not start");
  return {
    address: `127.0.0.1:${port}`,
    counts: async () => (await fetch(`http://127.0.0.1:${port + 1}/counts`)).json(),
    stop: () => child.kill("SIGKILL"),
  };
}

/** The origin takes two ports in a row. */
async function originPort() {
  for (;;) {
    const port = await freePort();
    if (!(await isTaken(port + 1))) return port;
  }
}

/** The Worker with another entry around it, bundled as the shipped one is. */
async function bundled(entry, dir) {
  const file = join(dir, "gateway.js");
  const flags = ["--bundle", "--format=esm", `--outfile=${file}`, "--log-level=warning"];
  const external = ["--external:cloudflare:*", "--external:*.wasm"];
  await run(npmTool("esbuild"), [join(ROOT, "tests", "edge", entry), ...flags, ...external]);
  return file;
}

/**
 * Starts everything.
 * @param {{ gateways?: number, settings?: object, entry?: string,
 *           origin?: { address: string, stop: () => void } }} options `entry`: a module of this
 *   folder in the place of the Worker's own; `origin`: an API of the test's own
 */
export async function startGateway({ gateways = 1, settings = {}, entry, origin } = {}) {
  await build(["edge", "page"]);
  const dir = mkdtempSync(join(tmpdir(), "edgemeter-"));
  origin ??= await startOrigin();
  const ports = [];
  while (ports.length < gateways) ports.push(await freePort());
  const options = {
    dir,
    ports,
    origin: origin.address,
    settings: { ...SETTINGS, ...settings },
    ...(entry === undefined ? {} : { modules: [await bundled(entry, dir)] }),
  };
  let workerd = await startWorkerd(options).catch((error) => {
    origin.stop();
    rmSync(dir, { recursive: true, force: true });
    throw error;
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });

  /** One request; resolves with status, headers and text. */
  function send(url, { method = "GET", headers = {}, body } = {}) {
    return new Promise((resolve, reject) => {
      const sent = httpRequest(url, { method, headers, agent }, (answer) => {
        let text = "";
        answer.setEncoding("utf8");
        answer.on("data", (chunk) => (text += chunk));
        const { statusCode: status, headers } = answer;
        answer.on("end", () => resolve({ status, headers, text }));
        answer.on("error", reject);
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }

  const base = () => workerd.urls[0];

  /** A control call; `json` is the parsed answer. */
  async function api(method, path, body, headers = {}) {
    const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    const answer = await send(base() + path, {
      method,
      headers: { authorization: `Bearer ${OPERATOR_TOKEN}`, ...headers },
      body: text,
    });
    let json;
    try {
      json = JSON.parse(answer.text);
    } catch {
      json = undefined;
    }
    return { ...answer, json };
  }

  async function must(method, path, body) {
    const answer = await api(method, path, body);
    if (answer.status >= 300) {
      throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    }
    return answer.json;
  }

  const gateway = {
    dir,
    origin,
    api,
    must,
    send,
    get urls() {
      return workerd.urls;
    },
    get pid() {
      return workerd.pid;
    },
    output: () => workerd.output(),

    /** Opens an account with a plan of one price, a key and a grant. */
    async fund(account, { price = "1", named = `per-${price}`, amount, grant = "first" }) {
      await must("POST", "/v1/plans", plan(named, price));
      await must("PUT", "/v1/routes", ROUTES);
      await must("POST", "/v1/accounts", { id: account, contract: { plan: named, version: 1 } });
      const { key } = await must("POST", `/v1/accounts/${account}/keys`, {});
      if (amount !== undefined) {
        await must("POST", `/v1/accounts/${account}/grants`, { id: grant, amount });
      }
      return { key };
    },
    balance: (account) => must("GET", `/v1/accounts/${account}/balance`),
    account: (account) => must("GET", `/v1/accounts/${account}`),

    /** Once no isolate holds anything any more; what dead ones may have spent stays held. */
    settled: (account, { dead = false } = {}) =>
      eventually(async () => {
        const balance = await gateway.balance(account);
        return balance.held === (dead ? balance.unreported : "0") ? balance : undefined;
      }, 30_000),

    call: (key, path = "/words", index = 0) =>
      send(workerd.urls[index] + path, { headers: { authorization: `Bearer ${key}` } }),

    /**
     * `total` requests over `connections` at once, spread over all gateways.
     * @returns {Promise<Record<string, number>>} answers by status; "error" for broken connections
     */
    async load(key, { total, connections = 64, path = "/words", stop = () => false }) {
      const answers = {};
      let next = 0;
      const worker = async () => {
        while (next < total && !stop()) {
          const url = workerd.urls[next++ % workerd.urls.length] + path;
          const answer = await send(url, { headers: { "x-api-key": key } }).catch(() => undefined);
          const status = answer?.status ?? "error";
          answers[status] = (answers[status] ?? 0) + 1;
        }
      };
      await Promise.all(Array.from({ length: connections }, worker));
      return answers;
    },

    /** SIGKILL, and a new start on the same directory. */
    async kill() {
      await workerd.kill();
    },
    async restart() {
      workerd = await startWorkerd(options);
    },
    async stop() {
      agent.destroy();
      await workerd.stop();
      origin.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return gateway;
}
