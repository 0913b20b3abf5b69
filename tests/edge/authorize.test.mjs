/** Asking without the gateway: authorize, settle, release, as a backend does. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually, startGateway } from "./harness.mjs";

let gateway;
before(async () => {
  gateway = await startGateway();
  await gateway.fund("acme", { amount: "100" });
});
after(() => gateway?.stop());

const words = (quantity) => [{ charge: "words", quantity: String(quantity) }];
const order = (path, body) => gateway.api("POST", path, { account: "acme", ...body });
const numbers = ({ available, held, burned }) => [available, held, burned].map(Number);

/** Rows: call, body, status, then available, held and burned, or the code. */
const TABLE = [
  ["authorize", { op: "a", uses: words(10) }, 200, [90, 10, 0]],
  ["authorize", { op: "a", uses: words(10) }, 200, [90, 10, 0]],
  ["authorize", { op: "a", uses: words(30) }, 200, [90, 10, 0]],
  ["authorize", { op: "a", uses: words(30), held: "10" }, 200, [70, 30, 0]],
  ["settle", { op: "a", uses: words(4), last: false }, 200, [70, 26, 4]],
  ["settle", { op: "a", uses: words(12) }, 200, [88, 0, 12]],
  ["settle", { op: "a", uses: words(12) }, 200, [88, 0, 12]],
  ["authorize", { op: "a", uses: words(1) }, 409, "operation_ended"],
  ["authorize", { op: "b", most: { use: words(500)[0], least: 1 } }, 200, [0, 88, 12]],
  ["authorize", { op: "c", uses: words(1) }, 402, "insufficient_credits"],
  ["release", { op: "b" }, 200, [88, 0, 12]],
  ["release", { op: "b" }, 200, [88, 0, 12]],
  ["settle", { op: "b", uses: words(1) }, 409, "reservation_unknown"],
  ["release", { op: "early" }, 200, [88, 0, 12]],
  ["authorize", { op: "early", uses: words(1) }, 409, "operation_ended"],
  ["authorize", { op: "d", uses: [{ charge: "nothing", quantity: "1" }] }, 403, "rating_failed"],
  ["authorize", { op: "d", key: "nokey", uses: words(1) }, 403, "key_disabled"],
  ["authorize", { op: "d" }, 422, "uses_missing"],
  ["authorize", { op: "d", uses: words(1), expires_ms: 0 }, 422, "reservation_time"],
  ["authorize", { op: "d", uses: words(1), expires_ms: 86_400_001 }, 422, "reservation_time"],
  ["authorize", { op: "d", uses: words("-1") }, 422, "field_invalid"],
  ["authorize", { op: "d e", uses: words(1) }, 422, "field_invalid"],
  ["authorize", { op: "d", uses: Array(33).fill(words(1)[0]) }, 422, "too_many_uses"],
  ["authorize", { op: "d", uses: words(1), colour: "red" }, 422, "field_invalid"],
  [
    "authorize",
    { op: "d", uses: [{ ...words(1)[0], of: { model: "m".repeat(200) } }] },
    422,
    "text_too_long",
  ],
];

test("reservations by HTTP", async () => {
  for (const [path, body, status, expected] of TABLE) {
    const answer = await order(`/v1/${path}`, body);
    const told = `${path} ${JSON.stringify(body).slice(0, 100)}: ${answer.text}`;
    assert.equal(answer.status, status, told);
    if (Array.isArray(expected)) assert.deepEqual(numbers(answer.json.balance), expected, told);
    else assert.equal(answer.json.code, expected, told);
  }
  const account = await gateway.account("acme");
  assert.equal(account.audit, "ok");
});

test("what is lowered is said", async () => {
  const asked = { op: "low", uses: words(8), most: { use: words(500)[0], least: 5 } };
  const answer = await order("/v1/authorize", asked);
  const { result, amount, most } = answer.json;
  assert.deepEqual([result, amount, most], ["held", "88", "80"]);
  const few = await order("/v1/authorize", { ...asked, op: "few" });
  assert.deepEqual([few.status, few.json.required], [402, "13"]);
  assert.equal((await order("/v1/release", { op: "low" })).status, 200);
});

test("what nobody settles stays set aside, and a late settlement takes it", async () => {
  const held = await order("/v1/authorize", { op: "late", uses: words(20), expires_ms: 300 });
  assert.equal(held.status, 200);
  const balance = await eventually(async () => {
    const balance = await gateway.balance("acme");
    return balance.unreported === "20" ? balance : undefined;
  });
  assert.deepEqual(numbers(balance), [68, 20, 12]);
  const late = await order("/v1/settle", { op: "late", uses: words(15) });
  assert.deepEqual(numbers(late.json.balance), [73, 0, 27]);
  assert.equal(late.json.cost, "15");
});

test("only the operator may, and only of accounts that there are", async () => {
  const { token } = await gateway.must("POST", "/v1/accounts/acme/portal-tokens", {});
  const bearer = { authorization: `Bearer ${token}` };
  const body = { account: "acme", op: "x", uses: words(1) };
  for (const path of ["/v1/authorize", "/v1/settle", "/v1/release"]) {
    assert.equal((await gateway.api("POST", path, body, bearer)).status, 403);
    assert.equal((await gateway.api("GET", path)).status, 405);
  }
  const unknown = await gateway.api("POST", "/v1/authorize", { ...body, account: "nobody" });
  assert.equal(unknown.status, 404);
});
