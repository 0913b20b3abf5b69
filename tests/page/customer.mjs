/**
 * A customer of a language model's API, the same every time: three weeks of events from elsewhere,
 * calls through the gateway of today, a plan with credits, fees and a commit, and plans on offer.
 *
 *   const customer = await openCustomer(gateway, "acme");
 *   await customer.call();
 *
 * `say` may turn each text that people write (names of plans, charges, fees, models, zones) into
 * another one, and `route` the pattern of a route: what a stranger might put there.
 */
import { createServer } from "node:http";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Events lie so far back; one that is older than 34 days is refused. */
const DAYS = 21;
const MODELS = ["scribe-small", "scribe-large", "scribe-code"];

/** Numbers that are the same every time: a step of SplitMix64, in 32 bits of its output. */
export function dice(seed) {
  let state = BigInt(seed);
  return (below) => {
    state = (state + 0x9e3779b97f4a7c15n) & 0xffffffffffffffffn;
    let z = state;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & 0xffffffffffffffffn;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & 0xffffffffffffffffn;
    return Number((z >> 32n) % BigInt(below));
  };
}

/** The API behind the gateway: it says how many tokens each answer took. */
export async function startModel() {
  const roll = dice(7);
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const { model } = text ? JSON.parse(text) : {};
    const usage = { prompt_tokens: 800 + roll(1_200), completion_tokens: 40 + roll(260) };
    const choices = [{ index: 0, message: { role: "assistant", content: "Of course." } }];
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ id: "chat-1", model, choices, usage }));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { address: `127.0.0.1:${server.address().port}`, stop };
}

const meter = (id) => ({
  id,
  event_type: "completion",
  aggregation: "sum",
  property: `/${id}`,
  dimensions: { model: "/model" },
});
const tier = (up_to, unit_price) => ({ up_to, unit_price });

function plans(say) {
  const meters = [meter("input"), meter("output")];
  const input = { id: "input", name: say("Prompt tokens"), meter: "input" };
  const output = { id: "output", name: say("Answer tokens"), meter: "output" };
  const prices = (unit, scale) => [
    {
      ...input,
      unit,
      price: {
        model: "graduated",
        tiers: [tier("5000000", `${scale}2`), tier(null, `${scale}15`)],
      },
    },
    {
      ...output,
      unit,
      price: {
        model: "matrix",
        entries: [[0, "08"], [1, "4"], [2, "25"]].map(([index, digits]) => ({
          when: { model: say(MODELS[index]) },
          unit_price: `${scale}${digits}`,
        })),
      },
    },
  ];
  const credits = {
    value: "0.001",
    burn_order: "standard",
    rollover: "none",
    at_zero: { overage: { unit_price: "0.0011" } },
  };
  const growth = {
    id: "growth",
    version: 2,
    name: say("Growth"),
    currency: "USD",
    meters,
    fees: [{ id: "platform", name: say("Platform"), amount: "49" }],
    charges: prices("credits", "0.00"),
    commit: { amount: "60" },
    credits: { ...credits, grants: [{ id: "monthly", amount: "20000" }] },
  };
  return [
    growth,
    {
      id: "metered",
      version: 1,
      name: say("Pay as you go"),
      currency: "USD",
      meters,
      charges: prices("currency", "0.00000"),
    },
    {
      ...growth,
      id: "scale",
      version: 1,
      name: say("Scale"),
      fees: [{ id: "platform", name: say("Platform"), amount: "199" }],
      commit: { amount: "250" },
      credits: { ...credits, grants: [{ id: "monthly", amount: "250000" }] },
    },
  ];
}

const usage = {
  reader: "openai_chat",
  charges: { input: "input", output: "output" },
  output_max: "1024",
};
const routes = (agents) => ({
  unmatched: "refuse",
  routes: [
    { method: "POST", path: "/v1/chat/completions", usage },
    { method: "POST", path: agents, usage },
    { method: "POST", path: "/v1/embeddings", charge: "input", quantity: "350" },
  ],
});

