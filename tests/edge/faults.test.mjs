/**
 * Faults at the platform's edges, under load from four gateways: an object evicted and started
 * again, statements that fail before or after they took effect, Rust that panics in the middle of
 * a call of the object, an isolate that traps. After each: every request was answered in time,
 * nothing was charged twice, nothing was served that is not on record, and the account goes on.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT } from "../../scripts/tools.mjs";
import { eventually, sleep, startGateway } from "./harness.mjs";
import { journal, operations, verify } from "./journal.mjs";

const GRANTED = 200_000;
/** A request answered later than this hung, in ms: an account has 5 s for each of two attempts. */
const ANSWERED_MS = 12_000;

let gateway;
before(async () => (gateway = await startGateway({ gateways: 4, entry: "faults/entry.js" })));
after(() => gateway?.stop());

/** Sends an order to the entry of the tests. */
async function order(faults, index = 0) {
  const text = typeof faults === "string" ? faults : JSON.stringify(faults);
  const answer = await gateway.send(`${gateway.urls[index]}/`, { headers: { "x-fault": text } });
  assert.ok([200, 299].includes(answer.status), answer.text);
  return answer.status === 200 ? JSON.parse(answer.text) : answer.text;
}

/** Load while `disturb` runs; what was answered, how fast, and how often with 200. */
async function load(key, disturb) {
  let done = false;
  const [answers, slowest] = [{}, { ms: 0 }];
  const client = async (number) => {
    for (let n = number; !done; n++) {
      const started = performance.now();
      const url = gateway.urls[n % 4] + (n % 10 === 0 ? "/fail?status=500" : "/words");
      const sent = gateway.send(url, { headers: { "x-api-key": key } });
      const timeout = sleep(ANSWERED_MS).then(() => ({ status: "hung" }));
      const answer = await Promise.race([sent, timeout]);
      slowest.ms = Math.max(slowest.ms, performance.now() - started);
      // What the origin itself answered is no fault of the gateway's.
      const ours = answer.headers?.["edgemeter-operation"] === undefined;
      const status = answer.status === 500 && !ours ? "failed" : answer.status;
      answers[status] = (answers[status] ?? 0) + 1;
      if (answer.status === 503) {
        assert.equal(answer.headers["retry-after"], "1", answer.text);
        await sleep(5);
      }
    }
  };
  const clients = Promise.all(Array.from({ length: 24 }, (_, number) => client(number)));
  // Whatever becomes of the disturbance, the clients end.
  const disturbed = await disturb().finally(() => (done = true));
  await clients;
  return { answers, slowest: slowest.ms, disturbed };
}

/** The laws, once the account is left in peace. */
async function check(account, key, { answers, slowest }, served) {
  assert.equal(answers.hung, undefined, `requests hung: ${JSON.stringify(answers)}`);
  assert.equal(answers[500], undefined, `refused without a word: ${JSON.stringify(answers)}`);
  assert.ok(slowest < ANSWERED_MS);
  const ok = await eventually(async () => (await gateway.call(key)).status === 200, 15_000);
  assert.ok(ok, "the account goes on");
  await gateway.settled(account, { dead: true });
  const { balance, audit } = await gateway.account(account);
  const sum = ["available", "held", "burned", "expired"].map((name) => Number(balance[name]));
  assert.equal(sum.reduce((a, b) => a + b), GRANTED, "granted = available + held + burned");
  assert.equal(audit, "ok");
  const { charged, refunded } = operations(await journal(gateway, account));
  assert.equal(charged - refunded, Number(balance.burned), "every burn is one operation");
  const reached = ((await gateway.origin.counts())["GET /words"] ?? 0) - served;
  const recorded = Number(balance.burned) + Number(balance.unreported);
  assert.ok(reached <= recorded, `${reached} served, ${recorded} burned or on record`);
  await verify(gateway, account);
  const told = `${reached} served, ${balance.burned} burned, ${balance.unreported} unreported`;
  const slow = `slowest ${Math.round(slowest)} ms`;
  console.log(`# ${account}: ${JSON.stringify(answers)}, ${slow}, ${told}`);
}

/** One fault, again and again, on an account of its own. */
async function fault(account, disturb) {
  const { key } = await gateway.fund(account, { price: "1", amount: String(GRANTED) });
  const served = (await gateway.origin.counts())["GET /words"] ?? 0;
  const result = await load(key, () => disturb(account));
  await check(account, key, result, served);
  return result;
}

test("an object that is evicted is rebuilt from what it wrote", async () => {
  await fault("evicted", async (account) => {
    for (let round = 0; round < 12; round++) {
      await sleep(200);
      await order({ account, evict: true });
    }
  });
});

/** The object forgets, and reads: the orders are kept for what it does then. */
async function wake(account) {
  await order({ account, forget: true });
  await sleep(100);
}

/** Keys until a checkpoint is due, a row each; those that fail are no matter. */
async function manyRows(account, round) {
  const create = (n) =>
    gateway.api("POST", `/v1/accounts/${account}/keys`, { id: `k${round}x${n}` });
  for (let n = 0; n < 130; n += 10) {
    await Promise.all(Array.from({ length: 10 }, (_, i) => create(n + i).catch(() => {})));
  }
}

for (const [kind, matches] of [
  ["throw-before", "INSERT INTO journal"],
  ["throw-after", "INSERT INTO journal"],
  ["throw-before", "INSERT INTO checkpoint"],
  ["throw-after", "INSERT INTO checkpoint"],
  ["throw-before", "FROM segment"],
  ["panic-before", "INSERT INTO journal"],
  ["panic-after", "INSERT INTO journal"],
  ["panic-after", "INSERT INTO checkpoint"],
]) {
  const [what, when] = kind.split("-");
  const name = `${what}s-${when}-${matches.split(" ").at(-1).toLowerCase()}`;
  test(`${what} ${when} ${matches}`, async () => {
    // Checkpoints are rare: each of them fails.
    const every = matches.endsWith("journal") ? 7 : 1;
    const { disturbed } = await fault(name, async (account) => {
      let done = 0;
      for (let round = 0; round < 6; round++) {
        // An object that panicked is a new one, but its faults are the class's: ordered anew.
        done += (await order({ account, kind, matches, every })).done ?? 0;
        await sleep(300);
        // Saved states are read when the object wakes up, and written every 256 rows.
        if (matches.includes("segment")) await wake(account);
        if (matches.endsWith("checkpoint")) await manyRows(account, round);
      }
      return done + ((await order({ account })).done ?? 0);
    });
    assert.ok(disturbed > 0, "no statement failed");
  });
}

test("an isolate whose wasm traps has a new one with the next request", async () => {
  await fault("trapped", async () => {
    for (let round = 0; round < 16; round++) {
      await sleep(150);
      assert.match(await order("trap", round % 4), /RuntimeError|memory access|unreachable/);
    }
  });
});

test("the shipped Worker takes no orders", () => {
  const shipped = readFileSync(join(ROOT, "build", "gateway.js"), "utf8");
  for (const word of ["x-fault", "as ordered", "evict"]) assert.ok(!shipped.includes(word), word);
});
