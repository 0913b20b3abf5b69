/**
 * A real trace (tests/data): 8,819 requests with the tokens of their prompts and answers, replayed
 * as streams by 32 clients over four isolates. Some clients hang up, some answers break off, at
 * random points: SEED=n for others, REQUESTS=n for fewer.
 *
 * What each must cost is worked out from the trace, the seed and the origin's log:
 *
 *   goes to its end                 its tokens, exactly
 *   client gone, `drain`            the same
 *   client gone, `no_bill`          nothing, unless the answer had ended by then
 *   client gone, `estimate`         what the journal says, between what the client saw and what
 *                                   it asked for
 *   answer broken                   what the journal says, likewise
 *   origin never asked              nothing
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT } from "../../scripts/processes.mjs";
import { eventually, sleep } from "../edge/harness.mjs";
import { BODIES, told } from "./calls.mjs";
import { DIRECT, isWithin, startClients } from "./harness.mjs";
import { cost, credits, estimate, random, tokens } from "./oracle.mjs";

const SEED = Number(process.env.SEED ?? 1);
const REQUESTS = Number(process.env.REQUESTS ?? Infinity);
const CLIENTS = 32;
const GONE = 0.05;
const BROKEN = 0.02;
/** More than any answer of the trace has. */
const BOUND = 4_096;

const PATHS = {
  chat: "/v1/chat/completions",
  responses: "/v1/responses",
  messages: "/v1/messages",
};
const BOUNDS = { chat: "max_tokens", responses: "max_output_tokens", messages: "max_tokens" };
const FOLDERS = { estimate: "", drain: "/drain", no_bill: "/no_bill" };

const rows = readFileSync(join(ROOT, "tests", "data", "azure_llm_trace_code.csv"), "utf8");
const TRACE = rows.trim().split("\n").slice(1, 1 + REQUESTS).map((line) => {
  const [, input, output] = line.split(",");
  return { input: Number(input), output: Number(output) };
});

/** The trace, and what happens to each of its requests. */
function script() {
  const next = random(SEED);
  const pick = (list) => list[Math.floor(next() * list.length)];
  return TRACE.map(({ input, output }, number) => {
    const fate = next();
    const at = Math.floor(next() * (output + 1));
    const request = {
      id: `trace-${number}`,
      protocol: pick(Object.keys(PATHS)),
      policy: pick(Object.keys(FOLDERS)),
      input,
      output,
      does: { words: output, per_write: 16 },
    };
    if (fate < GONE) {
      // 0: before the first byte; all: after the last token, before its usage.
      const slow = at === 0 ? { first_ms: 30 } : { pause_ms: 1, per_write: 1 };
      return { ...request, gone: at, does: { words: output, ...slow } };
    }
    if (fate < GONE + BROKEN) {
      const fault = next() < 0.5 ? { break_at: at } : { error_at: at };
      return { ...request, broken: at, does: { ...request.does, ...fault } };
    }
    return request;
  });
}

let clients;
before(async () => (clients = await startClients({ gateways: 4 })));
after(() => clients?.stop());

const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS * 4 });
after(() => agent.destroy());

/** Tokens that a text holds, some of them more than once: the last one's number says it. */
function tokensOf(text) {
  let most = 0;
  for (const [, number] of text.matchAll(/tok(\d+) /g)) most = Math.max(most, Number(number) + 1);
  return most;
}

