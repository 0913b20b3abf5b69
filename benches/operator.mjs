/** What benches ask of a gateway as its operator: accounts with plenty, and how they stand. */
import { Hint } from "../scripts/tools.mjs";

const TOKEN = "operator-token-of-the-bench-0123456789";
export const PLENTY = 1_000_000_000;
export const SETTINGS = {
  EDGEMETER_KEY_SECRETS: "1:a-secret-of-the-bench-of-32-bytes-!",
  EDGEMETER_OPERATOR_TOKEN: TOKEN,
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

/** JSON of an answer that must be good. */
export async function json(url, options) {
  const answer = await fetch(url, options);
  const text = await answer.text();
  if (!answer.ok) throw new Hint(`${options?.method ?? "GET"} ${url}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

/** The operator's calls on the gateway at `base`. */
export function operator(base) {
  const call = (method, path, body) =>
    json(`${base}/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${TOKEN}` },
      body: body && JSON.stringify(body),
    });
  return {
    call,
    /** Opens accounts with plenty of credits, and a key each: `{ id, key }` by account. */
    async fund(accounts) {
      await call("POST", "/plans", PLAN);
      await call("PUT", "/routes", ROUTES);
      const keys = {};
      for (const id of accounts) {
        await call("POST", "/accounts", { id, contract: { plan: "bench", version: 1 } });
        await call("POST", `/accounts/${id}/grants`, { id: "plenty", amount: String(PLENTY) });
        keys[id] = await call("POST", `/accounts/${id}/keys`, { id: "bench" });
      }
      return keys;
    },
    /** Puts an account on a plan of its own, and other routes in the place of all. */
    async change(id, plan, routes) {
      await call("POST", "/plans", plan);
      await call("POST", `/accounts/${id}/contract`, { plan: plan.id, version: plan.version });
      await call("PUT", "/routes", routes);
    },
    account: (id) => call("GET", `/accounts/${id}`),
    verify: (id, from) => call("GET", `/accounts/${id}/verify?from=${from}`),
  };
}
