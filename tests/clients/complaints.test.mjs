/**
 * What people complained about elsewhere, each with its repository and number: streams that are not
 * billed, refunds that are more than was paid, prices that are missing, usage that is summed.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../edge/harness.mjs";
import { BODIES, CALLS, hangUp, told, tools } from "./calls.mjs";
import { connect } from "./each.mjs";
import { METERED, OUTPUT_MAX, startClients } from "./harness.mjs";
import { cost, credits, estimate, millionths, tokens } from "./oracle.mjs";

const INPUT = 50;
let clients;
before(async () => (clients = await startClients({ gateways: 2 })));
after(() => clients?.stop());

const entry = (id) => clients.origin.log.find((entry) => entry.id === id);
const ended = (id, ms) => eventually(() => entry(id)?.end && entry(id), ms);

/** One call; rejects if the caller's SDK does. */
async function call(protocol, customer, does, { way = "stream", folder, more = {} } = {}) {
  const client = connect(protocol, customer, folder);
  const body = { ...BODIES[protocol](INPUT), ...more };
  return CALLS[protocol][way](client, body, { headers: told(does) });
}

/** Bounds of what an answer costs that never told its usage. */
const unknown = (seen, bound = 1_000, copies = 1) => {
  const { least, most } = estimate({ bytes: 1_000, seen, bound });
  return { least: least * BigInt(copies), most: most * BigInt(copies) };
};
const exactly = (does, copies = 1) => cost(tokens({ input: INPUT, does })) * BigInt(copies);
const BOUNDED = { max_completion_tokens: 1_000 };

test("litellm #30630, #14457: a cancelled stream is billed, each of twenty", METERED, async () => {
  const customer = await clients.customer("cancelled");
  const does = { words: 500, pause_ms: 2 };
  const one = async (i) => {
    const headers = told({ ...does, id: `cancelled-${i}` });
    const client = connect("chat", { ...customer, base: customer.bases[i % 2] });
    const body = { ...BODIES.chat(INPUT), ...BOUNDED };
    return hangUp("chat", client, body, headers, (seen) => seen === 10 + i);
  };
  const seen = await Promise.all(Array.from({ length: 20 }, (_, i) => one(i)));
  const sum = seen.reduce((a, b) => a + b);
  const { most } = unknown(0, 1_000, 20);
  const found = await customer.books({ least: unknown(sum).least, most });
  assert.equal(found.size, 20);
  for (const { cost, estimated } of found.values()) assert.ok(cost > 0n && estimated);
});

test("litellm #17364: the origin is told when the client is gone", METERED, async () => {
  const customer = await clients.customer("told");
  const headers = told({ id: "told", endless: true });
  const client = connect("chat", customer);
  await hangUp("chat", client, BODIES.chat(INPUT), headers, (seen) => seen === 5);
  assert.equal((await ended("told")).end, "aborted");
  await customer.books(unknown(5, OUTPUT_MAX));
});

test("litellm #36008, #37558: interrupted messages drain to their usage", METERED, async () => {
  const customer = await clients.customer("drained");
  const does = { id: "drained", words: 300, pause_ms: 2 };
  const client = connect("messages", customer, "/drain");
  await hangUp("messages", client, BODIES.messages(INPUT), told(does), (seen) => seen === 20);
  assert.equal((await ended("drained")).end, "whole");
  const [{ estimated }] = (await customer.books(exactly(does))).values();
  assert.equal(estimated, false);
});

test("litellm #13245: a client that does not wait for a whole answer pays", METERED, async () => {
  const customer = await clients.customer("impatient");
  const does = { id: "impatient", words: 30, first_ms: 500 };
  const client = connect("chat", customer, "/drain");
  const signal = AbortSignal.timeout(150);
  const gone = client.chat.completions.create(BODIES.chat(INPUT), { headers: told(does), signal });
  await assert.rejects(gone);
  assert.equal((await ended("impatient")).end, "whole");
  await customer.books(exactly(does));
});

for (const protocol of ["chat", "responses", "messages"]) {
  test(`one-switch #3: ${protocol} aborted after the tool call is billed`, METERED, async () => {
    const id = `agent-${protocol}`;
    const customer = await clients.customer(id);
    const body = { ...BODIES[protocol](INPUT), ...tools(protocol) };
    // It pauses between the call and the usage, where an agent hangs up.
    const does = { id, tool: true, words: 40, pause_ms: 3 };
    const client = connect(protocol, customer);
    await hangUp(protocol, client, body, told(does), (seen) => seen === 40);
    await customer.books(unknown(40, OUTPUT_MAX));
  });
}

test("Menci/Floway #411: what is drained has an end, and is then estimated", METERED, async () => {
  const customer = await clients.customer("drain-end");
  const headers = told({ id: "drain-end", endless: true, pause_ms: 50 });
  const client = connect("chat", customer, "/drain");
  const body = { ...BODIES.chat(INPUT), ...BOUNDED };
  await hangUp("chat", client, body, headers, (seen) => seen === 3);
  const { end, words } = await ended("drain-end", 40_000);
  assert.equal(end, "aborted");
  const [{ estimated }] = (await customer.books(unknown(Math.min(words, 500) >> 1))).values();
  assert.equal(estimated, true);
});

const CUMULATIVE = [
  ["tensorzero #5481: the start's tokens and the end's are one count", ""],
  ["posthog-python 7.75.4, LibreChat #150: usage told forty times counts once", "repeated"],
  ["cline #4346, cc-switch #6655: only the end knows the input", "late"],
  ["cc-switch #6655: only the start knows the input", "brief"],
];
for (const [name, usage] of CUMULATIVE) {
  test(name, METERED, async () => {
    const id = `cumulative-${usage || "plain"}`;
    const customer = await clients.customer(id);
    const does = { id, words: 40, usage };
    await call("messages", customer, does);
    await customer.books(exactly(does));
  });
}

