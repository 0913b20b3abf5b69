/**
 * One byte of an account's database is changed while workerd is stopped: the live audit finds it
 * and says where. A damaged checkpoint or segment costs nothing but time, the rows are the truth; a
 * damaged row that is needed to wake up closes the account.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT } from "../../scripts/tools.mjs";
import { sql as select } from "./database.mjs";
import { OPERATOR_TOKEN, startGateway } from "./harness.mjs";
import { journal, verify } from "./journal.mjs";

const ACCOUNT = "damaged";
/** Enough for a segment and a checkpoint after it: 4 MB of rows of 30 kB, and some. */
const REPORTS = 190;
const PER_REPORT = 1_500;

let gateway;
before(async () => {
  gateway = await startGateway({ entry: "faults/entry.js" });
  await gateway.fund(ACCOUNT, { price: "1", amount: "10000000" });
  await fill();
});
after(() => gateway?.stop());

/** Sends a message to the account's object. */
async function send(message) {
  const order = JSON.stringify({ account: ACCOUNT, message: JSON.stringify(message) });
  const { text } = await gateway.send(`${gateway.urls[0]}/`, { headers: { "x-fault": order } });
  const reply = JSON.parse(JSON.parse(text));
  assert.ok(reply.ok, text);
  return reply.ok;
}

/** Reports of thousands of operations each, as a busy isolate sends them. */
async function fill() {
  const lease = { lease: "test.l1", rate: "100000", cost: "1" };
  await send({ control: { v: 1, wish: { ...lease, seq: 1 } } });
  for (let n = 0; n < REPORTS; n++) {
    const from = n * PER_REPORT;
    await send({ fill: { lease: "test.l1", from, count: PER_REPORT, seq: n + 2 } });
  }
}

const sql = (statement) => select(gateway, statement);

/** Stops everything, changes what `change` says, starts, and undoes it after `look`. */
async function damaged({ table, column, n }, look) {
  await gateway.kill();
  const where = `FROM ${table} WHERE n = ${n}`;
  const [{ value }] = sql(`SELECT ${column} AS value ${where}`);
  const set = (text) => sql(`UPDATE ${table} SET ${column} = ${text} WHERE n = ${n}`);
  const middle = Math.floor(String(value).length / 2);
  const changed = typeof value === "number"
    ? value + 1
    : value.slice(0, middle) + (value[middle] === "1" ? "2" : "1") + value.slice(middle + 1);
  const quoted = (of) => (typeof of === "number" ? of : `'${of.replaceAll("'", "''")}'`);
  set(quoted(changed));
  await gateway.restart();
  try {
    await look();
  } finally {
    await gateway.kill();
    set(quoted(value));
    await gateway.restart();
  }
}

/** The first problem of the audit, part by part. */
async function fault() {
  for (let from = 1; from; ) {
    const path = `/v1/accounts/${ACCOUNT}/verify?from=${from}`;
    const { status, json } = await gateway.api("GET", path);
    if (status !== 200) return { status, ...json };
    from = json.next;
  }
  return undefined;
}

test("an account that is sound says so, segment by segment", async () => {
  const parts = await verify(gateway, ACCOUNT);
  assert.equal(parts.length, 2);
  const { journal_rows, journal_hash } = await gateway.account(ACCOUNT);
  assert.deepEqual([parts.at(-1).to, parts.at(-1).hash], [journal_rows, journal_hash]);
  assert.equal(parts[0].hash, parts[1].hash_before);
  const operations = parts.reduce((sum, part) => sum + part.operations, 0);
  assert.equal(operations, REPORTS * PER_REPORT);
});

test("an export is what `edgemeter verify` takes", async () => {
  const { text, headers } = await gateway.send(
    `${gateway.urls[0]}/v1/accounts/${ACCOUNT}/export`,
    { headers: { authorization: `Bearer ${OPERATOR_TOKEN}` } },
  );
  const rows = await journal(gateway, ACCOUNT);
  assert.equal(String(rows.length), headers["edgemeter-journal-rows"]);
  assert.equal(rows.at(-1).hash, headers["edgemeter-journal-hash"]);
  const file = join(gateway.dir, "export.jsonl");
  writeFileSync(file, text);
  const cargo = ["run", "--locked", "--quiet", "--features", "cli", "--", "verify", file];
  const hash = ["--expect-hash", headers["edgemeter-journal-hash"]];
  const told = execFileSync("cargo", [...cargo, ...hash], { cwd: ROOT, encoding: "utf8" });
  assert.match(told, new RegExp(`operations +${REPORTS * PER_REPORT}\n`));
});

test("a changed row, segment or checkpoint is found by number", async () => {
  await gateway.kill();
  const [{ n: segment }] = sql("SELECT n FROM segment");
  const [{ n: checkpoint }] = sql("SELECT n FROM checkpoint");
  const [{ n: last }] = sql("SELECT max(n) AS n FROM journal");
  await gateway.restart();
  assert.ok(segment > 10 && checkpoint > segment && last >= checkpoint);

  const { balance } = await gateway.account(ACCOUNT);
  const cases = [
    ["journal", "body", 9, "journal_damaged", 9],
    ["journal", "hash", 9, "journal_damaged", 9],
    ["journal", "at", 9, "journal_damaged", 9],
    ["journal", "body", segment, "journal_damaged", segment],
    ["journal", "body", last - 1, "journal_damaged", last - 1],
    ...["hash", "operations", "bytes", "state", "seal"].flatMap((column) => [
      ["segment", column, segment, "segment_damaged", segment],
      ["checkpoint", column, checkpoint, "checkpoint_damaged", checkpoint],
    ]),
  ];
  for (const [table, column, n, code, row] of cases) {
    await damaged({ table, column, n }, async () => {
      const name = `${table}.${column} ${n}`;
      const { status, ...found } = await fault();
      assert.deepEqual([status, found.code, found.row], [500, code, row], name);
      const { status: alive, json } = await gateway.api("GET", `/v1/accounts/${ACCOUNT}`);
      // A row that no waking account reads may be damaged and the account still knows itself.
      const closed = table === "journal" && n > checkpoint;
      assert.equal(alive, closed ? 503 : 200, name);
      if (!closed) assert.deepEqual(json.balance, balance, name);
      else assert.match(gateway.output(), /account closed: its journal is damaged: row/);
    });
  }
  assert.equal(await fault(), undefined, "all is as it was");
});

test("missing rows and states are found, and what is left is used", async () => {
  const { balance } = await gateway.account(ACCOUNT);
  await gateway.kill();
  const [{ n: segment }] = sql("SELECT n FROM segment");
  // Without any state the whole journal is replayed.
  sql("DELETE FROM checkpoint");
  await gateway.restart();
  assert.deepEqual((await gateway.account(ACCOUNT)).balance, balance);
  assert.equal(await fault(), undefined);
  await gateway.kill();
  sql(`UPDATE segment SET state = '{}' WHERE n = ${segment}`);
  await gateway.restart();
  assert.deepEqual((await gateway.account(ACCOUNT)).balance, balance);
  assert.deepEqual((await fault()).code, "segment_damaged");
  await gateway.kill();
  // A row in the middle: a journal cut at its end is whole in itself.
  sql("DELETE FROM checkpoint");
  sql(`DELETE FROM journal WHERE n = ${segment + 1}`);
  await gateway.restart();
  assert.equal((await gateway.api("GET", `/v1/accounts/${ACCOUNT}`)).status, 503);
});
