/**
 * Bad input to every control call: a 4xx problem that names the field, no 5xx, nothing written.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { OPERATOR_TOKEN, plan, ROUTES, startGateway } from "./harness.mjs";
import { verify } from "./journal.mjs";

let gateway;
before(async () => {
  gateway = await startGateway();
  await gateway.fund("acme", { price: "1", amount: "100" });
  await gateway.must("POST", "/v1/accounts/acme/keys", { id: "limited" });
});
after(() => gateway?.stop());

const CONTRACT = { plan: "per-1", version: 1 };
const GRANT = { id: "g2", amount: "5" };
const DIGITS = "1234567890".repeat(4);
const deep = (n) => "[".repeat(n) + "]".repeat(n);

const opening = (more) => ({ id: "new", contract: { ...CONTRACT, ...more } });

const ADJUSTMENT = { id: "a", amount: "-1", reason: "as agreed" };
const RULE = { threshold: "5", target: "50", cool_off_ms: 60_000 };

/** [method, path, body, status, field] */
const TABLE = [
  // plans
  ["POST", "/v1/plans", "", 400, ""],
  ["POST", "/v1/plans", "{", 400, ""],
  ["POST", "/v1/plans", "null", 422],
  ["POST", "/v1/plans", "[]", 422],
  ["POST", "/v1/plans", deep(100_000), 400, ""],
  ["POST", "/v1/plans", "\u0000", 400, ""],
  ["POST", "/v1/plans", { ...plan("p", "1"), id: "" }, 422, "/id"],
  ["POST", "/v1/plans", { ...plan("p", "1"), id: "x".repeat(65) }, 422, "/id"],
  ["POST", "/v1/plans", { ...plan("p", "1"), version: 0 }, 422, "/version"],
  ["POST", "/v1/plans", { ...plan("p", "1"), version: "1" }, 422, "/version"],
  ["POST", "/v1/plans", { ...plan("p", "1"), version: 1.5 }, 422, "/version"],
  ["POST", "/v1/plans", { ...plan("p", "1"), colour: "red" }, 422, "/colour"],
  ["POST", "/v1/plans", plan("p", "-1"), 422, "/charges/0/price/unit_price"],
  ["POST", "/v1/plans", plan("p", "NaN"), 422, "/charges/0/price"],
  ["POST", "/v1/plans", plan("p", "1e5"), 422, "/charges/0/price"],
  ["POST", "/v1/plans", plan("p", DIGITS), 422, "/charges/0/price"],
  ["POST", "/v1/plans", plan("p", 1), 422, "/charges/0/price"],
  ["POST", "/v1/plans", { id: "p", version: 1, charges: plan("p", "1").charges }, 422, "/charges/0/unit"],
  ["POST", "/v1/plans", plan("per-1", "2"), 409, "/version"],
  // routes
  ["PUT", "/v1/routes", { routes: [] }, 422, "/unmatched"],
  ["PUT", "/v1/routes", { unmatched: "free", routes: [] }, 422, "/unmatched"],
  ["PUT", "/v1/routes", { ...ROUTES, extra: 1 }, 422, "/extra"],
  ["PUT", "/v1/routes", { unmatched: "pass", routes: [{ method: "GET" }] }, 422, "/routes/0/path"],
  [
    "PUT",
    "/v1/routes",
    { unmatched: "pass", routes: [{ method: "GET", path: "/a", charge: "a", quantity: "-1" }] },
    422,
    "/routes/0/quantity",
  ],
  // accounts
  ["POST", "/v1/accounts", { id: "Big", contract: { plan: "per-1", version: 1 } }, 422, "/id"],
  ["POST", "/v1/accounts", { id: "a".repeat(41), contract: { plan: "per-1", version: 1 } }, 422, "/id"],
  ["POST", "/v1/accounts", { id: "new" }, 422, "/contract"],
  ["POST", "/v1/accounts", { id: "new", contract: { plan: "none", version: 1 } }, 404, "/contract/plan"],
  ["POST", "/v1/accounts", { id: "new", contract: { plan: "per-1", version: -1 } }, 422, "/contract/version"],
  ["POST", "/v1/accounts", { id: "new", contract: { plan: "per-1", version: 1, x: 1 } }, 422, "/contract/x"],
  ["POST", "/v1/accounts", opening({ from: "2026-02-30" }), 422, "/contract/from"],
  ["POST", "/v1/accounts", opening({ from: "2999-01-01" }), 422, "/contract/from"],
  ["POST", "/v1/accounts", opening({ from: "1900-01-01" }), 422, "/contract/from"],
  ["POST", "/v1/accounts", opening({ zone: "Europe/Berlin" }), 422, "/contract/zone"],
  ["POST", "/v1/accounts", opening({ zone: { name: "x", offset: 9999 } }), 422, "/contract/zone"],
  ["POST", "/v1/accounts", opening({ zone: { name: "x" } }), 422, "/contract/zone/offset"],
  ["POST", "/v1/accounts", opening({ periods: "never" }), 422, "/contract/periods"],
  ["GET", "/v1/accounts/none", undefined, 404, "account"],
  ["GET", "/v1/accounts/No%20Name", undefined, 422, "account"],
  ["GET", "/v1/accounts/none/balance", undefined, 404, "account"],
  // keys
  ["POST", "/v1/accounts/acme/keys", { id: "k-1" }, 422, "/id"],
  ["POST", "/v1/accounts/acme/keys", { id: 7 }, 422, "/id"],
  ["POST", "/v1/accounts/acme/keys", { name: "x" }, 422, "/name"],
  ["POST", "/v1/accounts/none/keys", {}, 404, "account"],
  ["POST", "/v1/accounts/acme/keys/nokey/disable", undefined, 404],
  ["POST", "/v1/accounts/acme/keys/no_key/disable", undefined, 404, "key"],
  // grants
  ["POST", "/v1/accounts/acme/unreported/return", { id: "r" }, 422, "/amount"],
  ["POST", "/v1/accounts/acme/unreported/return", { amount: "5" }, 422, "/id"],
  ["POST", "/v1/accounts/acme/unreported/return", { id: "r", amount: 5 }, 422, "/amount"],
  ["POST", "/v1/accounts/acme/unreported/return", { id: "r", amount: "0" }, 409, "/amount"],
  ["POST", "/v1/accounts/acme/unreported/return", { id: "r", amount: "-1" }, 409, "/amount"],
  ["POST", "/v1/accounts/acme/unreported/return", { id: "r", amount: "5" }, 409, "/amount"],
  ["POST", "/v1/accounts/acme/unreported/return", { id: "r", amount: "5", all: true }, 422, "/all"],
  ["POST", "/v1/accounts/acme/unreported/return", "", 400, ""],
  ["POST", "/v1/accounts/nobody/unreported/return", { id: "r", amount: "5" }, 404, "account"],
  ["POST", "/v1/accounts/acme/grants", { id: "g" }, 422, "/amount"],
  ["POST", "/v1/accounts/acme/grants", { amount: "1" }, 422, "/id"],
  ["POST", "/v1/accounts/acme/grants", { ...GRANT, amount: 5 }, 422, "/amount"],
  ["POST", "/v1/accounts/acme/grants", { ...GRANT, amount: "0" }, 422, "/amount"],
  ["POST", "/v1/accounts/acme/grants", { ...GRANT, amount: "-5" }, 422, "/amount"],
  ["POST", "/v1/accounts/acme/grants", { ...GRANT, amount: "NaN" }, 422, "/amount"],
  ["POST", "/v1/accounts/acme/grants", { ...GRANT, amount: "Infinity" }, 422, "/amount"],
  ["POST", "/v1/accounts/acme/grants", { ...GRANT, amount: "1e3" }, 422, "/amount"],
  ["POST", "/v1/accounts/acme/grants", { ...GRANT, amount: DIGITS }, 422, "/amount"],
  ["POST", "/v1/accounts/acme/grants", { ...GRANT, amount: `0.${DIGITS}` }, 422, "/amount"],
  ["POST", "/v1/accounts/acme/grants", { ...GRANT, amount: "" }, 422, "/amount"],
  ["POST", "/v1/accounts/acme/grants", { ...GRANT, id: "x".repeat(65) }, 422, "/id"],
  ["POST", "/v1/accounts/acme/grants", { ...GRANT, id: "<b>" }, 422, "/id"],
  ["POST", "/v1/accounts/acme/grants", { ...GRANT, priority: -1 }, 422, "/priority"],
  ["POST", "/v1/accounts/acme/grants", { ...GRANT, kind: "loan" }, 422, "/kind"],
  ["POST", "/v1/accounts/acme/grants", { ...GRANT, expires_at: 5 }, 422, "/expires_at"],
  ["POST", "/v1/accounts/acme/grants", { ...GRANT, expires_at: "soon" }, 422, "/expires_at"],
  ["POST", "/v1/accounts/acme/grants", { ...GRANT, note: "x" }, 422, "/note"],
  ["POST", "/v1/accounts/acme/grants", { id: "first", amount: "101" }, 409, "/id"],
  ["POST", "/v1/accounts/acme/grants", { id: "max", amount: "9999999999999999" }, 422, "/amount"],
  ["POST", "/v1/accounts/none/grants", GRANT, 404, "account"],
  // corrections
  ["POST", "/v1/accounts/acme/keys/limited/limits", { day: "-1" }, 422, "/day"],
  ["POST", "/v1/accounts/acme/keys/limited/limits", { month: "-1" }, 422, "/month"],
  ["POST", "/v1/accounts/acme/keys/limited/limits", { day: 5 }, 422, "/day"],
  ["POST", "/v1/accounts/acme/keys/limited/limits", { week: "5" }, 422, "/week"],
  ["POST", "/v1/accounts/acme/keys/nokey/limits", { day: "5" }, 404],
  ["POST", "/v1/accounts/acme/grants/none/void", undefined, 404, "/grant"],
  ["POST", "/v1/accounts/acme/adjustments", { ...ADJUSTMENT, amount: "0" }, 422, "/amount"],
  ["POST", "/v1/accounts/acme/adjustments", { ...ADJUSTMENT, amount: "5" }, 422, "/amount"],
  ["POST", "/v1/accounts/acme/adjustments", { ...ADJUSTMENT, amount: "-1000000" }, 409, "/amount"],
  ["POST", "/v1/accounts/acme/adjustments", { ...ADJUSTMENT, grant: "none" }, 404, "/grant"],
  ["POST", "/v1/accounts/acme/adjustments", { id: "a", amount: "-1" }, 422, "/reason"],
  ["POST", "/v1/accounts/acme/adjustments", { ...ADJUSTMENT, reason: "x".repeat(257) }, 422, "/reason"],
  ["POST", "/v1/accounts/acme/periods/close", {}, 422, "/id"],
  ["POST", "/v1/accounts/acme/periods/close", { id: "p", forgive_debt: "yes" }, 422, "/forgive_debt"],
  ["POST", "/v1/accounts/acme/contract", { plan: "none", version: 1 }, 404, "/plan"],
  ["POST", "/v1/accounts/acme/contract", { plan: "per-1" }, 422, "/version"],
  ["POST", "/v1/accounts/acme/top-up-rule", {}, 422],
  ["POST", "/v1/accounts/acme/top-up-rule", { rule: { ...RULE, target: "1" } }, 422, "/rule"],
  ["POST", "/v1/accounts/acme/top-up-rule", { rule: { ...RULE, cool_off_ms: 1 } }, 422, "/rule"],
  ["POST", "/v1/accounts/acme/top-ups/none/fail", undefined, 404],
  // journal, tokens, paths, methods
  ["GET", "/v1/accounts/acme/journal?limit=0", undefined, 422, "limit"],
  ["GET", "/v1/accounts/acme/journal?limit=99999999999", undefined, 422, "limit"],
  ["GET", "/v1/accounts/acme/journal?after=-1", undefined, 422, "after"],
  ["POST", "/v1/accounts/acme/portal-tokens", { ttl_seconds: 0 }, 422, "/ttl_seconds"],
  ["POST", "/v1/accounts/acme/portal-tokens", { ttl_seconds: 1e9 }, 422, "/ttl_seconds"],
  ["POST", "/v1/accounts/acme/portal-tokens", { forever: true }, 422, "/forever"],
  ["POST", "/v1/accounts/none/portal-tokens", {}, 404, "account"],
  ["POST", "/v1/events", "", 400, ""],
  ["POST", "/v1/events", "{", 400, ""],
  ["POST", "/v1/events", "[", 400, ""],
  ["POST", "/v1/events", "[{},]", 400, ""],
  ["POST", "/v1/events", "\u0000", 400, ""],
  ["POST", "/v1/events", "null", 422],
  ["POST", "/v1/events", "[null, {}, 1, [[]]]", 422],
  ["POST", "/v1/events", deep(100_000), 422],
  ["POST", "/v1/events", deep(10_000), 422],
  ["POST", "/v1/events", `{"data":${deep(10_000)}}`, 422],
  ["POST", "/v1/events/corrections", "", 400, ""],
  ["POST", "/v1/events/corrections", "[{}]", 422],
  ["POST", "/v1/events/corrections", `{"id":"a","amend":${deep(10_000)}}`, 422],
  ["POST", "/v1/events/nothing", {}, 405],
  ["DELETE", "/v1/events", undefined, 405],
  ["DELETE", "/v1/plans", undefined, 405],
  ["PATCH", "/v1/accounts/acme", undefined, 405],
  ["POST", "/v1/accounts/acme/nothing", {}, 404],
  ["GET", "/v1/accounts/acme/live", undefined, 426],
];

