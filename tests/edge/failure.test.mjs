/**
 * The account does not answer (it fails, or hangs): what each route makes of it, and that the
 * account is charged for exactly what was served once it is back.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually, ROUTES, sleep, startGateway } from "./harness.mjs";
import { journal, operations, verify } from "./journal.mjs";

/** A route's answer without the account's, in ms: nobody waits. */
const AT_ONCE_MS = 1_000;
/** An account that hangs is given up after this, in ms. */
const GIVEN_UP_MS = 5_000;
const ALLOWANCE = 5;

const CONTINUE = { failure_handling: "continue", allowance: String(ALLOWANCE) };
const HANDLING = {
  "/words/{word}": { failure_handling: "retry_and_terminate" },
  "/headers": CONTINUE,
  "/fail": CONTINUE,
};

/** How much each account is granted. */
const ACCOUNTS = {
  terminating: "100",
  retrying: "100",
  continuing: "100",
  failing: "100",
  owing: "1",
  unheard: "100",
};

let gateway;
const keys = {};
before(async () => {
  // One isolate: an allowance is each one's.
  gateway = await startGateway({ gateways: 1, entry: "faults/entry.js" });
  for (const [account, amount] of Object.entries(ACCOUNTS)) {
    keys[account] = (await gateway.fund(account, { price: "1", amount })).key;
  }
  const routes = ROUTES.routes.map((route) => ({ ...route, ...HANDLING[route.path] }));
  await gateway.must("PUT", "/v1/routes", { ...ROUTES, routes });
});
after(() => gateway?.stop());

/** What happens to an account's calls from now on. */
async function order(account, faults = {}) {
  const headers = { "x-fault": JSON.stringify({ account, ...faults }) };
  const { status, text } = await gateway.send(`${gateway.urls[0]}/`, { headers });
  assert.equal(status, 200, text);
}

const FAILING = { kind: "throw-before", matches: "INSERT INTO journal" };

/** An account that the isolate has heard of, by one call; too little traffic for a lease. */
async function known(account) {
  assert.equal((await gateway.call(keys[account])).status, 200);
  return keys[account];
}

async function timed(key, path) {
  const started = performance.now();
  const { status, headers, text } = await gateway.call(key, path);
  return { status, headers, text, ms: performance.now() - started };
}

async function charges(account) {
  const rows = await journal(gateway, account);
  await verify(gateway, account);
  return operations(rows);
}

test("terminate: 503 at once", async () => {
  const key = await known("terminating");
  await order("terminating", FAILING);
  const { status, headers, text, ms } = await timed(key, "/words");
  assert.deepEqual([status, headers["retry-after"]], [503, "1"], text);
  assert.ok(ms < AT_ONCE_MS, `${ms} ms`);
  await order("terminating");
  assert.equal((await gateway.call(key)).status, 200);
  assert.equal((await gateway.settled("terminating")).burned, "2");
});

test("retry_and_terminate: served once the account is back, and charged once", async () => {
  const key = await known("retrying");
  // It was burned, and the answer is lost: the same operation is not burned again.
  await order("retrying", { ...FAILING, kind: "throw-after" });
  assert.equal((await timed(key, "/words/juniper")).status, 200);
  await order("retrying", FAILING);
  const asked = timed(key, "/words/juniper");
  await sleep(1_000);
  await order("retrying");
  const { status, text, ms } = await asked;
  assert.equal(status, 200, text);
  assert.ok(ms > 1_000 && ms < 4_000, `${ms} ms`);
  await eventually(async () => (await gateway.settled("retrying")).burned === "3");
  assert.deepEqual(await charges("retrying"), { charged: 3, refunded: 0 });

  await order("retrying", FAILING);
  const given = await timed(key, "/words/juniper");
  assert.deepEqual([given.status, given.headers["retry-after"]], [503, "1"], given.text);
  assert.ok(given.ms > 5_000 && given.ms < 11_000, `${given.ms} ms`);
  await order("retrying");
  console.log(`# served after ${Math.round(ms)} ms, given up after ${Math.round(given.ms)} ms`);
});

