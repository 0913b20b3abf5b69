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
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "../scripts/build.mjs";
import { Hint, ROOT } from "../scripts/tools.mjs";
import { freePort, GATEWAY, startWorkerd } from "../scripts/workerd.mjs";
import { json, operator, PLENTY, SETTINGS } from "./operator.mjs";

const ACCOUNT = "bench";
const WALLET_KEY = "hw_0123456789abcdef0123456789abcdef";
const WALLETS = {
  handwritten: [],
  distant_wallet: ["handwritten"],
};

const file = (name) => join(ROOT, "benches", "gateway", `${name}.js`);

/** A directory of one's own, in memory where there is such a file system. */
export function directory() {
  const memory = "/dev/shm";
  return mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), "edgemeter-bench-"));
}

/** Burned credits, once nothing is held any more: all is reported by then. */
export async function burned(account) {
  for (let round = 0; round < 300; round++) {
    const { balance, audit } = await account();
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
  const worker = { name: contender.replaceAll("_", ""), port, modules: [file(contender)] };
  if (!Object.hasOwn(WALLETS, contender)) return worker;
  return {
    ...worker,
    modules: [contender, ...WALLETS[contender]].map(file),
    objects: ["Wallet"],
    settings: { ...settings, KEYS: JSON.stringify({ [WALLET_KEY]: ACCOUNT }) },
  };
}

/**
 * Starts it all, gives it to `act` and takes it down.
 * @param {{ isolates?: number, observed?: boolean, origin?: string, beside?: string[],
 *           settings?: Record<string, string> }} wanted
 * @param {(bench: { workerd, account: () => Promise<object>, key: { id: string, key: string },
 *                   urls: string[], targets: Record<string, { url: string, headers: object }>,
 *                   change: (plan: object, routes: object) => Promise }) => Promise} act
 */
export async function withPlatform(wanted, act) {
  const { isolates = 1, observed = false, origin = "origin", beside = [], settings } = wanted;
  await build(["edge"]);
  const dir = directory();
  const ports = [];
  for (let i = 0; i < isolates + beside.length; i++) ports.push(await freePort());
  const workerd = await startWorkerd({
    dir,
    ports: ports.slice(0, isolates),
    origin: { modules: [file(origin)] },
    settings: { ...SETTINGS, ...settings },
    modules: observed ? [file("observed"), GATEWAY] : [GATEWAY],
    beside: beside.map((name, i) => plain(name, ports[isolates + i], settings)),
  });
  try {
    const calls = operator(workerd.urls[0]);
    const { [ACCOUNT]: key } = await calls.fund([ACCOUNT]);
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
    targets.edgemeter = { url: `${base}/words`, base, headers: { "x-api-key": key.key } };
    const account = () => calls.account(ACCOUNT);
    const change = (plan, routes) => calls.change(ACCOUNT, plan, routes);
    return await act({ workerd, account, key, urls: workerd.urls, targets, change });
  } finally {
    await workerd.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}