test("every refusal is a problem that names the field", async () => {
  const before = await gateway.account("acme");
  for (const [method, path, body, status, field] of TABLE) {
    const answer = await gateway.api(method, path, body);
    const sent = JSON.stringify(body)?.slice(0, 120);
    const row = `${method} ${path} ${sent} → ${answer.text.slice(0, 300)}`;
    assert.equal(answer.status, status, row);
    assert.equal(answer.headers["content-type"], "application/problem+json", row);
    assert.ok(answer.json.detail.length > 10 && answer.json.code, row);
    if (field !== undefined) assert.ok(answer.json.field?.startsWith(field), row);
  }
  const after = await gateway.account("acme");
  assert.deepEqual(after, before, "nothing was written");
  assert.deepEqual((await gateway.api("GET", "/v1/accounts")).json, ["acme"]);
});

test("10 MB bodies are refused by size, declared or not", async () => {
  const big = JSON.stringify({ id: "x".repeat(10_000_000) });
  const calls = [
    ["POST", "/v1/plans"],
    ["PUT", "/v1/routes"],
    ["POST", "/v1/accounts"],
    ["POST", "/v1/accounts/acme/keys"],
    ["POST", "/v1/accounts/acme/grants"],
    ["POST", "/v1/accounts/acme/portal-tokens"],
    ["POST", "/v1/events"],
    ["POST", "/v1/events/corrections"],
  ];
  for (const [method, path] of calls) {
    for (const headers of [{}, { "transfer-encoding": "chunked" }]) {
      const answer = await gateway.api(method, path, big, headers).catch((error) => error);
      // The gateway may close before all is sent; what it says is 413.
      if (answer.status !== undefined) assert.equal(answer.status, 413, `${method} ${path}`);
      else assert.match(String(answer), /EPIPE|ECONNRESET/);
    }
  }
  assert.equal((await gateway.api("GET", "/v1/health")).status, 200);
});

