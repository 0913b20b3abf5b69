/** Routes with usage: what happens around an exchange, beside the protocols of tests/clients. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { eventually, startGateway } from "./harness.mjs";

/** An origin that says how many rows it was asked for, and takes any upgrade. */
async function startOrigin() {
  const seen = [];
  const server = createServer((request, response) => {
    seen.push(request.headers);
    request.resume();
    response.end("{}");
  });
  server.on("upgrade", (request, socket) => {
    seen.push(request.headers);
    socket.end("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${server.address().port}`,
    seen,
    stop: () => server.close() && server.closeAllConnections(),
  };
}

const rows = { charge: "words", from: "request_header", name: "x-rows" };
const ROUTES = {
  unmatched: "refuse",
  routes: [
    { method: "GET", path: "/words", charge: "words" },
    { method: "GET", path: "/rows", usage: { reader: "generic", quantities: [rows] } },
  ],
};

let gateway;
let key;
before(async () => {
  gateway = await startGateway({ origin: await startOrigin() });
  ({ key } = await gateway.fund("acme", { amount: "200" }));
  await gateway.must("PUT", "/v1/routes", ROUTES);
  await eventually(async () => (await get("/words")).status === 200);
});
after(() => gateway?.stop());

const get = (path, headers = {}) =>
  gateway.send(gateway.urls[0] + path, { headers: { "x-api-key": key, ...headers } });
const balance = () => gateway.must("GET", "/v1/accounts/acme/balance");

test("what an idle lease holds pays for an exchange, and nothing stays set aside", async () => {
  const { available } = await eventually(async () => {
    await get("/words");
    const now = await balance();
    return Number(now.held) > 1 ? now : undefined;
  });
  const more = Number(available) + 1;
  const before = Number((await balance()).burned);
  const answer = await get("/rows", { "x-rows": String(more) });
  assert.equal(answer.status, 200, answer.text);
  const settled = await gateway.settled("acme");
  assert.equal(settled.held, "0");
  assert.ok(Number(settled.burned) >= before + more, JSON.stringify(settled));
});

test("what cannot be metered is not asked for: a route with usage opens no socket", async () => {
  const headers = { connection: "upgrade", upgrade: "websocket", "x-rows": "1" };
  const answer = await get("/rows", headers);
  assert.equal(answer.status, 200);
  assert.equal(gateway.origin.seen.at(-1).upgrade, undefined);
});