test("continue: served up to the allowance, and charged for exactly that", async () => {
  const key = await known("continuing");
  await order("continuing", FAILING);
  const answers = [];
  for (let n = 0; n < ALLOWANCE + 3; n++) answers.push(await timed(key, "/headers"));
  for (const { status, headers, ms } of answers.slice(0, ALLOWANCE)) {
    assert.deepEqual([status, headers["edgemeter-cost"]], [200, "1"]);
    assert.ok(ms < AT_ONCE_MS, `${ms} ms`);
  }
  assert.deepEqual(answers.slice(ALLOWANCE).map(({ status }) => status), [503, 503, 503]);
  await order("continuing");
  const all = String(1 + ALLOWANCE);
  await eventually(async () => (await gateway.settled("continuing")).burned === all);
  assert.equal((await charges("continuing")).charged, 1 + ALLOWANCE);
  assert.equal((await timed(key, "/headers")).status, 200, "there is an allowance again");
});

test("continue: a call that the origin fails costs nothing", async () => {
  const key = await known("failing");
  await order("failing", FAILING);
  for (let n = 0; n < 3; n++) {
    const { status, headers } = await timed(key, "/fail?status=500");
    assert.deepEqual([status, headers["edgemeter-cost"]], [500, "0"]);
  }
  assert.equal((await timed(key, "/headers")).status, 200);
  await order("failing");
  await eventually(async () => (await gateway.settled("failing")).burned === "2");
});

test("continue at zero: 402 while the account answers, debt once it does not", async () => {
  const key = await known("owing");
  assert.equal((await timed(key, "/headers")).status, 402);
  await sleep(600);
  const late = 20_000;
  const hung = Date.now() + late;
  await order("owing", { hang: late });
  const first = Array.from({ length: 4 }, () => timed(key, "/headers"));
  for (const { status, ms } of await Promise.all(first)) {
    assert.equal(status, 200);
    assert.ok(ms >= GIVEN_UP_MS && ms < GIVEN_UP_MS + AT_ONCE_MS, `${ms} ms`);
  }
  // From now on it is known to be silent.
  const { status, ms } = await timed(key, "/headers");
  assert.equal(status, 200);
  assert.ok(ms < AT_ONCE_MS, `${ms} ms`);
  const rest = await Promise.all([timed(key, "/headers"), timed(key, "/words")]);
  assert.deepEqual(rest.map(({ status }) => status), [503, 503]);
  await order("owing");
  const owed = String(ALLOWANCE);
  await eventually(async () => (await gateway.account("owing")).balance.debt === owed);
  // What hung is heard after all, long after it was told, or refunded: nothing changes.
  await sleep(Math.max(0, hung + GIVEN_UP_MS * 2 - Date.now()));
  const { balance, audit } = await gateway.account("owing");
  assert.deepEqual([balance.debt, balance.burned, audit], [owed, "1", "ok"]);
  await gateway.must("POST", "/v1/accounts/owing/grants", { id: "more", amount: "10" });
  const paid = await gateway.balance("owing");
  assert.deepEqual([paid.debt, paid.available, paid.burned], ["0", "5", "6"]);
  assert.equal((await charges("owing")).charged, 1 + ALLOWANCE);
});

test("an isolate that has never heard of the account terminates", async () => {
  await order("unheard", FAILING);
  assert.equal((await timed(keys.unheard, "/headers")).status, 503);
  await order("unheard");
});

test("routes that contradict themselves are refused by field", async () => {
  for (const [more, field, code] of [
    [{ failure_handling: "continue" }, "allowance", "allowance_missing"],
    [{ allowance: "5" }, "allowance", "allowance_unused"],
    [{ failure_handling: "continue", allowance: "-1" }, "allowance", "allowance_not_positive"],
    [{ ...CONTINUE, durability: "before_response" }, "failure_handling", "continue_durable"],
  ]) {
    const routes = [{ method: "GET", path: "/words", charge: "words", ...more }];
    const { status, json } = await gateway.api("PUT", "/v1/routes", { ...ROUTES, routes });
    assert.deepEqual([status, json.code, json.field], [422, code, `/routes/0/${field}`]);
    assert.ok(json.value !== undefined, json.detail);
  }
});
