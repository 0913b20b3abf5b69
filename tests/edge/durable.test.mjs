/**
 * `"durability": "before_response"`: what a client saw answered is burned, though everything is
 * killed at any moment; what fails is free as ever; and an answer whose burn cannot be put on
 * record is held back.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually, ROUTES, sleep, startGateway } from "./harness.mjs";
import { journal, operations, verify } from "./journal.mjs";

/** Kills in a row; KILLS=10 for the whole proof. */
const KILLS = Number(process.env.KILLS ?? 3);
const GRANTED = 1_000_000;

let gateway;
before(async () => (gateway = await startGateway({ gateways: 4, entry: "faults/entry.js" })));
after(() => gateway?.stop());

/** An account with a key, and routes of which all but `/words/{word}` hold their answers. */
async function fund(account) {
  const { key } = await gateway.fund(account, { price: "1", amount: String(GRANTED) });
  const routes = ROUTES.routes.map((route) =>
    route.unmetered || route.path === "/words/{word}"
      ? route
      : { ...route, durability: "before_response" },
  );
  await gateway.must("PUT", "/v1/routes", { ...ROUTES, routes });
  return key;
}

test(`${KILLS} kills: what was seen answered is burned`, async () => {
  const key = await fund("durable");
  let seen = 0;
  for (let kill = 1; kill <= KILLS; kill++) {
    let dead = false;
    const load = gateway.load(key, { total: 50_000, connections: 48, stop: () => dead });
    await sleep(900 + 53 * kill);
    await gateway.kill();
    dead = true;
    const answers = await load;
    seen += answers[200] ?? 0;
    await gateway.restart();
    const { balance, audit } = await gateway.account("durable");
    assert.equal(audit, "ok");
    assert.ok(Number(balance.burned) >= seen, `${seen} seen, ${balance.burned} burned`);
    console.log(`# kill ${kill}: ${seen} answers seen, ${balance.burned} burned`);
  }
  assert.ok(seen > 0);
  const rows = await journal(gateway, "durable");
  const { charged } = operations(rows);
  // Many answers wait for one report: a row each would be a direct debit.
  assert.ok(rows.length < charged * 0.8, `${rows.length} rows for ${charged} operations`);
  await verify(gateway, "durable");
});

test("failed calls are free, and exactly what was served is burned", async () => {
  const key = await fund("exact");
  const [served, failed] = await Promise.all([
    gateway.load(key, { total: 2_000, connections: 16 }),
    gateway.load(key, { total: 200, connections: 4, path: "/fail?status=500" }),
  ]);
  assert.deepEqual([served[200], failed[500]], [2_000, 200]);
  await eventually(async () => (await gateway.settled("exact")).burned === "2000", 20_000);
  console.log(`# ${(await journal(gateway, "exact")).length} rows for 2200 operations`);
});

test("an answer that cannot be put on record is held back, and charged later", async () => {
  const key = await fund("held");
  await gateway.load(key, { total: 1_000, connections: 8 });
  const order = (faults) => {
    const text = JSON.stringify({ account: "held", ...faults });
    return gateway.send(`${gateway.urls[0]}/`, { headers: { "x-fault": text } });
  };
  await gateway.call(key, "/words/before");
  await order({ kind: "throw-before", matches: "INSERT INTO journal", every: 1 });
  const answers = await Promise.all(Array.from({ length: 4 }, () => gateway.call(key)));
  const held = answers.filter(({ text }) => text.includes("/unrecorded"));
  for (const { status, headers, text } of answers) {
    assert.deepEqual([status, headers["retry-after"]], [503, "1"], text);
  }
  for (const { text } of held) assert.match(JSON.parse(text).operation, /^[0-9a-f.]+l/);
  await order({});
  await gateway.settled("held", { dead: true });
  const { charged } = operations(await journal(gateway, "held"));
  const reached = (await gateway.origin.counts())["GET /words"];
  assert.ok(reached > 0 && charged >= 1_000);
  const charges = operationIds(await journal(gateway, "held"));
  for (const { text } of held) assert.ok(charges.has(JSON.parse(text).operation), text);
  console.log(`# ${held.length} of ${answers.length} answers held back, all charged later`);
});

function operationIds(rows) {
  const ids = new Set();
  for (const entry of rows.flatMap((row) => row.entries)) {
    if (entry.kind === "debited") ids.add(entry.debit.op);
    const { from, list } = entry.operations ?? { list: [] };
    list.forEach((_, index) => ids.add(`${entry.lease}.${from + index}`));
  }
  return ids;
}