test("vLLM's continuous usage: in every chunk, cumulative, counts once", METERED, async () => {
  const customer = await clients.customer("continuous");
  const does = { id: "continuous", words: 40, usage: "repeated" };
  await call("chat", customer, does, { way: "stream with usage" });
  await customer.books(exactly(does));
});

test("elizaOS/eliza #22681: a negative price is no price", METERED, async () => {
  const { api } = clients.gateway;
  const answer = await api("POST", "/v1/plans", {
    id: "minting",
    version: 1,
    charges: [
      { id: "output", unit: "credits", price: { model: "per_unit", unit_price: "-1" } },
    ],
    credits: { burn_order: "standard", rollover: "none", at_zero: "block" },
  });
  assert.equal(answer.status, 422, answer.text);
});

for (const protocol of ["chat", "responses", "messages"]) {
  for (const usage of ["malformed", "negative"]) {
    test(`elizaOS/eliza #22681: ${usage} usage of ${protocol} mints nothing`, METERED, async () => {
      const id = `minting-${protocol}-${usage}`;
      const customer = await clients.customer(id);
      const more = protocol === "chat" ? BOUNDED : {};
      for (const way of ["create", "stream"]) {
        await call(protocol, customer, { id, words: 20, usage }, { way, more });
      }
      const { most } = unknown(0, OUTPUT_MAX, 2);
      const found = await customer.books({ least: unknown(40).least, most });
      assert.deepEqual([...found.values()].map(({ estimated }) => estimated), [true, true]);
      const { available, burned } = await clients.gateway.balance(id);
      assert.equal(millionths(available) + millionths(burned), millionths("1000000"));
    });
  }
}

test("litellm #37927: a success without usage is charged all the same", METERED, async () => {
  const customer = await clients.customer("no-usage");
  for (const protocol of ["chat", "responses", "messages"]) {
    const more = protocol === "chat" ? BOUNDED : {};
    const does = { id: `no-usage-${protocol}`, words: 20, usage: "none" };
    // A caller's SDK may not like it; what counts is that the origin served it.
    await call(protocol, customer, does, { way: "stream", more }).catch(() => undefined);
  }
  const { most } = unknown(0, OUTPUT_MAX, 3);
  const found = await customer.books({ least: unknown(60).least, most });
  for (const { estimated } of found.values()) assert.ok(estimated);
});

test("litellm #35524: a model without a price is refused before the origin", METERED, async () => {
  const customer = await clients.customer("unlisted", "1000", "models");
  const refused = call("chat", customer, { id: "unlisted" }, { more: { model: "auto" } });
  await assert.rejects(refused, ({ status, message }) => {
    assert.equal(status, 403);
    return /price|model/.test(message);
  });
  assert.equal(entry("unlisted"), undefined, "the origin was not called");
  await call("chat", customer, { id: "listed" });
  await customer.books(exactly({}));
});

test("litellm #36926: what might cost too much is bounded, not refused", METERED, async () => {
  const customer = await clients.customer("bounded", "20");
  // Each might cost 75 credits, and costs half a one.
  for (let i = 0; i < 5; i++) await call("chat", customer, { id: `bounded-${i}` });
  assert.ok(entry("bounded-0").bound < OUTPUT_MAX);
  await customer.books(exactly({}, 5));
});

test("litellm #34732, #35567: many streams at once never overspend", METERED, async () => {
  const customer = await clients.customer("many", "10");
  const does = { words: 300, per_event: 10, pause_ms: 1 };
  const one = async (i) => {
    const paying = { ...customer, base: customer.bases[i % 2] };
    return call("chat", paying, { ...does, id: `many-${i}` }).then(() => 200, (e) => e.status);
  };
  const answers = await Promise.all(Array.from({ length: 32 }, (_, i) => one(i)));
  assert.ok(answers.every((status) => [200, 402].includes(status)), String(answers));
  assert.ok(answers.includes(200) && answers.includes(402), String(answers));
  const { most, least } = { least: 0n, most: 10_000_000n };
  const found = await customer.books({ least, most });
  const sum = [...found.values()].reduce((sum, { cost }) => sum + cost, 0n);
  const served = clients.origin.log.filter(({ id }) => id.startsWith("many-"));
  const used = served.map(({ words }) => cost({ input: INPUT, output: words }));
  assert.equal(credits(sum), credits(used.reduce((a, b) => a + b, 0n)), "and lose nothing");
});

test("envoyproxy/ratelimit #185, Zuplo: what failed costs nothing", METERED, async () => {
  const customer = await clients.customer("failed");
  for (const status of [400, 404, 429, 500, 503]) {
    for (const protocol of ["chat", "responses", "messages"]) {
      const does = { id: `failed-${protocol}-${status}`, status };
      await assert.rejects(call(protocol, customer, does), { status });
    }
  }
  await customer.books(0n);
});

test("litellm #26845: an answer that breaks off leaves nothing held", METERED, async () => {
  const customer = await clients.customer("broken");
  for (const protocol of ["chat", "responses", "messages"]) {
    for (const fault of [{ break_at: 7 }, { error_at: 7 }]) {
      const id = `broken-${protocol}-${Object.keys(fault)}`;
      await assert.rejects(call(protocol, customer, { id, ...fault }));
    }
  }
  const { held } = await clients.gateway.settled("broken");
  assert.equal(held, "0");
  await customer.books({ least: 0n, most: unknown(0, OUTPUT_MAX, 6).most });
});
