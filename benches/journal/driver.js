/**
 * Speaks to account objects as an isolate of the gateway does, without one: reports of thousands of
 * operations, direct debits, and any other message. A plain Worker beside the gateway.
 *
 *   POST /fill  { account, key, lease, rows, per }  ─▶ the lease, further on
 *   POST /burn  { account, key, calls, from }       ─▶ { ms }
 *   POST /call  { account, message }                ─▶ the account's reply
 */
const stub = (env, account) => env.ACCOUNT.get(env.ACCOUNT.idFromName(account));

/** One message, answered, or an error that says why not. */
async function send(object, message) {
  const { ok, problem } = JSON.parse(await object.call(JSON.stringify(message)));
  if (problem) throw new Error(problem.detail);
  return ok;
}

/** A second of an isolate's traffic: two routes, in the order of time. */
function operations({ key, from, per }) {
  const list = [];
  for (let i = 0; i < per; i++) {
    list.push([i % 2, 0, "1", Math.floor((i * 1_000) / per), i % 50 === 0 ? 404 : 200]);
  }
  const routes = [["GET /words", "words"], ["GET /words/{word}", "words"]];
  return { from, at: Date.now(), routes, keys: [key], list };
}

/** Reports `rows` times `per` operations of one lease, renewing it with each report. */
async function fill(env, { account, key, lease, rows, per }) {
  const object = stub(env, account);
  let { from, seq, granted } = lease;
  for (let row = 0; row < rows; row++) {
    seq += 1;
    const wish = { lease: lease.id, seq, rate: "100000", cost: "1", granted: String(granted) };
    const report = {
      lease: lease.id,
      used: String(from + per),
      returned: "0",
      operations: operations({ key, from, per }),
    };
    const first = from === 0 && granted === 0;
    const answer = await send(object, { control: first ? { v: 1, wish } : { v: 1, report, wish } });
    granted = Number(answer.granted ?? granted);
    if (!first) from = answer.acked;
  }
  return { ...lease, from, seq, granted };
}

/** Direct debits, one after the other. */
async function burn(env, { account, key, calls, from }) {
  const object = stub(env, account);
  const started = Date.now();
  for (let call = from; call < from + calls; call++) {
    const op = `bench.d${call}`;
    const debit = { op, route: "GET /words", charge: "words", key, quantity: "1" };
    const answer = await send(object, { control: { v: 1, debit } });
    if (answer.debit.result !== "paid") throw new Error(`not paid: ${JSON.stringify(answer)}`);
  }
  return { ms: Date.now() - started };
}

const DO = {
  "/fill": fill,
  "/burn": burn,
  "/call": (env, { account, message }) => send(stub(env, account), message),
};

export default {
  async fetch(request, env) {
    try {
      const asked = await request.json();
      return Response.json(await DO[new URL(request.url).pathname](env, asked));
    } catch (error) {
      return Response.json({ error: String(error) }, { status: 500 });
    }
  },
};
