/**
 * Messages to accounts: Rust writes them and reads their answers, this sends them.
 *
 *   verdict "ask" ─▶ Account.call() ─▶ answered() ─▶ the next verdict
 *   renew, flush, persist, tell: beside a request, or until its burn is on disk
 */
import { gateway } from "./isolate.js";

/** How often an isolate reports, in ms; `REPORT_MS` in src/control. */
const REPORT_MS = 1_000;
/** A flusher's rounds: waitUntil ends 30 s after the answer. */
const FLUSH_ROUNDS = 20;
/** How long an account may take to answer, in ms (RFC 8506 Tx), and the catalog if all wait. */
const ACCOUNT_MS = 5_000;
/** How long an answer may be held after the origin gave it, in ms, and how often one looks. */
const HELD_MS = 5_000;
const LOOK_MS = 2;

/**
 * Sends a message to an account and takes its reply; again and again, if the route says so.
 * @param {string} verdict `ask`, account, ticket, message
 * @returns {Promise<string>} the next verdict
 */
export async function ask(verdict, env, ctx) {
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

/** A promise, or an error after `ms`. */
export function within(ms, promise) {
  let timer;
  const timeout = new Promise((_, reject) => {
    timer = setTimeout(() => reject(TIMEOUT), ms);
  });
  return Promise.race([promise, timeout]).finally(() => clearTimeout(timer));
}

/** Asks for more credits beside the request; nobody waits for it. */
export async function renew(account, env) {
  const verdict = gateway.renew(account, Date.now());
  if (verdict.startsWith("ask\n")) await ask(verdict, env);
}

/** Reports what was spent, again and again, until all is reported and nothing is held idle. */
export async function flush(account, env) {
  for (let round = 1; round <= FLUSH_ROUNDS; round++) {
    await scheduler.wait(REPORT_MS);
    const verdict = gateway.flush(account, round === FLUSH_ROUNDS, Date.now());
    if (verdict === "") return;
    if (verdict.startsWith("ask\n")) await ask(verdict, env);
  }
}

/**
 * Reports until the account has burned an operation: `durability` of its route is
 * `before_response`. Whoever finds a report under way looks again a moment later; the next one
 * carries all that wait by then.
 * @returns {Promise<boolean>} whether it is burned, and on disk
 */
export async function persist(account, op, env) {
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

/** Whether it is on disk in the time that an answer may be held. */
export const inTime = (held) =>
  Promise.race([held, scheduler.wait(HELD_MS).then(() => false)]);
