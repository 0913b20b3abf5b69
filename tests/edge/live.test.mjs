/** The live socket: what the page is told adds up, whatever the operator took back. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startGateway } from "./harness.mjs";
import { openSocket } from "./socket.mjs";

let gateway;
before(async () => (gateway = await startGateway()));
after(() => gateway?.stop());

/** The parts that a page adds up, as whole credits; it refuses a message where they do not. */
function parts({ balance }) {
  const numbers = Object.entries(balance).map(([name, text]) => [name, Number(text)]);
  const { available, held, burned, granted, expired, balance: left } = Object.fromEntries(numbers);
  assert.equal(available + held, left);
  assert.equal(left + burned + expired, granted);
  return { available, burned, granted, expired };
}

test("a void and an adjustment leave a balance that adds up", async () => {
  const { key } = await gateway.fund("watched", { amount: "100" });
  const path = "/v1/accounts/watched";
  await gateway.must("POST", `${path}/grants`, { id: "gift", amount: "50" });
  assert.equal((await gateway.call(key)).status, 200);
  await gateway.must("POST", `${path}/grants/gift/void`);
  const { token } = await gateway.must("POST", `${path}/portal-tokens`, {});
  const socket = await openSocket(gateway.urls[0], "watched", token);
  const snapshot = await socket.next();
  assert.deepEqual(parts(snapshot), { available: 99, burned: 1, granted: 150, expired: 50 });
  const adjustment = { id: "a1", amount: "-9", reason: "as agreed" };
  await gateway.must("POST", `${path}/adjustments`, adjustment);
  const delta = await socket.next();
  assert.deepEqual(parts(delta), { available: 90, burned: 1, granted: 150, expired: 59 });
  socket.destroy();
});
