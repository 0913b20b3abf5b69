/**
 * Usage events as other programs send them: the unmodified `cloudevents` in its three modes, and
 * the event ingest of `@openmeter/sdk`.
 *
 * What does not fit, and is so by their design:
 *
 *   cloudevents       `httpTransport` hides the answer's status, so that the tests read its body;
 *                     the package reads batches and writes none, so that the batch is made from
 *                     its events' own JSON
 *   @openmeter/sdk    every ingest is a batch, also of one event, to `/api/v1/events` below the
 *                     base URL; an answer below 400 is a success whatever it says of single events,
 *                     so that a caller who wants to know must read it; queries (`events.list`,
 *                     meters, subjects) are not ours
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { OpenMeter } from "@openmeter/sdk";
import { CloudEvent, CONSTANTS, emitterFor, HTTP, httpTransport, Mode } from "cloudevents";
import { OPERATOR_TOKEN } from "../edge/harness.mjs";
import { DIRECT, startClients } from "./harness.mjs";
import { CHARGES, cost, credits } from "./oracle.mjs";

let [clients, receiver] = [];
before(async () => {
  receiver = await startReceiver();
  clients = await startClients();
});
after(async () => {
  receiver.server.close();
  await clients?.stop();
});

/** What arrives where there is no gateway, read by the package's own parser. */
async function startReceiver() {
  const requests = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const { headers } = request;
    requests.push({ path: request.url, headers, events: [HTTP.toEvent({ headers, body })].flat() });
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, requests, url: `http://127.0.0.1:${server.address().port}` };
}

const base = () => (DIRECT ? receiver.url : clients.gateway.urls[0]);
const AUTHORIZED = { authorization: `Bearer ${OPERATOR_TOKEN}` };
const EVENT_TYPE = "llm.completion";

/** Tokens of event number `n`. */
const used = (n) => ({ input: 100 + n, output: 10 + n });
const data = (n) => ({
  [CHARGES.input]: String(used(n).input),
  [CHARGES.output]: String(used(n).output),
});
const event = (subject, n) =>
  new CloudEvent({
    id: `event-${n}`,
    source: "https://example.com/workers/7",
    type: EVENT_TYPE,
    subject,
    time: new Date().toISOString(),
    datacontenttype: "application/json",
    data: data(n),
  });
const costs = (...numbers) => numbers.reduce((sum, n) => sum + cost(used(n)), 0n);

/** What the account burned; without a gateway, whether all events arrived. */
async function burned(account, expected) {
  if (!DIRECT) {
    return assert.equal((await clients.gateway.settled(account)).burned, credits(expected));
  }
  const isIts = ({ events }) => events.every(({ subject }) => subject === account);
  assert.ok(receiver.requests.some(isIts));
}

const emitter = (mode) => emitterFor(httpTransport(`${base()}/v1/events`), { mode });
const sendBatch = async (events) => {
  const answer = await fetch(`${base()}/v1/events`, {
    method: "POST",
    headers: { ...AUTHORIZED, [CONSTANTS.HEADER_CONTENT_TYPE]: CONSTANTS.MIME_CE_BATCH },
    body: JSON.stringify(events),
  });
  assert.ok(answer.ok, await answer.text());
};
const SENDERS = {
  binary: async (...events) => {
    for (const event of events) await emitter(Mode.BINARY)(event, { headers: AUTHORIZED });
  },
  structured: async (...events) => {
    for (const event of events) await emitter(Mode.STRUCTURED)(event, { headers: AUTHORIZED });
  },
  batched: async (...events) => sendBatch(events),
};

for (const [mode, send] of Object.entries(SENDERS)) {
  test(`cloudevents, ${mode}: what is sent is burned, and the same again is nothing`, async () => {
    const account = `events-${mode}`;
    await clients.customer(account);
    const events = [1, 2, 3].map((n) => event(account, n));
    await send(...events);
    await burned(account, costs(1, 2, 3));
    await send(...events);
    await burned(account, costs(1, 2, 3));
    await send(event(account, 3), event(account, 4));
    await burned(account, costs(1, 2, 3, 4));
  });
}

test("cloudevents: the three modes are one event", async () => {
  await clients.customer("events-modes");
  for (const send of Object.values(SENDERS)) await send(event("events-modes", 1));
  await burned("events-modes", costs(1));
});

test("cloudevents: without the operator's token nothing is taken", async () => {
  await clients.customer("events-denied");
  const { body } = await emitter(Mode.STRUCTURED)(event("events-denied", 1));
  if (DIRECT) return;
  assert.equal(JSON.parse(body).status, 401);
  await burned("events-denied", 0n);
});

const openmeter = (apiKey = OPERATOR_TOKEN) => new OpenMeter({ baseUrl: base(), apiKey });
/** As its users write them: without an id and a time, which it adds. */
const plainEvent = (subject, n) => ({ type: EVENT_TYPE, subject, data: data(n) });

test("@openmeter/sdk: one event, several, and the same again by its id", async () => {
  const account = "openmeter";
  await clients.customer(account);
  const { events } = openmeter();
  await events.ingest(plainEvent(account, 1));
  await burned(account, costs(1));
  await events.ingest([plainEvent(account, 2), plainEvent(account, 3)]);
  await burned(account, costs(1, 2, 3));
  const named = { ...plainEvent(account, 4), id: "order-4", source: "shop", time: new Date() };
  for (let i = 0; i < 2; i++) await events.ingest(named);
  await burned(account, costs(1, 2, 3, 4));
  if (!DIRECT) return;
  const [{ path, headers }] = receiver.requests.slice(-1);
  assert.equal(path, "/api/v1/events");
  assert.equal(headers["content-type"], "application/cloudevents-batch+json");
  assert.equal(headers.authorization, `Bearer ${OPERATOR_TOKEN}`);
});

test("@openmeter/sdk: a refusal is its HTTPError, with our words", { skip: DIRECT }, async () => {
  const refused = openmeter("wrong").events.ingest(plainEvent("openmeter", 9));
  await assert.rejects(refused, (error) => {
    assert.deepEqual([error.name, error.status], ["HTTPError", 401]);
    assert.equal(typeof error.getField("code"), "string");
    return true;
  });
});
