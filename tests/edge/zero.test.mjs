/**
 * The gate closes at zero, exactly: four isolates of one build race for the last credits, and the
 * origin's own counter is the judge.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually, startGateway } from "./harness.mjs";

/** Runs in a row; RUNS=10 for the whole proof. */
const RUNS = Number(process.env.RUNS ?? 2);

let gateway;
before(async () => (gateway = await startGateway({ gateways: 4 })));
after(() => gateway?.stop());

async function served(run) {
  const path = "GET /words";
  const before = (await gateway.origin.counts())[path] ?? 0;
  await run();
  return ((await gateway.origin.counts())[path] ?? 0) - before;
}

for (let run = 1; run <= RUNS; run++) {
  test(`5,000 credits serve 5,000 of 20,000 requests (run ${run})`, async () => {
    const account = `exact-${run}`;
    const { key } = await gateway.fund(account, { price: "1", amount: "5000" });
    let answers;
    const reached = await served(async () => {
      answers = await gateway.load(key, { total: 20_000, connections: 64 });
    });
    assert.deepEqual(answers, { 200: 5_000, 402: 15_000 });
    assert.equal(reached, 5_000);
    const balance = await gateway.settled(account);
    assert.equal(balance.available, "0");
    assert.equal(balance.burned, "5000");

    await gateway.must("POST", `/v1/accounts/${account}/grants`, { id: "more", amount: "10" });
    const granted = Date.now();
    let waited;
    const again = await served(async () => {
      await eventually(async () => {
        const { status } = await gateway.call(key);
        waited = Date.now() - granted;
        return status === 200;
      });
      await gateway.load(key, { total: 200, connections: 16 });
      await eventually(async () => (await gateway.settled(account)).available === "0", 5_000).catch(
        () => {},
      );
    });
    assert.ok(waited < 1_000, `requests passed again after ${waited} ms`);
    assert.equal(again, 10);
    assert.equal((await gateway.settled(account)).available, "0");
    assert.equal((await gateway.account(account)).audit, "ok");
  });
}

test("a price of 0.3 leaves what does not pay for one more", async () => {
  for (const [account, amount, calls, rest] of [
    ["thirds", "1000.1", 3_333, "0.2"],
    ["few", "1", 3, "0.1"],
    ["none", "0.29", 0, "0.29"],
  ]) {
    const { key } = await gateway.fund(account, { price: "0.3", amount });
    let answers;
    const reached = await served(async () => {
      answers = await gateway.load(key, { total: 6_000, connections: 64 });
    });
    assert.equal(reached, calls, `${account}: ${JSON.stringify(answers)}`);
    const balance = await gateway.settled(account);
    assert.equal(balance.available, rest);
  }
});

test("the refusal says what is missing and where to buy it", async () => {
  const { key } = await gateway.fund("empty", { price: "1" });
  const answer = await gateway.call(key);
  assert.equal(answer.status, 402);
  assert.equal(answer.headers["content-type"], "application/problem+json");
  const problem = JSON.parse(answer.text);
  assert.equal(problem.code, "insufficient_credits");
  assert.deepEqual(
    [problem.balance, problem.required, problem.unit, problem.plan, problem.topup_url],
    ["0", "1", "credits", "per-1@1", "https://example.com/top-up"],
  );
});

test("a call that the origin fails costs nothing", async () => {
  const { key } = await gateway.fund("failing", { price: "1", amount: "100" });
  for (let i = 0; i < 40; i++) {
    const answer = await gateway.call(key, i % 2 === 0 ? "/fail" : "/words", i % 4);
    assert.equal(answer.headers["edgemeter-cost"], i % 2 === 0 ? "0" : "1");
  }
  await eventually(async () => (await gateway.settled("failing")).burned === "20");
});

test("what a plan includes is there when the account opens, and follows its contract", async () => {
  const plan = (version, grants) => ({
    id: "includes",
    version,
    charges: [{ id: "words", unit: "credits", price: { model: "per_unit", unit_price: "1" } }],
    credits: { burn_order: "standard", rollover: "none", at_zero: "block", grants },
  });
  const free = (amount, more) => ({ id: "free", amount, every: "P1M", ...more });
  await gateway.must("POST", "/v1/plans", plan(1, [free("3")]));
  await gateway.must("POST", "/v1/plans", plan(2, [free("9"), { id: "more", amount: "2" }]));
  await gateway.must("POST", "/v1/plans", plan(3, [free("1", { expires_after: "P1Y" })]));
  const open = (id, version) =>
    gateway.api("POST", "/v1/accounts", { id, contract: { plan: "includes", version } });
  const refused = await open("lasting", 3);
  assert.deepEqual([refused.status, refused.json.code], [422, "plan_grant_lasts"]);

  assert.equal((await open("included", 1)).status, 201);
  assert.equal((await open("included", 1)).status, 200, "the same again changes nothing");
  const { key } = await gateway.must("POST", "/v1/accounts/included/keys", {});
  const answers = await gateway.load(key, { total: 10, connections: 2 });
  assert.deepEqual(answers, { 200: 3, 402: 7 });
  const follow = (version) =>
    gateway.must("POST", "/v1/accounts/included/contract", { plan: "includes", version });
  await follow(2);
  await eventually(async () => (await gateway.balance("included")).available === "2");
  for (const version of [1, 2, 1, 2]) await follow(version);
  const { balance, grants, audit } = await gateway.account("included");
  assert.deepEqual([balance.granted, balance.available, audit], ["5", "2", "ok"]);
  assert.deepEqual(grants.map(({ of_plan, terms }) => [of_plan, terms.amount]), [
    ["free", "9"],
    ["more", "2"],
  ]);
});
