/**
 * The gateway side by side with what a user would pick instead, one after another on one machine:
 *
 *   passthrough   a Worker that forwards the response untouched: the limit
 *   handwritten   a Worker that makes one Durable Object call per request
 *   edgemeter     one account, funded with plenty, paid from leases
 *
 * All three run in one workerd, before the same origin: a plain Worker behind a service binding,
 * so that neither a socket nor the origin decides. The objects of the last two are stored in the
 * same place: memory where there is such a file system, which favours the hand-written one, as it
 * writes with every request. Rounds are interleaved, every other one backwards; a ratio is the
 * median of the rounds' ratios, since neighbours in time share what else the machine is doing.
 *
 * It fails if an answer is not 2xx, and if the account was not charged exactly what was served.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "../scripts/build.mjs";
import { Hint, log, ROOT } from "../scripts/tools.mjs";
import { freePort, startWorkerd } from "../scripts/workerd.mjs";
import { loadGenerator } from "./load.mjs";

export const about = "pass-through, hand-written and edgemeter, requests per second";

const WARM_UP_SECONDS = 2;
/** Requests of the last check, each awaited to its end. */
const CHECKED = 2_000;
const PLENTY = 1_000_000_000;
const ACCOUNT = "bench";
const OPERATOR_TOKEN = "operator-token-of-the-bench-0123456789";
const SETTINGS = {
  EDGEMETER_KEY_SECRETS: "1:a-secret-of-the-bench-of-32-bytes-!",
  EDGEMETER_OPERATOR_TOKEN: OPERATOR_TOKEN,
  EDGEMETER_MODE: "test",
};
const PLAN = {
  id: "bench",
  version: 1,
  charges: [{ id: "words", unit: "credits", price: { model: "per_unit", unit_price: "1" } }],
  credits: { burn_order: "standard", rollover: "none", at_zero: "block" },
};
const ROUTES = {
  unmatched: "refuse",
  routes: [{ method: "GET", path: "/words", charge: "words", quantity: "1" }],
};

const file = (name) => join(ROOT, "benches", "gateway", name);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function json(url, options) {
  const answer = await fetch(url, options);
  const text = await answer.text();
  if (!answer.ok) throw new Hint(`${options?.method ?? "GET"} ${url}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

/** The operator's calls on the gateway at `base`. */
function operator(base) {
  const call = (method, path, body) =>
    json(`${base}/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${OPERATOR_TOKEN}` },
      body: body && JSON.stringify(body),
    });
  return {
    /** Opens the account and returns its key. */
    async fund() {
      await call("POST", "/plans", PLAN);
      await call("PUT", "/routes", ROUTES);
      await call("POST", "/accounts", { id: ACCOUNT, contract: { plan: "bench", version: 1 } });
      const grant = { id: "plenty", amount: String(PLENTY) };
      await call("POST", `/accounts/${ACCOUNT}/grants`, grant);
      return (await call("POST", `/accounts/${ACCOUNT}/keys`, {})).key;
    },
    account: () => call("GET", `/accounts/${ACCOUNT}`),
  };
}

/** Burned credits, once nothing is held any more: all is reported by then. */
async function burned(accounts) {
  for (let round = 0; round < 300; round++) {
    const { balance, audit } = await accounts.account();
    if (audit !== "ok") throw new Hint(`the ledger's audit says ${audit}`);
    const sum = Number(balance.available) + Number(balance.held) + Number(balance.burned);
    if (sum !== PLENTY) throw new Hint(`conservation: ${JSON.stringify(balance)}`);
    if (balance.held === "0") return Number(balance.burned);
    await sleep(100);
  }
  throw new Hint("the account still holds credits for an isolate after 30 s");
}

