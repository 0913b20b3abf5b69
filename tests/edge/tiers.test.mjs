/**
 * Prices in tiers, paid from leases at a ceiling and rated by the account: whatever the
 * interleaving of four isolates, the sum burned is the price of the total, to the last digit, also
 * when workerd is killed under load.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually, sleep, startGateway } from "./harness.mjs";
import { journal, operations, verify } from "./journal.mjs";

/** RUNS=10 KILLS=30 for the whole proof. */
const RUNS = Number(process.env.RUNS ?? 1);
const KILLS = Number(process.env.KILLS ?? 3);

const tiers = (...list) => ({
  model: "graduated",
  tiers: list.map(([up_to, unit_price]) => ({ up_to: up_to && String(up_to), unit_price })),
});

/** Tiers as [up to, price in tenths], and what `n` calls cost by them, in tenths of a credit. */
const FALLING = [[1_000, 20n], [3_000, 10n], [null, 3n]];
const RISING = [[2_000, 5n], [4_000, 10n], [null, 17n]];
const price = (list) =>
  tiers(...list.map(([up_to, tenths]) => [up_to, `${tenths / 10n}.${tenths % 10n}`]));

function cost(list, n) {
  let [sum, above] = [0n, 0];
  for (const [up_to, tenths] of list) {
    const within = Math.max(0, Math.min(n, up_to ?? Infinity) - above);
    sum += BigInt(within) * tenths;
    above = up_to ?? above;
  }
  return sum;
}

/** The most calls that `credits` pay, and what they leave, in tenths. */
function affordable(list, credits) {
  const tenths = BigInt(credits) * 10n;
  let n = 0;
  while (cost(list, n + 1) <= tenths) n += 1;
  return { n, rest: tenths - cost(list, n) };
}

/** Tenths of a credit as the account writes them. */
const text = (tenths) => String(Number(tenths) / 10);

let gateway;
before(async () => (gateway = await startGateway({ gateways: 4 })));
after(() => gateway?.stop());

const reached = async () => (await gateway.origin.counts())["GET /words"] ?? 0;

for (let run = 1; run <= RUNS; run++) {
  for (const [name, list] of Object.entries({ falling: FALLING, rising: RISING })) {
    test(`${name} prices: all calls that the credits pay, none more (run ${run})`, async () => {
      const account = `${name}-${run}`;
      const options = { price: price(list), named: name, amount: "5000" };
      const { key } = await gateway.fund(account, options);
      const { n, rest } = affordable(list, 5_000);
      const before = await reached();
      const answers = await gateway.load(key, { total: 12_000, connections: 64 });
      assert.equal((await reached()) - before, n, JSON.stringify(answers));
      assert.deepEqual(answers, { 200: n, 402: 12_000 - n });
      const balance = await gateway.settled(account);
      assert.equal(balance.burned, text(cost(list, n)), "burned is the price of the total");
      assert.equal(balance.available, text(rest));
      assert.equal((await gateway.account(account)).audit, "ok");

      await gateway.must("POST", `/v1/accounts/${account}/grants`, { id: "more", amount: "20" });
      const then = affordable(list, 5_020);
      const again = await reached();
      await eventually(async () => {
        await gateway.load(key, { total: 200, connections: 16 });
        return (await gateway.settled(account)).available === text(then.rest);
      });
      assert.equal((await reached()) - again, then.n - n);
    });
  }
}

test("the answer says what a call costs, or at most costs", async () => {
  const options = { price: price(FALLING), named: "falling", amount: "5000" };
  const { key } = await gateway.fund("told", options);
  const seen = new Set();
  for (let i = 0; i < 60; i++) {
    const { headers } = await gateway.call(key);
    seen.add("edgemeter-cost" in headers ? "exact" : "at most");
    assert.equal(headers["edgemeter-cost"] ?? headers["edgemeter-cost-at-most"], "2");
  }
  assert.deepEqual([...seen].sort(), ["at most", "exact"], "directly, then from a lease");
  assert.equal((await gateway.settled("told")).burned, "120");
  // The journal says what each operation cost, in the account's order.
  const reports = (await journal(gateway, "told")).flatMap((row) => row.entries);
  const costs = reports.flatMap((entry) => entry.costs ?? []);
  assert.ok(costs.length > 0 && costs.every((each) => each === "2"), JSON.stringify(costs));
});

test(`tiers and ${KILLS} kills in the middle of a load`, async () => {
  // A kill leaves what its leases may have spent set aside: enough that the last one still hurts.
  const amount = 5_000 * KILLS;
  const options = { price: price(FALLING), named: "falling", amount: String(amount) };
  const { key } = await gateway.fund("hunted-tiers", options);
  const start = await reached();
  for (let kill = 1; kill <= KILLS; kill++) {
    let dead = false;
    const load = gateway.load(key, { total: 20_000, connections: 64, stop: () => dead });
    await sleep(150 + 83 * (kill % 9));
    const before = await gateway.balance("hunted-tiers").catch(() => undefined);
    await gateway.kill();
    dead = true;
    await load;
    await gateway.restart();
    const { balance, audit } = await gateway.account("hunted-tiers");
    assert.equal(audit, "ok", `invariants after kill ${kill}`);
    const burned = Number(balance.burned);
    assert.ok(burned >= Number(before?.burned ?? 0), "what was burned stays burned");
    const parts = ["available", "held", "burned", "expired"];
    const tenths = parts.map((name) => BigInt(Math.round(Number(balance[name]) * 10)));
    assert.equal(tenths.reduce((a, b) => a + b), BigInt(amount) * 10n, "conservation");
    const rows = await journal(gateway, "hunted-tiers");
    const { charged } = operations(rows);
    const returns = rows.flatMap((row) => row.entries).flatMap((entry) => entry.returns ?? []);
    const back = returns.reduce((sum, { amount }) => sum + BigInt(Math.round(amount * 10)), 0n);
    const expected = text(cost(FALLING, charged) - back);
    assert.equal(balance.burned, expected, "the price of what is on record");
    await verify(gateway, "hunted-tiers");
  }
  const { balance } = await gateway.account("hunted-tiers");
  const served = (await reached()) - start;
  const on = `${served} served, ${balance.burned} burned, ${balance.held} held of ${amount}`;
  assert.ok(cost(FALLING, served) <= BigInt(Math.round(Number(balance.burned) * 10)) +
    BigInt(Math.round(Number(balance.held) * 10)), `never more than is burned or held: ${on}`);
  console.log(`# tiers, ${KILLS} kills: ${on}`);
});
