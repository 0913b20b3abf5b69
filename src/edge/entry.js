/**
 * The Worker's entry: holds the request and the fetch; every decision is Rust.
 *
 *   client ─▶ fetch ─▶ admit() ─▶ origin ─▶ client ─▶ settle()
 *                 └─ "ask" ─▶ Account.call() ─▶ answered() ─┘
 *
 * A request paid from a lease makes one synchronous decision in wasm before the origin (`admit`, or
 * `again` for what was admitted a moment ago, with numbers alone) and a call after it (`settle`).
 * No request ever waits for another request's promise: whoever finds the lease empty asks the
 * account itself.
 */
import { DurableObject } from "cloudflare:workers";
import Rust, { Account as RustAccount, Catalog as RustCatalog } from "../../build/index.js";
import { again, forget, learn, read } from "./known.js";
import { originFetch, unmetered } from "./origin.js";
import { page } from "./page.js";
import { note, noted, remembered } from "./panic.js";
import { NO_ORIGIN, NO_ROUTES, refusal, UNDECIDED, unrecorded } from "./refusals.js";

/** No request is decided by routes read longer ago, in ms, unless the catalog is silent. */
const ROUTES_MS = 5_000;
/** From this age on they are read again beside a request, in ms; the rest is the catalog's time. */
const REFRESH_MS = 4_000;
/** How often an isolate reports, in ms; `REPORT_MS` in src/control. */
const REPORT_MS = 1_000;
/** A flusher's rounds: waitUntil ends 30 s after the answer. */
const FLUSH_ROUNDS = 20;
/** How long an account may take to answer, in ms (RFC 8506 Tx), and the catalog if all wait. */
const ACCOUNT_MS = 5_000;
/** How long an answer may be held after the origin gave it, in ms, and how often one looks. */
const HELD_MS = 5_000;
const LOOK_MS = 2;
/** How long a control call may take, in ms: some make several calls of objects. */
const OWN_MS = 15_000;

/** @type {{ admit: Function, again: Function, again_left: Function, answered: Function,
 *           settle: Function, settle_again: Function, renew: Function, flush: Function,
 *           persist: Function, needs_flusher: Function, set_routes: Function } | undefined} */
let gateway;
/** When routes were last read, or in vain after there were some; 0: there are none. */
let routesAt = 0;
let routesUnderWay = 0;

/**
 * Starts this isolate's gateway with the settings of its environment.
 * @returns {string} what is wrong, or ""
 */
function start(env, ctx) {
  // One instance of worker-build's entry point per isolate: its methods are the wasm exports,
  // wrapped so that an isolate recovers from a panic.
  const rust = new Rust(ctx, env);
  const problem = rust.start(
    JSON.stringify({
      key_secrets: env.EDGEMETER_KEY_SECRETS,
      operator_token: env.EDGEMETER_OPERATOR_TOKEN,
      mode: env.EDGEMETER_MODE,
      topup_url: env.EDGEMETER_TOPUP_URL,
    }),
    crypto.randomUUID().replaceAll("-", "").slice(0, 16),
  );
  if (problem === "") {
    const { admit, again, again_left, answered, settle, settle_again } = rust;
    const { renew, flush, persist, needs_flusher, set_routes } = rust;
    gateway = { admit, again, again_left, answered, settle, settle_again };
    Object.assign(gateway, { renew, flush, persist, needs_flusher, set_routes });
    forget();
    routesAt = 0;
  }
  return problem;
}

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
const decide = ({ method, url, credential }, now) => gateway.admit(method, url, credential, now);

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
    case "refuse":
      return refusal(Number(status), problem);
    case "pass":
      return originFetch(request, unmetered(request.headers), env);
    case "own":
      return own(request, env, ctx);
    default:
      return refusal(503, UNDECIDED);
  }
}

/**
 * Sends a message to an account and takes its reply; again and again, if the route says so.
 * @param {string} verdict `ask`, account, ticket, message
 * @returns {Promise<string>} the next verdict
 */
async function ask(verdict, env, ctx) {
  const [, account, ticket, first] = verdict.split("\n");
  const send = (message, ms, attempts) => replied(account, message, ms, attempts, env);
  const hear = (reply) => gateway.answered(Number(ticket), reply, Date.now());
  let next = hear(await send(first, ACCOUNT_MS, 2));
  while (next.startsWith("again\n")) {
    const [, pause, patience, message] = next.split("\n");
    await scheduler.wait(Number(pause));
    next = hear(await send(message, Number(patience), 1));
  }
  // What it left behind is given back or refunded, even if nothing was paid.
  if (ctx && gateway.needs_flusher(account, Date.now())) ctx.waitUntil(flush(account, env));
  return next;
}

/**
 * An account's reply, or "". The same message twice is the same message: operations and wishes are
 * numbered.
 */
async function replied(account, message, ms, attempts, env) {
  for (let attempt = 0; attempt < attempts; attempt++) {
    try {
      const stub = env.ACCOUNT.get(env.ACCOUNT.idFromName(account));
      return await within(ms, stub.call(message));
    } catch (error) {
      console.error(`account ${account}: ${error}`);
      if (error.overloaded || error === TIMEOUT) break;
    }
  }
  return "";
}

