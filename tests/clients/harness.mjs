/**
 * Clients from npm, the gateway, and an origin that speaks their protocols.
 *
 *   THROUGH=origin node --test tests/clients/openai.test.mjs
 *
 * leaves the gateway out, and with it whatever its ledger says: it shows whether a failure is the
 * gateway's. Below the root, `/drain`, `/no_bill` and `/sliced` are the same API under another
 * policy; the root estimates.
 */
import assert from "node:assert/strict";
import { startGateway } from "../edge/harness.mjs";
import { exchanges, settledOnce } from "./ledger.mjs";
import { CHARGES, credits, PRICES } from "./oracle.mjs";
import { startOrigin } from "./origin.mjs";

export const DIRECT = process.env.THROUGH === "origin";
/** For tests that are about what the gateway does. */
export const METERED = { skip: DIRECT && "the gateway is left out" };

/** What a bound is lowered to, or is where a request names none. */
export const OUTPUT_MAX = 5_000;
/** Output tokens that a sliced route reserves at a time. */
export const SLICE = 100;

/** Routes by the folder that they are in. */
const POLICIES = {
  "": { on_disconnect: "estimate" },
  "/drain": { on_disconnect: "drain" },
  "/no_bill": { on_disconnect: "no_bill" },
  "/sliced": { on_disconnect: "estimate", slice: String(SLICE) },
};
const READERS = {
  "/v1/chat/completions": "openai_chat",
  "/v1/responses": "openai_responses",
  "/v1/messages": "anthropic_messages",
};

export const ROUTES = {
  unmatched: "refuse",
  routes: Object.entries(POLICIES).flatMap(([folder, policy]) =>
    Object.entries(READERS).map(([path, reader]) => ({
      method: "POST",
      path: folder + path,
      usage: { reader, charges: CHARGES, output_max: String(OUTPUT_MAX), ...policy },
    })),
  ),
};

const CREDITS = { burn_order: "standard", rollover: "none", at_zero: "block" };
/** Events name what they used as the charges do. */
const METERS = Object.values(CHARGES).map((id) => ({
  id,
  event_type: "llm.completion",
  aggregation: "sum",
  property: `/${id}`,
}));

/** Each kind of token at its price; the models that a matrix names, at the same. */
const plan = (id, price) => ({
  id,
  version: 1,
  meters: METERS,
  charges: Object.entries(CHARGES).map(([kind, charge]) => ({
    id: charge,
    meter: charge,
    unit: "credits",
    price: price(credits(PRICES[kind])),
  })),
  credits: CREDITS,
});

const PLANS = [
  plan("tokens", (unit_price) => ({ model: "per_unit", unit_price })),
  {
    ...plan("models", (unit_price) => ({
      model: "matrix",
      entries: [{ when: { model: "listed" }, unit_price }],
    })),
    meters: METERS.map((meter) => ({ ...meter, dimensions: { model: "/model" } })),
  },
];

/** Without a gateway: whoever asks gets the origin, and no books are kept. */
function unmetered(origin) {
  const customer = {
    account: "none",
    key: "em_test_none",
    base: origin.url,
    bases: [origin.url],
    async books() {},
  };
  return { origin, customer: async () => customer, stop: async () => origin.stop() };
}

/**
 * Starts everything.
 * @param {{ gateways?: number }} options
 */
export async function startClients(options = {}) {
  const origin = await startOrigin();
  if (DIRECT) return unmetered(origin);
  let gateway;
  const stop = async () => {
    await gateway?.stop();
    origin.stop();
  };
  try {
    gateway = await startGateway({ ...options, origin });
    for (const plan of PLANS) await gateway.must("POST", "/v1/plans", plan);
    await gateway.must("PUT", "/v1/routes", ROUTES);
  } catch (error) {
    // Else what was started keeps the test from ending.
    await stop();
    throw error;
  }

  return {
    origin,
    stop,
    gateway,

    /** Opens an account with these credits, and a key. */
    async customer(account, amount = "1000000", plan = "tokens") {
      await gateway.must("POST", "/v1/accounts", { id: account, contract: { plan, version: 1 } });
      if (amount !== "0") {
        await gateway.must("POST", `/v1/accounts/${account}/grants`, { id: "first", amount });
      }
      const { key } = await gateway.must("POST", `/v1/accounts/${account}/keys`, {});
      return {
        account,
        key,
        base: gateway.urls[0],
        bases: gateway.urls,

        /**
         * Nothing is held any more, each operation ended once, and what was burned is what the
         * journal says, and `expected` (in millionths), or within it.
         * @param {bigint | { least: bigint, most: bigint }} [expected]
         * @returns what the journal says of each operation
         */
        async books(expected) {
          const balance = await gateway.settled(account);
          const found = await exchanges(gateway, account);
          settledOnce(found);
          const sum = [...found.values()].reduce((sum, { cost }) => sum + cost, 0n);
          assert.equal(balance.burned, credits(sum), "the balance is what the journal says");
          if (typeof expected === "bigint") assert.equal(balance.burned, credits(expected));
          else if (expected) assert.ok(isWithin(sum, expected), told(sum, expected));
          assert.equal((await gateway.account(account)).audit, "ok");
          return found;
        },
      };
    },
  };
}

export const isWithin = (sum, { least, most }) => sum >= least && sum <= most;
const told = (sum, { least, most }) =>
  `${credits(sum)} burned, which is not within ${credits(least)} and ${credits(most)}`;
