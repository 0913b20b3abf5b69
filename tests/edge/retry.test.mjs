/**
 * A period that was closed without an invoice is billed later, on workerd: its row is found as an
 * older version would have left it, which could not bill what this one can.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { chainAnew, sql } from "./database.mjs";
import { calls, words } from "./events.mjs";
import { startGateway } from "./harness.mjs";
import { journal, verify } from "./journal.mjs";

const ACCOUNT = "late";
const fee = (id, amount, timing) => ({ id, amount, unit: "currency", timing });
const PLAN = {
  id: "late",
  version: 1,
  currency: "USD",
  period: "P1M",
  charges: [
    { id: "seconds", unit: "currency", price: { model: "per_unit", unit_price: "0.25" } },
    { id: "words", unit: "credits", price: { model: "per_unit", unit_price: "1" } },
  ],
  fees: [fee("support", "7", "arrears"), fee("access", "9", "advance")],
  credits: { value: "0.05", burn_order: "standard", rollover: "none", at_zero: "block" },
};

let gateway;
before(async () => {
  gateway = await startGateway({ entry: "faults/entry.js" });
  await gateway.must("POST", "/v1/plans", PLAN);
  const contract = { plan: PLAN.id, version: PLAN.version };
  await gateway.must("POST", "/v1/accounts", { id: ACCOUNT, contract });
});
after(() => gateway?.stop());

const { post, order } = calls(() => gateway);
const read = (path) => gateway.must("GET", `/v1/accounts/${ACCOUNT}/${path}`);
const sha256 = (text) => createHash("sha256").update(text).digest("hex");

/** A kept invoice's text, without what tells where its hash stands. */
async function kept(index) {
  const { status, text, json } = await gateway.api(
    "GET",
    `/v1/accounts/${ACCOUNT}/invoices/${index}`,
  );
  assert.equal(status, 200, text);
  const { row, hash, bill } = json;
  const whole = text.replace(`,"row":${row},"hash":"${hash}"}`, "}");
  assert.equal(sha256(whole), hash);
  return { whole, row, hash, bill };
}

/** Takes the invoice off the kept period, in its row and in the journal's, chained anew. */
function unbilled({ whole, row, hash, bill }) {
  const none = { ...bill, invoice: null, no_invoice: { code: "plan_unread", message: "no" } };
  const body = whole.replace(/"bill":.*$/s, `"bill":${JSON.stringify(none)}}`);
  const [{ summary }] = sql(gateway, "SELECT summary FROM invoice");
  const line = { ...JSON.parse(summary), total: null, due: null, currency: null, status: "none" };
  line.hash = sha256(body);
  sql(gateway, "UPDATE invoice SET body = ?, fees = '[]', summary = ?", body, JSON.stringify(line));
  const swap = "UPDATE journal SET body = replace(body, ?, ?) WHERE n = ?";
  sql(gateway, swap, hash, line.hash, row);
  chainAnew(gateway);
  sql(gateway, "DELETE FROM checkpoint");
  return line;
}

test("a period without an invoice is billed once, and fees ahead not twice", async () => {
  const used = words(ACCOUNT, "1", 30, { type: "seconds" });
  assert.equal((await post([used])).status, 200);
  const { period } = await read("statement");
  const shift = period.end - Date.now() + 1;
  await order({ shift });
  const [billed] = (await read("invoices")).invoices;
  // 30 × 0.25, the fee of this period's end, and those ahead of it and of the next one.
  assert.deepEqual([billed.index, billed.total], [0, "32.50"]);
  const first = await kept(0);

  await gateway.kill();
  const line = unbilled(first);
  await gateway.restart();
  await order({ shift });
  assert.deepEqual((await read("invoices")).invoices, [line]);
  assert.equal((await kept(0)).bill.invoice, null);
  const rows = await journal(gateway, ACCOUNT);

  const path = `/v1/accounts/${ACCOUNT}/invoices/0/retry`;
  assert.deepEqual(await gateway.must("POST", path, {}), billed, "as it was billed at first");
  const again = await kept(0);
  assert.equal(again.whole, first.whole, "from what was kept and nothing else");
  assert.deepEqual((await read("invoices")).invoices, [billed]);
  const told = (await journal(gateway, ACCOUNT)).slice(rows.length);
  const closed = { index: 0, invoice: billed.hash, row: again.row };
  assert.deepEqual(told.map(({ n, entries }) => [n, entries]), [
    [again.row, [{ kind: "period_billed", closed }]],
  ]);
  // Once: the same again changes nothing.
  assert.deepEqual(await gateway.must("POST", path, {}), billed);
  assert.equal((await journal(gateway, ACCOUNT)).length, rows.length + 1);
  await verify(gateway, ACCOUNT);

  // The open period's fee ahead is on the invoice that was made late, so not on its own: there is
  // the one at its end, and the next one's ahead.
  const preview = await read("invoices/preview");
  assert.equal(preview.invoice.totals.total, "16.00");
  await gateway.kill();
  await gateway.restart();
  assert.equal((await kept(0)).whole, first.whole, "it was written");
  await verify(gateway, ACCOUNT);
});
