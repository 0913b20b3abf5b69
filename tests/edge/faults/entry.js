/**
 * The Worker as it is, with faults to order: for tests, never shipped. The same modules, bundled
 * with this one around them.
 *
 *   header x-fault: trap        the isolate's wasm traps, as it does when Rust panics
 *   header x-fault: {shift: ms} the clock of the isolate, and of the objects in it, is that far on
 *   Account.fault(order)        faults of the next statements, see {@link Faults}
 *   Account.fault({ hang: ms }) calls are answered so much later
 *   Account.forget()            its memory is lost, the orders are not
 *   Account.evict()             the platform resets the object
 *   Account.call(message)       a message of the tests' own; `fill` reports many operations
 */
import { Account as RustAccount } from "../../../build/index.js";
import gateway, { Account as Real, Catalog } from "../../../src/edge/entry.js";

export { Catalog };

/** An object of Rust's whose memory is nowhere: whatever it is asked, the wasm traps. */
function trap(ctx, env) {
  const lost = new RustAccount(ctx, env);
  lost.__wbg_ptr = 0x7fff_fff0;
  return lost.call('"describe"');
}

export default {
  fetch(request, env, ctx) {
    if (request.headers.get("x-fault") === "trap") {
      try {
        trap({ storage: { sql: {} } }, env);
      } catch (error) {
        return new Response(String(error), { status: 299 });
      }
    }
    if (request.headers.get("x-fault") !== null) return order(request, env);
    return gateway.fetch(request, env, ctx);
  },
};

const clock = Date.now;

/** An order for an account's object, as JSON in a header. */
async function order(request, env) {
  const orders = JSON.parse(request.headers.get("x-fault"));
  const { account, evict, forget, message, shift, ...faults } = orders;
  if (shift !== undefined) {
    Date.now = () => clock() + shift;
    return Response.json({});
  }
  const stub = env.ACCOUNT.get(env.ACCOUNT.idFromName(account));
  const act = () => {
    if (message !== undefined) return stub.call(filled(message));
    if (evict) return stub.evict();
    return forget ? stub.forget() : stub.fault(faults);
  };
  try {
    return Response.json(await act());
  } catch (error) {
    return new Response(String(error), { status: 299 });
  }
}

/** Messages with long lists are too long for a header: they are made here. */
function filled(message) {
  const { fill } = JSON.parse(message);
  if (fill === undefined) return message;
  const { lease, from, count, seq } = fill;
  const list = Array.from({ length: count }, (_, i) => [0, 0, "1", i, 200]);
  const routes = [["GET /words", "words"]];
  const operations = { from, at: Date.now(), routes, keys: ["k1"], list };
  const report = { lease, used: String(from + count), returned: "0", operations };
  const wish = { lease, seq, rate: "100000", cost: "1" };
  return JSON.stringify({ control: { v: 1, report, wish } });
}

/** A native object whose members can be replaced. */
function around(target, replaced) {
  return new Proxy(target, {
    get(_, name) {
      if (Object.hasOwn(replaced, name)) return replaced[name];
      const value = target[name];
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/**
 * What goes wrong with statements that match, each one time of `every`:
 *
 *   throw-before   it fails, and nothing is written
 *   throw-after    it is written, and fails all the same
 *   panic-before   Rust panics in the middle of a call, before the statement
 *   panic-after    … and after it
 */
export class Account extends Real {
  #faults = { kind: "", matches: "", every: 1, hang: 0, seen: 0, done: 0 };
  #rust;

  constructor(ctx, env) {
    super(ctx, env);
    const sql = around(ctx.storage.sql, {
      exec: (query, ...bindings) => this.#exec(ctx.storage.sql, query, bindings),
    });
    this.#rust = () =>
      new RustAccount(around(ctx, { storage: around(ctx.storage, { sql }) }), env);
    this.rust = this.#rust();
  }

  #exec(sql, query, bindings) {
    const faults = this.#faults;
    const due = faults.kind !== "" && query.includes(faults.matches) &&
      ++faults.seen % faults.every === 0;
    if (!due) return sql.exec(query, ...bindings);
    faults.done += 1;
    const [what, when] = faults.kind.split("-");
    const result = when === "after" ? sql.exec(query, ...bindings) : undefined;
    if (what === "throw") throw new Error("disk I/O error, as ordered");
    // Called again in the middle of a call, Rust finds its memory borrowed, and panics.
    this.rust.call('"describe"');
    return result;
  }

  /** Nothing happens until then, and then all of it. */
  async call(message) {
    if (this.#faults.hang > 0) await scheduler.wait(this.#faults.hang);
    return super.call(message);
  }

  fault(faults) {
    const { done } = this.#faults;
    this.#faults = { kind: "", matches: "", every: 1, hang: 0, ...faults, seen: 0, done: 0 };
    return { done };
  }

  /** A new object of Rust's, with nothing in memory, in the same object of the platform's. */
  forget() {
    this.rust = this.#rust();
    return {};
  }

  evict() {
    this.ctx.abort("evicted, as ordered");
  }
}
