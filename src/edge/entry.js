/**
 * The Worker's entry: holds the request and the fetch; every decision is Rust.
 *
 *   client ─▶ fetch ─▶ admit() ─▶ origin ─▶ client ─▶ settle()
 *                 └─ "ask" ─▶ Account.call() ─▶ answered() ─┘
 *
 * A request paid from a lease makes one synchronous decision in wasm before the origin (`admit`, or
 * `again` for what was admitted a moment ago, with numbers alone) and a call after it (`settle`).
 * No request ever waits for another request's promise: whoever finds the lease empty asks the
 * account itself. A request whose cost is in its answer is src/edge/exchange.js's.
 */
import { DurableObject } from "cloudflare:workers";
import Rust, { Account as RustAccount, Catalog as RustCatalog } from "../../build/index.js";
import { ask, flush, inTime, persist, renew } from "./calls.js";
import { embedded } from "./embedding.js";
import { exchanged } from "./exchange.js";
import {
  gateway,
  readRoutes,
  REFRESH_MS,
  ROUTES_MS,
  routesAt,
  start,
} from "./isolate.js";
import { again, learn, read } from "./known.js";
import { forwarded, originFetch, unmetered, whole } from "./origin.js";
import { page } from "./page.js";
import { note, noted, remembered } from "./panic.js";
import {
  BODY_BROKEN,
  NO_ORIGIN,
  NO_ROUTES,
  refusal,
  tooLarge,
  UNDECIDED,
  unrecorded,
} from "./refusals.js";

/** When routes were last asked for beside a request. */
let routesUnderWay = 0;

/** How long a control call may take, in ms: some make several calls of objects. */
const OWN_MS = 15_000;

export default {
  /**
   * A request paid from a lease takes the short way through here: no await before the origin's.
   * @param {Request} request
   */
  fetch(request, env, ctx) {
    try {
      if (gateway === undefined) {
        const problem = start(env, ctx);
        if (problem !== "") return refusal(503, problem);
      }
      const now = Date.now();
      if (now - routesAt > REFRESH_MS && routesAt !== 0) {
        // The first request after a pause: what was published meanwhile holds for it.
        if (now - routesAt > ROUTES_MS) return late(request, env, ctx).catch(undecided);
        if (now - routesUnderWay > REFRESH_MS) {
          routesUnderWay = now;
          ctx.waitUntil(readRoutes(env));
        }
      }
      return meter(request, now, env, ctx);
    } catch (error) {
      return undecided(error);
    }
  },
};

function meter(request, now, env, ctx) {
  const asked = read(request);
  const paid = again(gateway, asked, now);
  if (paid !== undefined) return forward(asked, paid, env, ctx);
  const verdict = decide(asked, now);
  if (verdict.startsWith("paid\n")) return forward(asked, learn(asked, verdict), env, ctx);
  return otherwise(asked, verdict, env, ctx).catch(undecided);
}

async function late(request, env, ctx) {
  await readRoutes(env);
  return meter(request, Date.now(), env, ctx);
}

/**
 * Rust panicked, which takes the isolate's memory with it: the next call has a new one. What was
 * held here stays set aside at the accounts; this request was not served, or its answer is lost.
 */
function undecided(error) {
  note(error);
  console.error(`undecided: ${error}`);
  return refusal(503, UNDECIDED);
}

/** @returns {string} a verdict, see src/edge/gateway/mod.rs */
const decide = ({ method, url, credential, once }, now) =>
  gateway.admit(method, url, credential, once !== null, now);

/** The same for a request that was read to its end: its price, or its client's key, needs it. */
function begin({ request, method, url, credential, once, body }, now) {
  const headers = JSON.stringify([...request.headers]);
  return gateway.begin(method, url, credential, once ?? "", headers, body, now);
}

/** Every verdict but `paid` at once: what has to be asked is asked, then the request answered. */
async function otherwise(asked, verdict, env, ctx) {
  const { request } = asked;
  if (verdict === "start") {
    const problem = start(env, ctx);
    if (problem !== "") return refusal(503, problem);
    verdict = decide(asked, Date.now());
  }
  if (verdict === "routes") {
    await readRoutes(env);
    verdict = decide(asked, Date.now());
    if (verdict === "routes") return refusal(503, NO_ROUTES);
  }
  if (verdict.startsWith("read\n")) {
    const [, most] = verdict.split("\n");
    try {
      asked.body = await whole(request, Number(most));
    } catch {
      return refusal(400, BODY_BROKEN);
    }
    if (asked.body === undefined) return refusal(413, tooLarge(most));
    verdict = begin(asked, Date.now());
  }
  // An account may answer "ask again": a rest of the lease was given back meanwhile.
  for (let round = 0; verdict.startsWith("ask\n") && round < 4; round++) {
    const asking = ask(verdict, env, ctx);
    // A client that hangs up must not take the account's answer with it.
    ctx.waitUntil(asking);
    verdict = await asking;
  }
  const [kind, status, problem] = verdict.split("\n");
  switch (kind) {
    case "paid":
      return forward(asked, learn(asked, verdict), env, ctx);
    case "held": {
      const exchange = exchanged(asked, learn(asked, verdict), env, ctx);
      // It goes on to its end whether the client is still there or not.
      ctx.waitUntil(exchange.catch(() => {}));
      return exchange;
    }
    case "refuse":
      return refusal(Number(status), problem);
    case "pass":
      // Read, if routes were published meanwhile.
      return originFetch(request, unmetered(request.headers), env, asked.body);
    case "own":
      return own(request, env, ctx);
    default:
      return refusal(503, UNDECIDED);
  }
}

