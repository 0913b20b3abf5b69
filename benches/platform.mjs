/**
 * What the benches of the gateway share: everything in one workerd, one account with plenty, and
 * what can be asked of it.
 *
 *   gateways     1 … n, isolates of the same build; an observed one has benches/gateway/observed.js
 *                around it
 *   beside       plain Workers before the same origin, by the name of their file
 *   origin       a plain Worker behind a service binding: no socket decides
 *
 * The objects are stored in memory where there is such a file system, which favours what writes
 * more: the hand-written gateway.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "../scripts/build.mjs";
import { Hint, ROOT } from "../scripts/tools.mjs";
import { freePort, startWorkerd } from "../scripts/workerd.mjs";

export const PLENTY = 1_000_000_000;
export const ACCOUNT = "bench";
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
const WALLET_KEY = "hw_0123456789abcdef0123456789abcdef";
const WALLETS = {
  handwritten: [],
  distant_wallet: ["handwritten"],
};

const file = (name) => join(ROOT, "benches", "gateway", `${name}.js`);

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const rounded = (value, places = 2) => Number(value.toFixed(places));

/** The value that `share` of the numbers do not exceed. */
export function percentile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export async function json(url, options) {
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
export async function burned(accounts) {
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

/** A plain Worker before the origin. */
function plain(contender, port, settings) {
  // Cap'n Proto takes no underscores.
  const worker = { name: contender.replaceAll("_", ""), port, file: file(contender) };
  if (!Object.hasOwn(WALLETS, contender)) return worker;
  return {
    ...worker,
    imports: WALLETS[contender].map(file),
    objects: ["Wallet"],
    settings: { ...settings, KEYS: JSON.stringify({ [WALLET_KEY]: ACCOUNT }) },
  };
}

/**
 * Starts it all, gives it to `act` and takes it down.
 * @param {{ isolates?: number, observed?: boolean, origin?: string, beside?: string[],
 *           settings?: Record<string, string> }} wanted
 * @param {(bench: { workerd, accounts, key: string, urls: string[],
 *                   targets: Record<string, { url: string, headers: object }> }) => Promise} act
 */
export async function withPlatform(wanted, act) {
  const { isolates = 1, observed = false, origin = "origin", beside = [], settings } = wanted;
  await build(["edge"]);
  const memory = "/dev/shm";
  const dir = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), "edgemeter-bench-"));
  const ports = [];
  for (let i = 0; i < isolates + beside.length; i++) ports.push(await freePort());
  const workerd = await startWorkerd({
    dir,
    ports: ports.slice(0, isolates),
    origin: { file: file(origin) },
    settings: { ...SETTINGS, ...settings },
    main: observed ? file("observed") : undefined,
    beside: beside.map((name, i) => plain(name, ports[isolates + i], settings)),
  });
  try {
    const accounts = operator(workerd.urls[0]);
    const key = await accounts.fund();
    const targets = {};
    const headers = { "x-api-key": WALLET_KEY };
    for (const [i, name] of beside.entries()) {
      const base = `http://127.0.0.1:${ports[isolates + i]}`;
      targets[name] = { url: `${base}/words`, base, headers };
      if (Object.hasOwn(WALLETS, name)) {
        await json(base, { method: "PUT", headers, body: String(PLENTY) });
      }
    }
    const [base] = workerd.urls;
    targets.edgemeter = { url: `${base}/words`, base, headers: { "x-api-key": key } };
    return await act({ workerd, accounts, key, urls: workerd.urls, targets });
  } finally {
    await workerd.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** A line of cells: the first to the left, the others to the right. */
export function row([first, ...cells]) {
  return first.padEnd(16) + cells.map((cell) => String(cell).padStart(12)).join("");
}
