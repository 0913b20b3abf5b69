/** The live socket: what the page is told adds up, whatever the operator took back. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { get } from "node:http";
import { after, before, test } from "node:test";
import { startGateway } from "./harness.mjs";

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

/** The messages of an account's live socket, one by one: text frames of less than 64 kB. */
async function* live(account, token) {
  const headers = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": randomBytes(16).toString("base64"),
    "sec-websocket-protocol": `edgemeter.v1, token.${token}`,
  };
  const asked = get(`${gateway.urls[0]}/v1/accounts/${account}/live`, { headers });
  const [, socket, head] = await once(asked, "upgrade");
  try {
    socket.unshift(head);
    let bytes = Buffer.alloc(0);
    for await (const chunk of socket) {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 4) {
        const short = bytes[1] < 126;
        const start = short ? 2 : 4;
        const end = start + (short ? bytes[1] : bytes.readUInt16BE(2));
        if (bytes.length < end) break;
        yield JSON.parse(bytes.subarray(start, end).toString());
        bytes = bytes.subarray(end);
      }
    }
  } finally {
    socket.destroy();
  }
}

test("a void and an adjustment leave a balance that adds up", async () => {
  const { key } = await gateway.fund("watched", { amount: "100" });
  const path = "/v1/accounts/watched";
  await gateway.must("POST", `${path}/grants`, { id: "gift", amount: "50" });
  assert.equal((await gateway.call(key)).status, 200);
  await gateway.must("POST", `${path}/grants/gift/void`);
  const { token } = await gateway.must("POST", `${path}/portal-tokens`, {});
  const messages = live("watched", token);
  const { value: snapshot } = await messages.next();
  assert.deepEqual(parts(snapshot), { available: 99, burned: 1, granted: 150, expired: 50 });
  const adjustment = { id: "a1", amount: "-9", reason: "as agreed" };
  await gateway.must("POST", `${path}/adjustments`, adjustment);
  const { value: delta } = await messages.next();
  assert.deepEqual(parts(delta), { available: 90, burned: 1, granted: 150, expired: 59 });
  await messages.return();
});
