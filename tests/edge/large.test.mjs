/** An account whose state is longer than a row may be: it is saved in parts, and read as one. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { plan, startGateway } from "./harness.mjs";
import { verify } from "./journal.mjs";

/** Each plan is so long, by spaces: published plans are kept byte for byte. */
const PLAN_BYTES = 900_000;
/** Enough for several checkpoints, a segment, and a state of several times 2 MB. */
const PLANS = 7;

let gateway;
before(async () => (gateway = await startGateway()));
after(() => gateway?.stop());

test("a state of several rows survives a kill, and the audit finds it sound", async () => {
  const account = "/v1/accounts/large";
  const contract = { plan: "per-1", version: 1 };
  await gateway.must("POST", "/v1/plans", plan("per-1", "1"));
  await gateway.must("POST", "/v1/accounts", { id: "large", contract });
  await gateway.must("POST", `${account}/grants`, { id: "first", amount: "100" });
  for (let version = 1; version <= PLANS; version++) {
    const json = JSON.stringify(plan("long", "1", version)).padEnd(PLAN_BYTES, " ");
    assert.equal((await gateway.api("POST", "/v1/plans", json)).status, 201);
    await gateway.must("POST", `${account}/contract`, { plan: "long", version });
  }
  const told = await gateway.account("large");
  assert.ok((await verify(gateway, "large")).length > 1, "there is a segment");
  await gateway.kill();
  await gateway.restart();
  assert.deepEqual(await gateway.account("large"), told);
  await verify(gateway, "large");
  assert.ok(!gateway.output().includes("no checkpoint"), gateway.output());
});
