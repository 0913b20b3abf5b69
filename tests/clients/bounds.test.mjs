/**
 * Credits end before the answer does: the bound that the origin sees is what the account can pay,
 * at nothing the origin is not asked, and a slice that cannot be renewed ends the stream.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../edge/harness.mjs";
import { BODIES, CALLS, told } from "./calls.mjs";
import { connect } from "./each.mjs";
import { METERED, OUTPUT_MAX, SLICE, startClients } from "./harness.mjs";
import { cost, credits, millionths, PRICES, prompt, tokens } from "./oracle.mjs";

const INPUT = 40;
/** Output tokens that the account can pay. */
const AFFORDABLE = 300;

let clients;
before(async () => (clients = await startClients()));
after(() => clients?.stop());

const entry = (id) => clients.origin.log.find((entry) => entry.id === id);

/** Where each protocol has its bound, and how a call may name it, or not. */
const FIELDS = [
  ["chat", "max_completion_tokens", 4_096],
  ["chat", "max_tokens", 4_096],
  ["chat", "max_completion_tokens", undefined],
  ["responses", "max_output_tokens", 4_096],
  ["responses", "max_output_tokens", undefined],
  ["messages", "max_tokens", 4_096],
];

for (const [index, [protocol, field, bound]] of FIELDS.entries()) {
  for (const way of ["create", "stream"]) {
    const asks = bound ?? "names no bound";
    test(`${protocol}, ${way}: ${field} ${asks}, and 300 are affordable`, METERED, async () => {
      const id = `fits-${index}-${way}`;
      const asked = { ...BODIES[protocol](INPUT), ...(bound && { [field]: bound }) };
      // Nobody knows the prompt's tokens before the origin does: they are at most its bytes.
      const bytes = prompt(INPUT).length;
      const amount = cost({ input: bytes, output: AFFORDABLE });
      const customer = await clients.customer(id, credits(amount));
      const client = connect(protocol, customer);
      const headers = told({ id, words: OUTPUT_MAX });
      const { texts } = await CALLS[protocol][way](client, asked, { headers });

      const seen = entry(id).body[field];
      const most = (amount - cost({ input: INPUT })) / PRICES.output;
      assert.ok(seen > 0 && seen <= most, `the origin saw ${seen}, and ${most} are affordable`);
      const { stream, stream_options, ...rest } = entry(id).body;
      assert.deepEqual(rest, { ...asked, [field]: seen }, "nothing else was changed");
      assert.equal(texts[0].split(" ").length - 1, seen, "the answer is as long as it may be");
      const used = tokens({ input: INPUT, bound: seen, does: { words: OUTPUT_MAX } });
      await customer.books(cost(used));
      assert.ok(seen >= AFFORDABLE / 2, `${seen} is far below what is affordable`);
    });
  }
}

test("a bound that is affordable is left as it is", METERED, async () => {
  const customer = await clients.customer("plenty");
  const body = { ...BODIES.chat(INPUT), max_tokens: 123 };
  await CALLS.chat.create(connect("chat", customer), body, { headers: told({ id: "plenty" }) });
  assert.deepEqual(entry("plenty").body, body);
});

test("a bound beyond the route's is lowered to it, however much there is", METERED, async () => {
  const customer = await clients.customer("beyond");
  const body = { ...BODIES.chat(INPUT), max_tokens: 10 * OUTPUT_MAX };
  await CALLS.chat.create(connect("chat", customer), body, { headers: told({ id: "beyond" }) });
  assert.deepEqual(entry("beyond").body, { ...body, max_tokens: OUTPUT_MAX });
});

for (const protocol of ["chat", "responses", "messages"]) {
  for (const [name, amount] of [["nothing", "0"], ["less than the prompt costs", "0.001"]]) {
    test(`${protocol}: with ${name} left, 402 before the origin is called`, METERED, async () => {
      const id = `poor-${protocol}-${amount === "0" ? "zero" : "little"}`;
      const customer = await clients.customer(id, amount);
      const client = connect(protocol, customer);
      const options = { headers: told({ id }) };
      const asked = CALLS[protocol].create(client, BODIES[protocol](INPUT), options);
      await assert.rejects(asked, { status: 402 });
      assert.equal(entry(id), undefined);
      await customer.books(0n);
      const raw = await clients.gateway.send(`${customer.base}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${customer.key}`, "content-type": "application/json" },
        body: JSON.stringify(BODIES.chat(INPUT)),
      });
      assert.equal(raw.headers["content-type"], "application/problem+json");
      const problem = JSON.parse(raw.text);
      assert.deepEqual([problem.code, problem.balance], ["insufficient_credits", amount]);
    });
  }
}

/** A call that wants more than it will get. */
const unbounded = (protocol) => {
  const most = protocol === "messages" ? { max_tokens: OUTPUT_MAX } : {};
  return { ...BODIES[protocol](INPUT), ...most };
};

/** Takes all that is free from an account, as somebody else's use would. */
const drain = (account) =>
  eventually(async () => {
    const { available } = await clients.gateway.balance(account);
    const adjustment = { id: "drained", amount: `-${available}`, reason: "spent elsewhere" };
    // A slice may be taken meanwhile: then less is free, and it is refused.
    await clients.gateway.must("POST", `/v1/accounts/${account}/adjustments`, adjustment);
    return millionths(available);
  });

for (const protocol of ["chat", "responses", "messages"]) {
  test(`${protocol}: credits end in the middle of a sliced answer`, METERED, async () => {
    const id = `sliced-${protocol}`;
    const amount = cost({ input: INPUT * 10, output: 2_000 });
    const customer = await clients.customer(id, credits(amount));
    const client = connect(protocol, customer, "/sliced");
    const body = unbounded(protocol);
    const headers = told({ id, words: 4_096, pause_ms: 4 });
    const answer = CALLS[protocol].stream(client, body, { headers });
    const failed = assert.rejects(answer, (error) => {
      // The event's own words, by the SDK's error for an event of the stream.
      assert.match(JSON.stringify(error.error ?? error.message), /insufficient_credits/);
      return true;
    });
    await eventually(() => entry(id)?.words >= SLICE / 2);
    const taken = await drain(id);
    await failed;

    const { end, words } = await eventually(() => entry(id).end && entry(id));
    assert.equal(end, "aborted", "the origin is told");
    assert.ok(words < OUTPUT_MAX / 2, `${words} tokens were written until then`);
    const least = cost({ output: SLICE / 2 });
    const found = await customer.books({ least, most: amount - taken });
    assert.equal(found.size, 1);
    const { available, held, burned } = await clients.gateway.balance(id);
    assert.equal(held, "0");
    assert.equal(millionths(available) + millionths(burned) + taken, amount, "the books balance");
  });

  test(`${protocol}: a sliced answer of many slices goes to its end`, METERED, async () => {
    const id = `slices-${protocol}`;
    const customer = await clients.customer(id);
    const client = connect(protocol, customer, "/sliced");
    const body = unbounded(protocol);
    const does = { id, words: 1_000, per_event: 7 };
    await CALLS[protocol].stream(client, body, { headers: told(does) });
    await customer.books(cost(tokens({ input: INPUT, does })));
  });
}
