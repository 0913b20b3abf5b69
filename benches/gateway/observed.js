/**
 * The built gateway, unchanged, with something around its account objects that only a bench needs:
 *
 *   BENCH_DELAY_MS        a network between gateway and object: half of it each way
 *   GET /bench/object     what the object did so far: calls, rows that its statements wrote as the
 *                         platform counts them, alarms set (each is billed as a row written)
 *   POST /bench/object    the body as a message to the object; its reply
 */
import gateway, { Account as Built, Catalog } from "./gateway.js";

const ACCOUNT = "bench";

export class Account extends Built {
  #counts;

  constructor(ctx, env) {
    const counts = { calls: 0, rows: 0, alarms: 0 };
    const { storage } = ctx;
    const { sql } = storage;
    const [exec, setAlarm] = [sql.exec.bind(sql), storage.setAlarm.bind(storage)];
    sql.exec = (...statement) => {
      const cursor = exec(...statement);
      counts.rows += cursor.rowsWritten;
      return cursor;
    };
    storage.setAlarm = (...when) => {
      counts.alarms += 1;
      return setAlarm(...when);
    };
    super(ctx, env);
    this.#counts = counts;
  }

  async call(message) {
    this.#counts.calls += 1;
    const half = Number(this.env.BENCH_DELAY_MS ?? 0) / 2;
    if (half === 0) return super.call(message);
    await scheduler.wait(half);
    const reply = super.call(message);
    await scheduler.wait(half);
    return reply;
  }

  counts() {
    return this.#counts;
  }
}

export { Catalog };

export default {
  fetch(request, env, ctx) {
    if (request.url.endsWith("/bench/object")) return bench(request, env);
    return gateway.fetch(request, env, ctx);
  },
};

async function bench(request, env) {
  const account = env.ACCOUNT.get(env.ACCOUNT.idFromName(ACCOUNT));
  if (request.method === "GET") return Response.json(await account.counts());
  return new Response(await account.call(await request.text()));
}