/**
 * Forwards a paid request: the key is taken off, the operation and the account are put on. Copies
 * of requests and responses, and each header, cost more here than the decision did: one copy of
 * each, and no more headers than are of use.
 * @param {ReturnType<typeof read>} asked
 * @param {ReturnType<typeof learn>} paid
 */
async function forward(asked, paid, env, ctx) {
  const { request } = asked;
  const { account, op } = paid;
  let held;
  // The report is on its way while the origin works.
  if (paid.durable) ctx.waitUntil(held = persist(account, op, env));
  if (paid.renew) ctx.waitUntil(renew(account, env));
  if (paid.flush) ctx.waitUntil(flush(account, env));
  const headers = forwarded(asked, paid);
  let response;
  try {
    response = await originFetch(request, headers, env, asked.body);
  } catch (error) {
    settle(paid, 0, env, ctx);
    console.error(`origin: ${error}`);
    return refusal(502, NO_ORIGIN);
  }
  const { status } = response;
  const isCharged = status < 500 || paid.charged;
  if (held !== undefined && isCharged && !(await inTime(held))) {
    settle(paid, status, env, ctx);
    await response.body?.cancel();
    return refusal(503, unrecorded(op));
  }
  const answer = status === 101
    ? new Response(null, { status, headers: response.headers, webSocket: response.webSocket })
    : new Response(response.body, response);
  const put = answer.headers;
  if (!isCharged) put.set("edgemeter-cost", "0");
  // A price that depends on the account's total is exact in the journal; here is its bound.
  else put.set(paid.most ? "edgemeter-cost-at-most" : "edgemeter-cost", paid.cost);
  put.set("edgemeter-operation", op);
  put.set("ratelimit-policy", paid.policy);
  put.set("ratelimit", `"credits";r=${paid.left}`);
  // Takes less than a microsecond; a microtask would run before the answer leaves as well, and
  // costs ten times as much.
  settle(paid, status, env, ctx);
  return answer;
}

/** Notes how an operation ended. Whatever goes wrong here, the client gets its answer. */
function settle({ account, op, shortcut, number, repeated, charged }, answered, env, ctx) {
  try {
    // A repetition was charged before: that stays, whatever becomes of it.
    const status = repeated ? 200 : answered;
    const fine = status !== 0 && (status < 500 || charged);
    if (fine && shortcut !== 0 && gateway.settle_again(shortcut, number, status)) return;
    if (gateway.settle(account, op, status, !fine, Date.now())) ctx.waitUntil(flush(account, env));
  } catch (error) {
    console.error(`settle ${op}: ${error}`);
  }
}

/** The control API, or a file of the customer's page. */
function own(request, env, ctx) {
  const { pathname } = new URL(request.url);
  if (pathname.startsWith("/edgemeter")) return page(request, env);
  const answer = () => remembered(new Rust(ctx, env).fetch(request), OWN_MS);
  return embedded(request, env, answer).catch(undecided);
}

/** One customer's ledger; the Rust object behind a class that takes typed RPC. */
export class Account extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    this.rust = new RustAccount(ctx, env);
  }
  /** @param {string} message @returns {string} */
  call(message) {
    return noted(() => this.rust.call(message));
  }
  fetch(request) {
    return this.rust.fetch(request);
  }
  alarm() {
    return this.rust.alarm();
  }
  webSocketMessage(socket, message) {
    return this.rust.webSocketMessage(socket, message);
  }
  webSocketClose(socket, code, reason, clean) {
    return this.rust.webSocketClose(socket, code, reason, clean);
  }
  webSocketError(socket, error) {
    return this.rust.webSocketError(socket, error);
  }
}

/** What is published: plans, routes, names of accounts. */
export class Catalog extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    this.rust = new RustCatalog(ctx, env);
  }
  /** @param {string} message @returns {string} */
  call(message) {
    return noted(() => this.rust.call(message));
  }
}