test("without the operator's token nothing is told and nothing is done", async () => {
  const { token } = await gateway.must("POST", "/v1/accounts/acme/portal-tokens", {});
  const near = [`Bearer ${OPERATOR_TOKEN}x`, `Bearer ${OPERATOR_TOKEN.slice(1)}`];
  const tokens = ["", "Bearer ", "Bearer x", ...near];
  const paths = new Set(TABLE.map(([method, path]) => `${method} ${path}`));
  for (const call of paths) {
    const [method, path] = call.split(" ");
    if (path.endsWith("/live")) continue;
    for (const authorization of tokens) {
      const answer = await gateway.api(method, path, undefined, { authorization });
      assert.equal(answer.status, 401, `${call} with ${authorization}`);
    }
    const answer = await gateway.api(method, path, undefined, { authorization: `Bearer ${token}` });
    const reads = method === "GET" && path.startsWith("/v1/accounts/acme");
    if (!reads) assert.ok([403, 404, 422].includes(answer.status), `${call}: ${answer.text}`);
  }
  const portal = { authorization: `Bearer ${token}` };
  const read = (account) =>
    gateway.api("GET", `/v1/accounts/${account}/balance`, undefined, portal);
  assert.equal((await read("acme")).status, 200);
  assert.equal((await read("other")).status, 403);
});