/** Hour by hour: busy by day, quiet at night and on weekends, one day with twice as much. */
function events(account, now, say) {
  const roll = dice(42);
  const list = [];
  const first = Math.floor((now - DAYS * DAY_MS) / HOUR_MS) * HOUR_MS;
  for (let hour = 0; first + hour * HOUR_MS < now - HOUR_MS; hour++) {
    const at = new Date(first + hour * HOUR_MS);
    const day = at.getUTCHours() >= 7 && at.getUTCHours() < 19;
    const weekend = at.getUTCDay() % 6 === 0;
    const spike = Math.floor(hour / 24) === 9 ? 3 : 1;
    const calls = spike * (1 + roll(day && !weekend ? 6 : 2));
    for (let call = 0; call < calls; call++) {
      const model = MODELS[[0, 0, 0, 1, 2][roll(5)]];
      list.push({
        specversion: "1.0",
        id: `e-${hour}-${call}`,
        source: say("batch"),
        type: "completion",
        subject: account,
        time: new Date(at.getTime() + roll(HOUR_MS)).toISOString(),
        data: { model: say(model), input: 500 + roll(9_000), output: 30 + roll(1_500) },
      });
    }
  }
  return list;
}

/**
 * @param {Awaited<ReturnType<import("../edge/harness.mjs").startGateway>>} gateway its origin is
 *   startModel()'s
 */
export async function openCustomer(gateway, account, options = {}) {
  const { say = (text) => text, route: agents = "/v1/agents/{agent}/run" } = options;
  const { must } = gateway;
  const path = `/v1/accounts/${account}`;
  const published = plans(say);
  for (const plan of published) await must("POST", "/v1/plans", plan);
  await must("PUT", "/v1/routes", routes(agents));
  const offers = published.map(({ id, version }) => ({ plan: id, version }));
  await must("PUT", "/v1/portal", { origins: [], offers });
  const now = Date.now();
  const from = new Date(now - DAYS * DAY_MS).toISOString().slice(0, 10);
  const contract = { plan: "growth", version: 2, from, zone: { name: say("UTC"), offset: 0 } };
  await must("POST", "/v1/accounts", { id: account, contract });
  const promotion = { id: "welcome", amount: "5000", kind: "promotional", priority: 50 };
  await must("POST", `${path}/grants`, { ...promotion, expires_at: now + 9 * DAY_MS });
  await must("POST", `${path}/grants`, { id: "order-1017", amount: "40000", kind: "paid" });
  const all = events(account, now, say);
  for (let at = 0; at < all.length; at += 1_000) {
    const headers = { "content-type": "application/cloudevents-batch+json" };
    const body = JSON.stringify(all.slice(at, at + 1_000));
    const { status, text } = await gateway.api("POST", "/v1/events", body, headers);
    if (status !== 200) throw new Error(text);
  }
  const keys = {};
  for (const id of ["web", "batch", "mobile"]) {
    keys[id] = (await must("POST", `${path}/keys`, { id })).key;
  }
  const roll = dice(5);
  return {
    account,
    /** One call through the gateway, of one of three keys, on one of three routes. */
    async call() {
      const key = keys[["web", "web", "web", "batch", "mobile"][roll(5)]];
      const chat = "/v1/chat/completions";
      const route = [chat, chat, "/v1/embeddings", agents.replace("{agent}", "a7")][roll(4)];
      const model = say(MODELS[[0, 0, 1][roll(3)]]);
      const messages = [{ role: "user", content: "How much is left?" }];
      const answer = await gateway.send(gateway.urls[0] + route, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body: JSON.stringify({ model, messages, max_tokens: 300 }),
      });
      if (answer.status !== 200) throw new Error(`${route}: ${answer.status} ${answer.text}`);
    },
  };
}