const TIMEOUT = new Error("no answer in time");

function within(ms, promise) {
  let timer;
  const timeout = new Promise((_, reject) => {
    timer = setTimeout(() => reject(TIMEOUT), ms);
  });
  return Promise.race([promise, timeout]).finally(() => clearTimeout(timer));
}

/**
 * Forwards a paid request: the key is taken off, the operation and the account are put on. Copies
 * of requests and responses, and each header, cost more here than the decision did: one copy of
 * each, and no more headers than are of use.
 * @param {ReturnType<typeof read>} asked
 * @param {ReturnType<typeof learn>} paid
 */
async function forward({ request, header }, paid, env, ctx) {
  const { account, op } = paid;
  let held;
  // The report is on its way while the origin works.
  if (paid.durable) ctx.waitUntil(held = persist(account, op, env));
  if (paid.renew) ctx.waitUntil(renew(account, env));
  if (paid.flush) ctx.waitUntil(flush(account, env));
  const headers = new Headers(request.headers);
  headers.delete(header);
  headers.set("edgemeter-account", account);
  headers.set("edgemeter-operation", paid.restricted ? `${op};restricted` : op);
  let response;
  try {
    response = await originFetch(request, headers, env);
  } catch (error) {
    settle(paid, 0, env, ctx);
    console.error(`origin: ${error}`);
    return refusal(502, NO_ORIGIN);
  }
  const { status } = response;
  if (held !== undefined && status < 500 && !(await inTime(held))) {
    settle(paid, status, env, ctx);
    await response.body?.cancel();
    return refusal(503, unrecorded(op));
  }
  const answer = status === 101
    ? new Response(null, { status, headers: response.headers, webSocket: response.webSocket })
    : new Response(response.body, response);
  const put = answer.headers;
  if (status >= 500) put.set("edgemeter-cost", "0");
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
function settle({ account, op, shortcut, number }, status, env, ctx) {
  try {
    const fine = status !== 0 && status < 500;
    if (fine && shortcut !== 0 && gateway.settle_again(shortcut, number, status)) return;
    if (gateway.settle(account, op, status, Date.now())) ctx.waitUntil(flush(account, env));
  } catch (error) {
    console.error(`settle ${op}: ${error}`);
  }
}

/**
 * Reports until the account has burned an operation: `durability` of its route is
 * `before_response`. Whoever finds a report under way looks again a moment later; the next one
 * carries all that wait by then.
 * @returns {Promise<boolean>} whether it is burned, and on disk
 */
async function persist(account, op, env) {
  const end = Date.now() + 2 * HELD_MS;
  try {
    while (Date.now() < end) {
      const verdict = gateway.persist(account, op, Date.now());
      if (verdict === "") return true;
      // The isolate's memory is gone: nobody can know.
      if (verdict === "start") return false;
      const asked = verdict.startsWith("ask\n") ? await ask(verdict, env) : "";
      if (asked === "") await scheduler.wait(LOOK_MS);
      else await scheduler.wait(50 * LOOK_MS);
    }
  } catch (error) {
    console.error(`persist ${op}: ${error}`);
  }
  return false;
}

const inTime = (held) => Promise.race([held, scheduler.wait(HELD_MS).then(() => false)]);

/** Asks for more credits beside the request; nobody waits for it. */
async function renew(account, env) {
  const verdict = gateway.renew(account, Date.now());
  if (verdict.startsWith("ask\n")) await ask(verdict, env);
}

/** Reports what was spent, again and again, until all is reported and nothing is held idle. */
async function flush(account, env) {
  for (let round = 1; round <= FLUSH_ROUNDS; round++) {
    await scheduler.wait(REPORT_MS);
    const verdict = gateway.flush(account, round === FLUSH_ROUNDS, Date.now());
    if (verdict === "") return;
    if (verdict.startsWith("ask\n")) await ask(verdict, env);
  }
}

/**
 * Reads the routes. If the catalog does not answer, those that are known go on, and are asked for
 * again as if they were new: they are what the operator last said here, and an outage of the
 * catalog alone stops nobody. Without any, the request gets 503 `no_routes`.
 */
async function readRoutes(env) {
  try {
    const stub = env.CATALOG.get(env.CATALOG.idFromName("catalog"));
    const ms = routesAt === 0 ? ACCOUNT_MS : ROUTES_MS - REFRESH_MS;
    const { ok } = JSON.parse(await within(ms, stub.call('"routes"')));
    if (ok) {
      const problem = gateway.set_routes(JSON.stringify(ok));
      if (problem !== "") console.error(`routes: ${problem}`);
      else routesAt = Date.now();
      // What a path meant may have changed.
      forget();
    }
  } catch (error) {
    console.error(`routes: ${error}`);
  }
  if (routesAt !== 0) routesAt = Date.now();
}

/** The control API, or a file of the customer's page. */
function own(request, env, ctx) {
  const { pathname } = new URL(request.url);
  if (pathname.startsWith("/edgemeter")) return page(request, env);
  return remembered(new Rust(ctx, env).fetch(request), OWN_MS).catch(undecided);
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
