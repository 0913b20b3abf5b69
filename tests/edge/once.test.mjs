/** `Idempotency-Key`: one charge, through whatever isolate; 409 in flight, 422 if it differs. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { eventually, sleep, startGateway } from "./harness.mjs";

/** An origin that answers when it is told to, as it is told, and notes what it saw. */
async function startOrigin() {
  const seen = [];
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const text = Buffer.concat(parts).toString();
    seen.push({ operation: request.headers["edgemeter-operation"], text });
    const { ms = 0, status = 200 } = JSON.parse(text || "{}");
    await sleep(ms);
    // A request that fails once and works the next time says so by a list.
    const [now, ...later] = [status].flat();
    const failed = later.length > 0 && seen.filter((one) => one.text === text).length > 1;
    response.writeHead(failed ? later[0] : now, { "content-type": "application/json" });
    response.end(JSON.stringify({ usage: { rows: 3 } }));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${server.address().port}`,
    seen,
    stop: () => server.close() && server.closeAllConnections(),
  };
}

const ROWS = {
  reader: "generic",
  quantities: [{ charge: "words", from: "response_json", pointer: "/usage/rows", most: "10" }],
};

const ROUTES = {
  unmatched: "refuse",
  routes: [
    { method: "POST", path: "/orders", charge: "words", quantity: "2", repeats: 3 },
    { method: "POST", path: "/others", charge: "words", quantity: "2", repeats: 3 },
    { method: "POST", path: "/once", charge: "words", quantity: "2" },
    { method: "POST", path: "/dear", charge: "words", quantity: "2", failed_upstream: "charged" },
    {
      method: "POST",
      path: "/rows",
      usage: ROWS,
    },
    { method: "POST", path: "/dear/rows", usage: ROWS, failed_upstream: "charged" },
  ],
};

let gateway;
let key;
before(async () => {
  gateway = await startGateway({ gateways: 2, origin: await startOrigin() });
  ({ key } = await gateway.fund("acme", { amount: "1000" }));
  await gateway.must("PUT", "/v1/routes", ROUTES);
  await eventually(async () => (await post("/orders", "ready", {})).status === 200);
});
after(() => gateway?.stop());

const burned = async () => Number((await gateway.settled("acme")).burned);
/** What failed is refunded with the next message. */
const burns = (expected) => eventually(async () => (await burned()) === expected);

async function post(path, once, body, index = 0, by = key) {
  const answer = await gateway.send(gateway.urls[index] + path, {
    method: "POST",
    headers: { authorization: `Bearer ${by}`, "idempotency-key": once },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { ...answer, code: answer.status >= 400 ? JSON.parse(answer.text).code : undefined };
}

/** Until the first request is known to have ended. */
const repeated = (path, once, body, index) =>
  eventually(async () => {
    const answer = await post(path, once, body, index);
    return answer.status === 200 ? answer : undefined;
  });

/** Until it is known to have ended. */
const spent = (path, once, body, index) =>
  eventually(async () => {
    const { status, code } = await post(path, once, body, index);
    return status === 409 && code === "idempotency_key_spent";
  });

test("the same request again, by another isolate, is not charged again", async () => {
  const before = await burned();
  const first = await post("/orders", "again", { n: 1 });
  assert.equal(first.status, 200);
  const again = await repeated("/orders", "again", { n: 1 }, 1);
  const [one, two] = gateway.origin.seen.slice(-2);
  assert.equal(two.operation, `${one.operation};repeated`);
  assert.equal(again.headers["edgemeter-operation"], one.operation);
  assert.equal(await burned(), before + 2);
});

test("at once again, by the isolate that has told nobody that the first one ended", async () => {
  const before = await burned();
  for (const _ of [1, 2]) assert.equal((await post("/orders", "at once", { n: 1 })).status, 200);
  assert.equal(await burned(), before + 2);
});

test("one charge buys four answers, no more", async () => {
  const before = await burned();
  for (let round = 0; round < 4; round++) await repeated("/orders", "often", { n: 9 }, round % 2);
  await spent("/orders", "often", { n: 9 });
  assert.equal(await burned(), before + 2);
});

test("one charge buys one answer, unless the route says otherwise", async () => {
  const before = await burned();
  assert.equal((await post("/once", "single", { n: 1 })).status, 200);
  await spent("/once", "single", { n: 1 }, 1);
  assert.equal(await burned(), before + 2);
});

test("what failed costs nothing, unless the route says otherwise", async () => {
  const before = await burned();
  for (const [path, cost] of [["/once", 0], ["/dear", 2], ["/rows", 0], ["/dear/rows", 3]]) {
    const start = await burned();
    // Three times: the second by another isolate, the third by what the first one has kept.
    for (const index of [0, 1, 0]) {
      const answer = await gateway.send(gateway.urls[index] + path, {
        method: "POST",
        headers: { authorization: `Bearer ${key}` },
        body: JSON.stringify({ status: 503 }),
      });
      assert.equal(answer.status, 503, path);
      if (cost === 2) assert.equal(answer.headers["edgemeter-cost"], "2", path);
      if (cost === 0) assert.equal(answer.headers["edgemeter-cost"], "0", path);
    }
    await burns(start + 3 * cost);
  }
  assert.equal(await burned(), before + 15);
});

test("what costs as much as its answer says is answered once, and not for nothing", async () => {
  const before = await burned();
  assert.equal((await post("/rows", "rows", { n: 9 })).status, 200);
  const seen = gateway.origin.seen.length;
  for (const index of [0, 1]) await spent("/rows", "rows", { n: 9 }, index);
  assert.equal(gateway.origin.seen.length, seen);
  assert.equal(await burned(), before + 3);
});

for (const [path, cost] of [["/orders", 2], ["/rows", 3]]) {
  test(`${path}: 409 while the first is in flight, whoever asks`, async () => {
    const before = await burned();
    const slow = post(path, `slow${path}`, { ms: 1_500 });
    await sleep(300);
    const again = (index) => post(path, `slow${path}`, { ms: 1_500 }, index);
    const others = await Promise.all([0, 1].map(again));
    for (const { status, code } of others) {
      assert.deepEqual([status, code], [409, "idempotency_key_in_flight"]);
    }
    assert.equal((await slow).status, 200);
    assert.equal(await burned(), before + cost);
  });

  test(`${path}: 422 for another body under the same key`, async () => {
    const before = await burned();
    assert.equal((await post(path, `body${path}`, { n: 1 })).status, 200);
    const other = await post(path, `body${path}`, { n: 2 }, 1);
    assert.deepEqual([other.status, other.code], [422, "idempotency_key_differs"]);
    assert.equal(await burned(), before + cost);
  });

  test(`${path}: one that failed is free, and the next one is the first`, async () => {
    const before = await burned();
    const failing = { status: [500, 200], path };
    assert.equal((await post(path, `fails${path}`, failing)).status, 500);
    await burns(before);
    assert.equal((await repeated(path, `fails${path}`, failing, 1)).status, 200);
    assert.equal(gateway.origin.seen.at(-1).operation.includes("repeated"), false);
    assert.equal(await burned(), before + cost);
  });

  test(`${path}: 20 at once by both isolates are charged once`, async () => {
    const before = await burned();
    const all = Array.from({ length: 20 }, (_, i) => post(path, `race${path}`, { ms: 300 }, i % 2));
    const statuses = (await Promise.all(all)).map(({ status }) => status);
    assert.equal(statuses.filter((status) => status === 200).length, 1);
    assert.ok(statuses.every((status) => [200, 409].includes(status)), statuses.join(" "));
    assert.equal(await burned(), before + cost);
  });
}

test("a disabled key is not served what it paid for before", async () => {
  const { key: ended } = await gateway.must("POST", "/v1/accounts/acme/keys", { id: "ended" });
  const ask = () => post("/orders", "ended", {}, 0, ended);
  assert.equal((await ask()).status, 200);
  await gateway.must("POST", "/v1/accounts/acme/keys/ended/disable", {});
  const answer = await ask();
  assert.deepEqual([answer.status, answer.code], [403, "key_disabled"]);
});

test("a key belongs to its path", async () => {
  const before = await burned();
  assert.equal((await post("/orders", "shared", {})).status, 200);
  assert.equal((await post("/others", "shared", {})).status, 200);
  assert.equal(await burned(), before + 4);
});

test("keys and bodies that cannot be", async () => {
  const long = await post("/orders", "k".repeat(256), {});
  assert.deepEqual([long.status, long.code], [400, "idempotency_key_invalid"]);
  const huge = await post("/orders", "huge", "x".repeat(9 << 20)).catch((error) => error);
  assert.ok(huge.status === 413 || huge.code === "ECONNRESET" || huge.code === "EPIPE", huge.code);
});

test("at zero it is refused, and with new credits it is the first", async () => {
  const { key: poor } = await gateway.must("POST", "/v1/accounts", {
    id: "poor",
    contract: { plan: "per-1", version: 1 },
  }).then(() => gateway.must("POST", "/v1/accounts/poor/keys", {}));
  const ask = () =>
    gateway.send(`${gateway.urls[0]}/orders`, {
      method: "POST",
      headers: { authorization: `Bearer ${poor}`, "idempotency-key": "later" },
      body: "{}",
    });
  assert.equal((await ask()).status, 402);
  await gateway.must("POST", "/v1/accounts/poor/grants", { id: "first", amount: "5" });
  await eventually(async () => (await ask()).status === 200);
  assert.equal((await gateway.settled("poor")).burned, "2");
});
