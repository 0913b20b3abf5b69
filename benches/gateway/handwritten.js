/**
 * What a user would write instead: one Durable Object per customer, asked once per request.
 *
 * Written to be fast, and given every advantage: keys are found in memory (in earnest they would
 * be in KV or hashed in a table), credits are an integer in one row, one statement burns and
 * tells, the request is forwarded as it came. It has no journal, no grants, no expiry, no second
 * price, and nothing of a key's rotation.
 */
import { DurableObject } from "cloudflare:workers";

const COST = 1;

export class Wallet extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    this.sql = ctx.storage.sql;
    this.sql.exec("CREATE TABLE IF NOT EXISTS wallet (id INTEGER PRIMARY KEY, credits INTEGER)");
  }

  /** @returns {number} what is left, or -1 if there is too little */
  burn(cost) {
    const burn = "UPDATE wallet SET credits = credits - ?1 WHERE credits >= ?1 RETURNING credits";
    const [row] = this.sql.exec(burn, cost).toArray();
    return row?.credits ?? -1;
  }

  fund(credits) {
    this.sql.exec("INSERT OR REPLACE INTO wallet VALUES (1, ?)", credits);
    return credits;
  }

  left() {
    return this.sql.exec("SELECT credits FROM wallet").one().credits;
  }
}

/** API key → the id of its customer's object. */
const customers = new Map();

function wallet(env, key) {
  let id = customers.get(key);
  if (id === undefined) {
    const account = JSON.parse(env.KEYS)[key];
    if (account === undefined) return undefined;
    id = env.WALLET.idFromName(account);
    customers.set(key, id);
  }
  return env.WALLET.get(id);
}

export default {
  async fetch(request, env) {
    const key = request.headers.get("x-api-key") ?? "";
    const own = wallet(env, key);
    if (own === undefined) return new Response("unknown key", { status: 401 });
    if (request.method === "PUT") return Response.json(await own.fund(await request.json()));
    if (request.url.endsWith("/left")) return Response.json(await own.left());
    const left = await own.burn(COST);
    if (left < 0) return new Response("no credits left", { status: 402 });
    const response = await env.ORIGIN.fetch(request);
    const answer = new Response(response.body, response);
    answer.headers.set("x-cost", String(COST));
    answer.headers.set("x-credits-left", String(left));
    return answer;
  },
};
