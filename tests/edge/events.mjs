/** What tests of events from elsewhere ask of a gateway. */
import assert from "node:assert/strict";

const tier = (up_to, unit_price) => ({ up_to, unit_price });
const PLAN = {
  id: "elsewhere",
  version: 1,
  meters: [
    { id: "calls", event_type: "call", aggregation: "count" },
    {
      id: "tokens",
      event_type: "call",
      aggregation: "sum",
      property: "/tokens",
      dimensions: { model: "/model" },
    },
    { id: "peak", event_type: "load", aggregation: "max", property: "/n" },
  ],
  charges: [
    {
      id: "calls",
      meter: "calls",
      unit: "credits",
      price: { model: "graduated", tiers: [tier("1000", "2"), tier(null, "1")] },
    },
    {
      id: "tokens",
      meter: "tokens",
      unit: "credits",
      price: {
        model: "matrix",
        entries: [
          { when: { model: "small" }, unit_price: "0.001" },
          { when: { model: "large" }, unit_price: "0.03" },
        ],
      },
    },
    { id: "words", unit: "credits", price: { model: "per_unit", unit_price: "1" } },
    { id: "peaks", meter: "peak", unit: "credits", price: { model: "per_unit", unit_price: "1" } },
  ],
  credits: { burn_order: "standard", rollover: "none", at_zero: "block" },
};

/**
 * The operator's calls about events.
 * @param {() => Awaited<ReturnType<import("./harness.mjs").startGateway>>} gateway
 */
export function calls(gateway) {
  return {
    /** Opens an account with credits. */
    async open(id, amount = "1000000", terms = {}) {
      await gateway().must("POST", "/v1/plans", PLAN);
      const contract = { plan: "elsewhere", version: 1, ...terms };
      await gateway().must("POST", "/v1/accounts", { id, contract });
      await gateway().must("POST", `/v1/accounts/${id}/grants`, { id: "first", amount });
    },
    post: (body, headers = { "content-type": "application/cloudevents-batch+json" }) =>
      gateway().api("POST", "/v1/events", body, headers),
    correct: (body) => gateway().api("POST", "/v1/events/corrections", body),
    burned: async (account) => (await gateway().balance(account)).burned,
    /** Sends an order to the entry of the tests, tests/edge/faults/entry.js. */
    async order(faults) {
      const answer = await gateway().send(`${gateway().urls[0]}/`, {
        headers: { "x-fault": JSON.stringify(faults) },
      });
      assert.ok([200, 299].includes(answer.status), answer.text);
    },
  };
}

/** An event of a charge that has no meter. */
export const words = (subject, id, quantity = 1, more = {}) => ({
  specversion: "1.0",
  id,
  source: "/tests",
  type: "words",
  subject,
  time: new Date().toISOString(),
  data: { quantity },
  ...more,
});

/** What an answer says of each event: its status, or the code of a refusal. */
export const told = ({ json }) => json.events.map(({ status, code }) => code ?? status);
