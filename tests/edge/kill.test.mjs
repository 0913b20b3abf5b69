/**
 * workerd is killed in the middle of a load, again and again, and started on the same directory:
 * what was written stays, nothing is charged twice, and the origin never serves more than was
 * granted: what vanished isolates may have spent stays set aside until the operator returns it.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually, sleep, startGateway } from "./harness.mjs";
import { journal, operations, verify } from "./journal.mjs";

/** Kills in a row; KILLS=10 for the whole proof. */
const KILLS = Number(process.env.KILLS ?? 4);
const GRANTED = 6_000;

let gateway;
before(async () => (gateway = await startGateway({ gateways: 4 })));
after(() => gateway?.stop());

test(`${KILLS} kills in the middle of a load`, async () => {
  const { key } = await gateway.fund("hunted", { price: "1", amount: String(GRANTED) });
  let sent200 = 0;
  let reported = 0;
  for (let kill = 1; kill <= KILLS; kill++) {
    let dead = false;
    const load = gateway.load(key, { total: 20_000, connections: 64, stop: () => dead });
    await sleep(150 + 37 * kill);
    const before = await gateway.balance("hunted").catch(() => undefined);
    await gateway.kill();
    dead = true;
    const answers = await load;
    sent200 += answers[200] ?? 0;
    await gateway.restart();

    const { balance, audit } = await gateway.account("hunted");
    assert.equal(audit, "ok", `invariants after kill ${kill}`);
    reported = Math.max(reported, Number(before?.burned ?? 0));
    assert.ok(Number(balance.burned) >= reported, `burned ${balance.burned} < ${reported}`);
    const sum = ["available", "held", "burned", "expired"].map((name) => Number(balance[name]));
    assert.equal(sum.reduce((a, b) => a + b), GRANTED, "granted = available + held + burned");
    const { charged, refunded } = operations(await journal(gateway, "hunted"));
    assert.equal(charged - refunded, Number(balance.burned), "every burn is one operation");
    await verify(gateway, "hunted");
  }
  // The isolates are gone: their leases end after twice their validity, then the rest is spent.
  await gateway.settled("hunted", { dead: true });
  await eventually(async () => {
    const { 200: served } = await gateway.load(key, { total: 4_000, connections: 64 });
    sent200 += served ?? 0;
    return (await gateway.settled("hunted", { dead: true })).available === "0";
  }, 60_000);
  const { balance, audit } = await gateway.account("hunted");
  const counts = await gateway.origin.counts();
  const reached = counts["GET /words"];
  assert.equal(audit, "ok");
  const [burned, unreported] = [Number(balance.burned), Number(balance.unreported)];
  assert.equal(burned + unreported, GRANTED, "all is spent, but for what dead isolates held");
  assert.ok(reached >= sent200, "an answer came from the origin");
  assert.ok(reached <= GRANTED, `${reached} served of ${GRANTED} granted`);
  assert.ok(reached - burned <= unreported, "what was served and not burned is on record");
  const told = `${reached} served, ${burned} burned of ${GRANTED}, ${unreported} unreported`;
  console.log(`# ${KILLS} kills: ${told}`);
  await returned(key, unreported);
});

/** The operator returns what dead isolates held, all of it and once; then it is spent. */
async function returned(key, unreported) {
  const path = "/v1/accounts/hunted/unreported/return";
  const back = (amount, id = "back") => gateway.api("POST", path, { id, amount });
  const other = await back(String(unreported + 1));
  assert.equal(other.status, 409);
  assert.equal(other.json.code, "unreported_differs");
  assert.equal(other.json.field, "/amount");
  const { status, json } = await back(String(unreported));
  assert.deepEqual([status, json.available, json.held], [200, String(unreported), "0"]);
  assert.equal((await back(String(unreported))).status, 200, "the same again changes nothing");
  assert.equal((await back(String(unreported), "other")).status, 409, "once");
  let served = 0;
  await eventually(async () => {
    served += (await gateway.load(key, { total: 4_000, connections: 64 }))[200] ?? 0;
    return (await gateway.settled("hunted")).available === "0";
  }, 60_000);
  assert.equal(served, unreported);
  const { balance, audit } = await gateway.account("hunted");
  assert.deepEqual([balance.burned, balance.unreported, audit], [String(GRANTED), "0", "ok"]);
}