/** One request: what the client saw of it. */
function send(base, key, request) {
  const { id, protocol, policy, input, gone, does } = request;
  const asked = { ...BODIES[protocol](input), [BOUNDS[protocol]]: BOUND, stream: true };
  const body = JSON.stringify(asked);
  const type = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  const headers = told({ id, ...does }, { ...type, authorization: `Bearer ${key}` });
  request.bytes = body.length;
  return new Promise((resolve, reject) => {
    let text = "";
    const seen = (end) => resolve({ seen: tokensOf(text), end, text });
    const options = { method: "POST", headers, agent };
    const folder = FOLDERS[policy];
    const sent = httpRequest(base + folder + PATHS[protocol], options, (answer) => {
      answer.setEncoding("utf8");
      answer.on("data", (chunk) => {
        text += chunk;
        if (gone === undefined || tokensOf(text) < gone) return;
        sent.destroy();
        seen("gone");
      });
      answer.on("end", () => seen(answer.statusCode));
      answer.on("error", () => seen("broken"));
    });
    sent.on("error", (error) => (gone === undefined ? reject(error) : seen("gone")));
    sent.end(body);
    if (gone === 0) {
      sleep(10).then(() => {
        sent.destroy();
        seen("gone");
      });
    }
  });
}

/** All requests, by as many clients as there are. */
async function replay(customer, requests) {
  let next = 0;
  const client = async () => {
    while (next < requests.length) {
      const number = next++;
      const base = customer.bases[number % customer.bases.length];
      requests[number].answer = await send(base, customer.key, requests[number]);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

/** What the client of a request must have seen. */
function checkAnswer({ id, output, gone, broken, answer }) {
  const { seen, end, text } = answer;
  if (gone !== undefined) return assert.ok(end === "gone" || end === 200, `${id}: ${end}`);
  assert.ok([200, "broken"].includes(end), `${id}: ${end} ${text.slice(0, 300)}`);
  if (broken === undefined) assert.equal(seen, output, id);
  else assert.ok(seen <= output, id);
}

/** What a request may have cost: exactly, one of two, or between bounds. */
function rule({ policy, input, output, gone, broken, bytes, answer }, entry) {
  const exact = cost(tokens({ input, does: { words: output } }));
  const guess = estimate({ bytes, seen: answer.seen, bound: BOUND });
  if (entry === undefined) return { oneOf: [0n] };
  if (broken !== undefined) return guess;
  if (gone === undefined || policy === "drain") return { oneOf: [exact] };
  const settled = entry.end === "whole" ? [exact] : [];
  return policy === "no_bill" ? { oneOf: [0n, ...settled] } : guess;
}

const started = performance.now();
test(`the trace of ${TRACE.length} requests, seed ${SEED}`, async () => {
  const customer = await clients.customer("trace", "10000000");
  const requests = script();
  await replay(customer, requests);
  const seconds = (performance.now() - started) / 1_000;
  requests.forEach(checkAnswer);
  await eventually(() => clients.origin.log.every(({ end }) => end !== undefined));
  const log = new Map(clients.origin.log.map((entry) => [entry.id, entry]));
  assert.equal(log.size, clients.origin.log.length, "the origin was asked once for each");
  const count = (what) => requests.filter((request) => request[what] !== undefined).length;
  const faults = `${count("gone")} clients gone, ${count("broken")} answers broken`;
  console.log(`# ${requests.length} requests in ${seconds.toFixed(1)} s: ${faults}`);
  if (DIRECT) return;

  const found = await customer.books();
  let expected = 0n;
  for (const request of requests) {
    const entry = log.get(request.id);
    const exchange = entry && found.get(entry.operation.split(";")[0]);
    if (entry) assert.ok(exchange, `${request.id} is not in the journal`);
    const paid = exchange?.cost ?? 0n;
    const { oneOf, ...bounds } = rule(request, entry);
    const story = JSON.stringify({ ...request, answer: undefined });
    const on = `${request.id}: ${credits(paid)}, ${story}`;
    assert.ok(oneOf ? oneOf.includes(paid) : isWithin(paid, bounds), on);
    expected += paid;
  }
  const { burned, held } = await clients.gateway.balance("trace");
  assert.deepEqual([burned, held], [credits(expected), "0"]);
  const asked = [...log.values()].map(({ operation }) => operation.split(";")[0]);
  const known = new Set(asked);
  assert.equal(known.size, asked.length, "an operation each");
  for (const [op, { cost }] of found) {
    assert.ok(known.has(op) || cost === 0n, `${op} was charged, and the origin never asked`);
  }
});
