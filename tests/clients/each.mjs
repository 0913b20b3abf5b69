/**
 * Tests that every protocol has, as tables: a call that goes to its end, one that the caller ends,
 * and one that the origin refuses.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../edge/harness.mjs";
import { anthropic, BODIES, CALLS, hangUp, openai, told, tools } from "./calls.mjs";
import { DIRECT, startClients } from "./harness.mjs";
import { cost, estimate, said, tokens } from "./oracle.mjs";

const INPUT = 37;
export const connect = (protocol, ...more) =>
  protocol === "messages" ? anthropic(...more) : openai(...more);

/** Name → bound and copies in the body, and what the origin is to do. */
const ANSWERS = {
  "plain": {},
  "of one token": { does: { words: 1 } },
  "cut by its bound": { bound: 11 },
  "bound in the middle of its thoughts": { bound: 4, does: { reasoning: 9 }, only: ["chat"] },
  "in three copies": { copies: 3, only: ["chat"] },
  "with a tool call": { does: { tool: true } },
  "thought over": { does: { reasoning: 13 } },
  "read from a cache": { does: { cached: 30 } },
  "written to a cache": { does: { cached: 5, cache_write: 20 }, only: ["messages"] },
  "that tells its usage again and again": { does: { usage: "repeated" }, only: ["messages"] },
  "compressed": { does: { gzip: true } },
  "in writes of 7 bytes": { does: { split: 7 } },
  "compressed, in writes of 3 bytes": { does: { gzip: true, split: 3 } },
  "of events in one write": { does: { words: 300, per_write: 1_000 } },
  "of 5,000 tokens": { bound: 5_000, does: { words: 5_000, per_event: 3, per_write: 10 } },
};
const BOUNDS = { chat: "max_completion_tokens", responses: "max_output_tokens" };
const FINISH = {
  chat: ["stop", "length", "tool_calls"],
  responses: ["completed", "max_output_tokens", "completed"],
  messages: ["end_turn", "max_tokens", "tool_use"],
};

function body(protocol, { bound, copies, does = {} }) {
  const field = BOUNDS[protocol] ?? "max_tokens";
  return {
    ...BODIES[protocol](INPUT),
    ...(bound === undefined ? {} : { [field]: bound }),
    ...(copies === undefined ? {} : { n: copies }),
    ...(does.tool ? tools(protocol) : {}),
  };
}

/** What the caller must see. */
function expected(protocol, call, { bound, copies = 1, does = {} }) {
  const used = tokens({ input: INPUT, bound, copies, does });
  const [whole, cut, tool] = FINISH[protocol];
  const text = said(used.output / copies);
  const isCut = (does.words ?? 20) + (does.reasoning ?? 0) > (bound ?? Infinity);
  const usage = {
    input: INPUT,
    cached: used.cached_input,
    written: used.cache_write,
    output: used.output + used.reasoning,
    reasoning: used.reasoning,
  };
  return {
    texts: does.tool ? [null] : Array(copies).fill(text),
    finish: isCut ? cut : does.tool ? tool : whole,
    usage: protocol === "chat" && call === "stream" ? undefined : usage,
    tool: does.tool ? { name: "write", text } : undefined,
  };
}

/** The tests of some protocols, each in a gateway of one isolate. */
export function everyCall(protocols) {
  let clients;
  before(async () => (clients = await startClients()));
  after(() => clients?.stop());
  let number = 0;

  for (const protocol of protocols) {
    for (const [call, run] of Object.entries(CALLS[protocol])) {
      for (const [name, answer] of Object.entries(ANSWERS)) {
        if (answer.only && !answer.only.includes(protocol)) continue;
        test(`${protocol}, ${call}: an answer ${name}`, async () => {
          const id = `${protocol}-${(number += 1)}`;
          const options = { headers: told({ id, ...answer.does }) };
          const asked = body(protocol, answer);
          const itself = connect(protocol, { base: clients.origin.url, key: "none" });
          const direct = await run(itself, asked, options);
          const { raw, ...seen } = direct;
          assert.deepEqual(seen, expected(protocol, call, answer));
          if (DIRECT) return;
          const customer = await clients.customer(id);
          const through = await run(connect(protocol, customer), asked, options);
          assert.deepEqual(through, direct, "the same as without a gateway, event by event");
          const exact = cost(tokens({ input: INPUT, ...answer }));
          const [exchange, ...others] = (await customer.books(exact)).values();
          assert.deepEqual([others.length, exchange.estimated], [0, false]);
        });
      }
    }
    for (const policy of ["estimate", "drain", "no_bill"]) aborts(protocol, policy, () => clients);
    for (const status of [400, 429, 500, 529]) fails(protocol, status, () => clients);
  }
}

/** The caller has enough in the middle: what is charged is the policy's. */
function aborts(protocol, policy, clients) {
  test(`${protocol}: aborted in the middle, by the policy ${policy}`, async () => {
    const id = `abort-${protocol}-${policy.replaceAll("_", "-")}`;
    const { origin, customer } = clients();
    const paying = await customer(id);
    const does = { id, words: 200, pause_ms: 5 };
    const client = connect(protocol, paying, policy === "estimate" ? "" : `/${policy}`);
    const asked = body(protocol, { bound: 1_000 });
    const seen = await hangUp(protocol, client, asked, told(does), (seen) => seen === 40);
    assert.equal(seen, 40);
    const { end, words } = await eventually(() => {
      const entry = origin.log.findLast((entry) => entry.id === id);
      return entry.end && entry;
    });
    if (DIRECT || policy !== "drain") assert.equal(end, "aborted", "the origin is told");
    else assert.deepEqual([end, words], ["whole", 200], "the origin goes on to its end");
    const charged = {
      estimate: estimate({ bytes: JSON.stringify(asked).length, seen, bound: 1_000 }),
      drain: cost(tokens({ input: INPUT, does })),
      no_bill: 0n,
    };
    const books = await paying.books(charged[policy]);
    if (DIRECT) return;
    const [exchange] = books.values();
    assert.equal(exchange.estimated, policy === "estimate");
  });
}

/** What the origin refuses is the caller's to see, and costs nothing. */
function fails(protocol, status, clients) {
  test(`${protocol}: the origin answers ${status}`, async () => {
    const id = `fail-${protocol}-${status}`;
    const { origin, customer } = clients();
    const paying = await customer(id);
    const client = connect(protocol, paying);
    const run = CALLS[protocol].create;
    const failed = run(client, body(protocol, {}), { headers: told({ id, status }) });
    await assert.rejects(failed, (error) => {
      assert.equal(error.status, status);
      assert.match(error.message, /as asked/);
      return true;
    });
    assert.equal(origin.log.filter((entry) => entry.id === id).length, 1);
    await paying.books(0n);
  });
}