test("grants are idempotent by id", async () => {
  const grant = { id: "once", amount: "7.25", kind: "promotional" };
  const path = "/v1/accounts/acme/grants";
  const first = await gateway.api("POST", path, grant);
  const again = await gateway.api("POST", path, grant);
  assert.deepEqual([first.status, again.status], [201, 200]);
  assert.deepEqual(first.json, again.json);
  assert.equal((await gateway.balance("acme")).available, "107.25");
});

test("a sum that leaves the range changes nothing, in memory or on disk", async () => {
  await gateway.must("POST", "/v1/accounts", { id: "rich", contract: CONTRACT });
  const path = "/v1/accounts/rich/grants";
  await gateway.must("POST", path, { id: "most", amount: "9999999999999990" });
  const before = await gateway.account("rich");
  const { status, json } = await gateway.api("POST", path, { id: "above", amount: "20" });
  assert.deepEqual([status, json.code, json.field], [422, "amount_not_exact", "/amount"]);
  assert.deepEqual(await gateway.account("rich"), before);
  await verify(gateway, "rich");
  await gateway.must("POST", path, { id: "within", amount: "9" });
  const { balance, audit } = await gateway.account("rich");
  assert.deepEqual([balance.available, audit], ["9999999999999999", "ok"]);
  await verify(gateway, "rich");
});

test("weak settings refuse to run, and say which", async () => {
  for (const [name, value] of [
    ["EDGEMETER_OPERATOR_TOKEN", "x".repeat(31)],
    ["EDGEMETER_KEY_SECRETS", "1:short"],
    ["EDGEMETER_MODE", "prod"],
  ]) {
    await assert.rejects(startGateway({ settings: { [name]: value } }), new RegExp(name));
  }
});