/** `total` requests on `connections`, each awaited to its end; how many were 2xx. */
async function serve({ url, headers }, total, connections) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const one = () =>
    new Promise((resolve, reject) => {
      const sent = httpRequest(url, { headers, agent }, (answer) => {
        answer.on("error", reject).on("end", () => resolve(answer.statusCode)).resume();
      });
      sent.on("error", reject).end();
    });
  let [next, good] = [0, 0];
  const client = async () => {
    while (next < total) {
      next += 1;
      const status = await one();
      if (status >= 200 && status < 300) good += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
  agent.destroy();
  return good;
}

/** Everything in one workerd; the three as targets for load. */
async function start(dir) {
  const [port, ...beside] = [await freePort(), await freePort(), await freePort()];
  const handwrittenKey = "hw_0123456789abcdef0123456789abcdef";
  const workerd = await startWorkerd({
    dir,
    ports: [port],
    origin: { file: file("origin.js") },
    settings: SETTINGS,
    beside: [
      { name: "passthrough", port: beside[0], file: file("passthrough.js") },
      {
        name: "handwritten",
        port: beside[1],
        file: file("handwritten.js"),
        objects: ["Wallet"],
        settings: { KEYS: JSON.stringify({ [handwrittenKey]: ACCOUNT }) },
      },
    ],
  });
  const [passthrough, handwritten] = beside.map((port) => `http://127.0.0.1:${port}`);
  const headers = { "x-api-key": handwrittenKey };
  await json(handwritten, { method: "PUT", headers, body: String(PLENTY) });
  const accounts = operator(workerd.urls[0]);
  const key = await accounts.fund();
  return {
    workerd,
    accounts,
    served: () => json(`${passthrough}/served`),
    handwrittenLeft: () => json(`${handwritten}/left`, { headers }),
    targets: {
      passthrough: { url: `${passthrough}/words`, headers },
      handwritten: { url: `${handwritten}/words`, headers },
      edgemeter: { url: `${workerd.urls[0]}/words`, headers: { "x-api-key": key } },
    },
  };
}

/** One measurement; the count of what the origin served meanwhile goes with it. */
async function measure(load, bench, name, settings) {
  const before = await bench.served();
  const measured = await load(bench.targets[name], settings);
  // What was on its way when the load ended has ended by then.
  await sleep(200);
  const served = (await bench.served()) - before;
  if (measured.errors > 0) {
    throw new Hint(
      `${name}: ${measured.errors} of ${measured.answers} answers were not 2xx, or broke\n` +
        bench.workerd.output(),
    );
  }
  return { ...measured, served };
}

const median = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/**
 * What the account was charged is what was served. The load generator cuts its connections at the
 * end of a measurement, so of each round a request per connection may be charged and not counted;
 * then a counted number of requests must be charged exactly.
 */
async function check(bench, rounds, { connections }) {
  const answers = rounds.reduce((sum, round) => sum + round.edgemeter.answers, 0);
  const load = await burned(bench.accounts);
  if (load < answers || load > answers + connections * rounds.length) {
    throw new Hint(`edgemeter charged ${load} credits for ${answers} answers`);
  }
  const good = await serve(bench.targets.edgemeter, CHECKED, connections);
  const charged = (await burned(bench.accounts)) - load;
  if (charged !== good) throw new Hint(`edgemeter charged ${charged} credits for ${good} answers`);
}

const rounded = (value, places = 2) => Number(value.toFixed(places));

/** Medians over the rounds; the ratios are medians of each round's own. */
function summary(names, rounds) {
  const figures = {};
  const row = (cells) => cells.map((cell, i) => (i === 0 ? cell.padEnd(14) : cell.padStart(10)));
  const lines = [row(["", "req/s", "p50 ms", "p99 ms", "of pass"]).join("")];
  for (const name of names) {
    const of = (what) => median(rounds.map((round) => round[name][what]));
    const share = median(rounds.map((round) => round[name].rps / round.passthrough.rps));
    figures[`${name}_rps`] = Math.round(of("rps"));
    figures[`${name}_p50_ms`] = rounded(of("p50"), 3);
    figures[`${name}_p99_ms`] = rounded(of("p99"), 3);
    const cells = [of("rps").toFixed(0), of("p50").toFixed(2), of("p99").toFixed(2)];
    lines.push(row([name, ...cells, share.toFixed(2)]).join(""));
  }
  const ratio = (other) => median(rounds.map((round) => round.edgemeter.rps / round[other].rps));
  figures.edgemeter_of_passthrough = rounded(ratio("passthrough"));
  figures.edgemeter_of_handwritten = rounded(ratio("handwritten"));
  lines.push(`edgemeter is ${figures.edgemeter_of_handwritten} times the hand-written gateway`);
  return { figures, text: lines.join("\n") };
}

export async function run(settings) {
  await build(["edge"]);
  const load = loadGenerator();
  const memory = "/dev/shm";
  const dir = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), "edgemeter-bench-"));
  const bench = await start(dir);
  try {
    const names = Object.keys(bench.targets);
    const rounds = [];
    for (let round = 0; round <= settings.rounds; round++) {
      const seconds = round === 0 ? WARM_UP_SECONDS : settings.seconds;
      const measured = {};
      // Forwards and backwards in turn: what one leaves behind burdens the next.
      for (const name of round % 2 === 0 ? names : names.toReversed()) {
        measured[name] = await measure(load, bench, name, { ...settings, seconds });
      }
      rounds.push(measured);
      const rps = names.map((name) => `${name} ${Math.round(measured[name].rps)}`);
      log(`  ${round === 0 ? "warm-up" : `round ${round}`}: ${rps.join(", ")} req/s`);
    }
    await check(bench, rounds, settings);
    return summary(names, rounds.slice(1));
  } finally {
    await bench.workerd.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}
