/**
 * Statements and invoices, on workerd: what was used is what is billed, periods close by themselves
 * and once, whatever happens around them, and what was finalized stays as it was.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { native } from "../parity/builds.mjs";
import { calls, told, words } from "./events.mjs";
import { eventually, OPERATOR_TOKEN, ROUTES, sleep, startGateway } from "./harness.mjs";
import { journal, verify } from "./journal.mjs";

let gateway;
before(async () => (gateway = await startGateway({ entry: "faults/entry.js" })));
after(() => gateway?.stop());

const DAY = 86_400_000;
const { post, order } = calls(() => gateway);
const tier = (up_to, unit_price) => ({ up_to, unit_price });
const daysAgo = (days) => new Date(Date.now() - days * DAY).toISOString().slice(0, 10);

/** Words in credits, seconds in dollars by tiers, a fee at the end and, if asked for, one ahead. */
function plan(version, { price = "1", period = "P1M", ahead } = {}) {
  const fee = (id, amount, timing) => ({ id, amount, unit: "currency", timing });
  return {
    id: "billed",
    version,
    currency: "USD",
    period,
    charges: [
      { id: "words", unit: "credits", price: { model: "per_unit", unit_price: price } },
      {
        id: "seconds",
        unit: "currency",
        price: { model: "graduated", tiers: [tier("10", "0.015"), tier(null, "0.01")] },
      },
    ],
    fees: [fee("support", "7", "arrears"), ...(ahead ? [fee("access", ahead, "advance")] : [])],
    credits: {
      value: "0.05",
      burn_order: "standard",
      rollover: "none",
      at_zero: { overage: { unit_price: "0.06" } },
      grants: [{ id: "free", amount: "20", every: "P1M" }],
    },
  };
}

async function open(id, version, options = {}, terms = {}) {
  await gateway.must("POST", "/v1/plans", plan(version, options));
  await gateway.must("PUT", "/v1/routes", ROUTES);
  const contract = { plan: "billed", version, ...terms };
  const account = await gateway.must("POST", "/v1/accounts", { id, contract });
  const { key } = await gateway.must("POST", `/v1/accounts/${id}/keys`, {});
  return { account, key };
}

const read = (id, path) => gateway.must("GET", `/v1/accounts/${id}/${path}`);
const seconds = (account, id, quantity) => words(account, id, quantity, { type: "seconds" });
const closes = async (id) =>
  (await journal(gateway, id)).flatMap((row) =>
    row.entries.filter((entry) => entry.kind === "period_closed").map((entry) => [row, entry]),
  );

/** The finalized invoice, checked against its hash and the journal's. */
async function finalized(id, index) {
  const { status, text } = await gateway.api("GET", `/v1/accounts/${id}/invoices/${index}`);
  assert.equal(status, 200, text);
  const { row: sealed, hash } = JSON.parse(text);
  const kept = text.replace(`,"row":${sealed},"hash":"${hash}"}`, "}");
  assert.equal(createHash("sha256").update(kept).digest("hex"), hash);
  const [row, entry] = (await closes(id)).find(([, { closed }]) => closed.index === index);
  assert.deepEqual(entry.closed, { index, invoice: hash, row: row.n });
  return { text, ...JSON.parse(text) };
}

test("the statement is what was used, and its preview what a question is answered", async () => {
  const { key } = await open("used", 1);
  assert.deepEqual(await gateway.load(key, { total: 12, connections: 4 }), { 200: 12 });
  assert.deepEqual(told(await post([seconds("used", "1", 8), seconds("used", "2", 7)])), [
    "taken",
    "taken",
  ]);
  await eventually(async () => (await gateway.settled("used")).burned === "12");
  const statement = await read("used", "statement");
  const { journal_rows, journal_hash, balance, contract } = await gateway.account("used");
  const range = { after: 0, terms: 0, rows: journal_rows, hash: journal_hash };
  assert.deepEqual(statement.journal, range);
  assert.deepEqual(statement.balance, balance);
  const [stretch] = statement.stretches;
  assert.deepEqual(stretch.usage, { seconds: { total: "15" }, words: { total: "12" } });
  assert.deepEqual([statement.stretches.length, stretch.covered], [1, "12"]);
  const { start, end: until, first } = statement.period;
  assert.deepEqual([stretch.from, stretch.until, first], [start, until, contract.from]);
  assert.deepEqual(
    statement.grants.map(({ of_plan, burned, left }) => [of_plan, burned, left]),
    [["free", "12", "8"]],
  );

  const preview = await read("used", "invoices/preview");
  const question = {
    plan: plan(1),
    usage: stretch.usage,
    invoice: { account: "used", contract: "used", from: contract.from },
  };
  const { ask } = await native();
  const [answer] = (await ask([JSON.stringify(question)])).map((text) => JSON.parse(text));
  const { id, ahead, ...invoice } = preview.invoice;
  const { id: asked, ahead: nothing, ...expected } = answer.invoice;
  assert.deepEqual(invoice, expected);
  assert.deepEqual([id, ahead.index, nothing], [{ ...asked, opens: 1 }, 1, null]);
  assert.deepEqual(
    preview.charges.map(({ charge, running, closing }) => [charge, running, closing]),
    answer.charges.map(({ explanation, running, closing }, index) => [
      plan(1).charges[index].id,
      running,
      closing,
    ]),
  );
  assert.deepEqual(preview.invoice.totals.total, "7.20", "7 and 10 × 0.015 + 5 × 0.01");
});

test("a change of plan begins a stretch, and each is billed for its own use", async () => {
  const { key } = await open("changed", 2);
  await gateway.must("POST", "/v1/plans", plan(3, { price: "4" }));
  const served = async (total, burned) => {
    await gateway.load(key, { total, connections: 1 });
    await eventually(async () => (await gateway.settled("changed")).burned === burned);
  };
  await served(3, "3");
  await gateway.must("POST", "/v1/accounts/changed/contract", { plan: "billed", version: 3 });
  await post([seconds("changed", "1", 2)]);
  // Isolates hear of the new price with the next answer of the account.
  await eventually(async () => (await gateway.call(key)).headers["edgemeter-cost"] === "4");
  await gateway.settled("changed");
  const { stretches, grants, period } = await read("changed", "statement");
  assert.deepEqual(
    stretches.map(({ plan: { version }, from, until }) => [version, from, until]),
    [
      [2, period.start, stretches[1].from],
      [3, stretches[1].from, period.end],
    ],
  );
  const [before, later] = stretches.map(({ usage }) => Number(usage.words.total));
  assert.deepEqual(stretches[1].usage.seconds, { total: "2" });
  assert.equal(grants[0].burned, String(before + 4 * later));
  assert.deepEqual(stretches.map(({ covered }) => covered), [`${before}`, `${4 * later}`]);
  const { charges, invoice } = await read("changed", "invoices/preview");
  assert.deepEqual(
    charges.map(({ stretch, charge, running }) => [stretch, charge, running]),
    [
      [0, "words", `${before}`],
      [0, "seconds", "0"],
      [1, "words", `${4 * later}`],
      [1, "seconds", "0.03"],
    ],
  );
  assert.equal(invoice.totals.total, "7.03", "the fee's parts are one fee");
});

test("periods that were over close in order, and what is ahead is billed once", async () => {
  const { key } = await open("past", 4, { period: "P1D", ahead: "2" }, { from: daysAgo(3) });
  const { invoices, next } = await read("past", "invoices");
  assert.equal(next, undefined);
  assert.deepEqual(
    invoices.map(({ index, first, until, total, due, status }) => [
      index,
      first,
      until,
      total,
      due,
      status,
    ]),
    [2, 1, 0].map((index) => {
      // The first one bills its own day's access as well as the next one's.
      const total = index === 0 ? "11.00" : "9.00";
      return [index, daysAgo(3 - index), daysAgo(2 - index), total, total, "finalized"];
    }),
  );
  const { period, billed_ahead, journal: range } = await read("past", "statement");
  assert.deepEqual([period.index, period.first], [3, daysAgo(0)]);
  assert.deepEqual(billed_ahead.map(({ id, amount }) => [id, amount]), [["access", "2"]]);
  assert.equal(range.after, (await closes("past")).at(-1)[0].n);
  assert.equal((await gateway.call(key)).status, 200);
  for (const { index, hash } of invoices) {
    assert.equal((await finalized("past", index)).hash, hash);
  }
  assert.deepEqual((await read("past", "invoices?before=1")).invoices, [invoices[2]]);
  await verify(gateway, "past");
});

test("a period closes at its end without a visit", async () => {
  const midnight = (Math.floor(Date.now() / DAY) + 1) * DAY;
  await order({ shift: midnight - Date.now() - 2_500 });
  await open("alarm", 9, { period: "P1D" });
  assert.deepEqual(await closes("alarm"), []);
  // Reading the journal is no visit.
  const [[row, { closed }]] = await eventually(async () => {
    const found = await closes("alarm");
    return found.length > 0 && found;
  }, 20_000);
  assert.deepEqual([row.at, closed.index], [midnight, 0], "decided at the boundary itself");
  await order({ shift: 0 });
});

test("a finalized invoice is what the last preview said, and stays as it was", async () => {
  const { key } = await open("final", 5);
  await gateway.load(key, { total: 25, connections: 2 });
  await eventually(async () => (await gateway.settled("final")).burned === "20");
  const { period } = await read("final", "statement");
  const preview = await read("final", "invoices/preview");
  assert.deepEqual(
    preview.invoice.lines.map(({ id, amount }) => [id, amount]),
    [
      ["words", "0.00"],
      ["seconds", "0.00"],
      ["support", "7.00"],
      ["overage", "0.30"],
    ],
  );
  await order({ shift: period.end - Date.now() - 1_000 });
  assert.equal((await read("final", "statement")).period.index, 0);
  await order({ shift: period.end - Date.now() + DAY });
  const { balance, ...now } = await read("final", "statement");
  const [[row]] = await closes("final");
  assert.equal(row.at, period.end, "decided at the boundary itself");
  const first = await finalized("final", 0);
  const { invoice } = first.bill;
  assert.deepEqual(invoice.status, { state: "finalized", at: period.end });
  assert.deepEqual(invoice.lines, preview.invoice.lines);
  assert.deepEqual(invoice.totals, preview.invoice.totals);
  assert.deepEqual(first.statement.stretches[0].usage, { words: { total: "25" } });
  const { period: next, stretches } = now;
  assert.deepEqual([next.index, stretches[0].usage, balance.overage], [1, {}, "0"]);
  assert.deepEqual(await gateway.load(key, { total: 3, connections: 1 }), { 200: 3 });
  await order({ account: "final", evict: true });
  await order({ shift: next.end - Date.now() + 40 * DAY });
  assert.equal((await read("final", "invoices")).invoices.length, 3);
  assert.equal((await finalized("final", 0)).text, first.text);
  assert.deepEqual((await closes("final")).map(([, { closed }]) => closed.index), [0, 1, 2]);
  await verify(gateway, "final");
  await order({ shift: 0 });
});

test("workerd is killed around the closes, and each period is closed once", async () => {
  const names = Array.from({ length: 4 }, (_, i) => `killed-${i}`);
  await gateway.must("POST", "/v1/plans", plan(6, { period: "P1D", ahead: "1" }));
  for (const [i, id] of names.entries()) {
    const contract = { plan: "billed", version: 6, from: daysAgo(200) };
    const opening = gateway.api("POST", "/v1/accounts", { id, contract }).catch(() => undefined);
    await sleep(30 + 45 * i);
    await gateway.kill();
    await opening;
    await gateway.restart();
    // The call is repeated, as a caller would.
    await gateway.must("POST", "/v1/accounts", { id, contract });
  }
  for (const id of names) {
    const { audit } = await gateway.account(id);
    const indexes = (await closes(id)).map(([, { closed }]) => closed.index);
    assert.deepEqual(indexes, Array.from({ length: 200 }, (_, i) => i), id);
    const { invoices, next } = await read(id, "invoices");
    assert.deepEqual([invoices.length, invoices[0].index, next, audit], [100, 199, 100, "ok"]);
    const { invoices: older } = await read(id, `invoices?before=${next}`);
    assert.deepEqual(older.map(({ index }) => index), indexes.slice(0, 100).reverse());
    const kept = await finalized(id, 123);
    assert.equal(kept.bill.invoice.totals.total, "8.00");
    await verify(gateway, id);
  }
});

test("without a currency there is a bill in credits, and why it is no invoice", async () => {
  const { key } = await gateway.fund("credits", { price: "2", amount: "100" });
  await gateway.load(key, { total: 3, connections: 1 });
  await eventually(async () => (await gateway.settled("credits")).burned === "6");
  const { invoice, no_invoice, charges, grants } = await read("credits", "invoices/preview");
  assert.deepEqual([invoice, no_invoice.code], [null, "invoice_no_currency"]);
  assert.deepEqual([charges[0].running, grants[0].burned, grants[0].left], ["6", "6", "94"]);
  const { period } = await read("credits", "statement");
  await order({ shift: period.end - Date.now() + 1 });
  const { invoices } = await read("credits", "invoices");
  const [{ index, total, due, currency, status }] = invoices;
  assert.deepEqual([index, total, due, currency, status], [0, null, null, null, "none"]);
  const { bill } = await finalized("credits", 0);
  assert.deepEqual([bill.invoice, bill.no_invoice.code], [null, "invoice_no_currency"]);
  assert.equal(bill.charges[0].running, "6");
  // While its reason stands, a period without an invoice is not billed.
  const retry = (id, at) => gateway.api("POST", `/v1/accounts/${id}/invoices/${at}/retry`);
  const { status: code, json } = await retry("credits", 0);
  assert.deepEqual([code, json.code], [409, "invoice_no_currency"]);
  for (const at of [1, 7]) assert.equal((await retry("credits", at)).status, 404);
  assert.equal((await retry("credits", "x")).status, 422);
  await order({ shift: 0 });
  // One that has an invoice keeps it, and nothing is written.
  const [line] = (await read("final", "invoices?before=1")).invoices;
  const rows = (await journal(gateway, "final")).length;
  const again = await retry("final", 0);
  assert.deepEqual([again.status, again.json], [200, line]);
  assert.equal((await journal(gateway, "final")).length, rows);
});

test("a clock that jumps closes 400 periods a call, and then what it was asked", async () => {
  const { account } = await open("jumped", 9, { period: "P1D" });
  const first = Date.parse(`${account.contract.from}T00:00:00Z`);
  await order({ shift: first + 1_000 * DAY + DAY / 2 - Date.now() });
  const counts = [];
  for (let tries = 0; tries < 20; tries += 1) {
    const { status, json } = await gateway.api("GET", "/v1/accounts/jumped/statement");
    if (status === 200) {
      assert.equal(json.period.index, 1_000);
      break;
    }
    // An alarm may have gone on with it meanwhile.
    assert.deepEqual([status, json.code, json.retryable], [503, "periods_closing", true]);
    counts.push(1);
  }
  assert.ok(counts.length <= 2, `${counts.length} calls were told to come again`);
  const indexes = (await closes("jumped")).map(([, { closed }]) => closed.index);
  assert.deepEqual(indexes, Array.from({ length: 1_000 }, (_, i) => i));
  await verify(gateway, "jumped");
  await order({ shift: 0 });
});

test("contracts keep their terms; by hand there is no statement", async () => {
  const zone = { name: "Asia/Tokyo", offset: 540 };
  const { account } = await open("tokyo", 7, {}, { zone, from: daysAgo(1) });
  const from = daysAgo(1);
  assert.deepEqual(account.contract, { from, zone, every: "P1M", periods: "scheduled" });
  const { contract, period } = await read("tokyo", "statement");
  assert.deepEqual(contract, { id: "tokyo", from: daysAgo(1), zone });
  assert.equal(period.start, Date.parse(`${daysAgo(1)}T00:00:00+09:00`));
  const again = (more) =>
    gateway.api("POST", "/v1/accounts", {
      id: "tokyo",
      contract: { plan: "billed", version: 7, ...more },
    });
  assert.equal((await again({ zone, from: daysAgo(1) })).status, 200);
  assert.equal((await again({ zone })).status, 200);
  for (const more of [{}, { zone, from: daysAgo(2) }, { zone, periods: "operator" }]) {
    const { status, json } = await again(more);
    assert.deepEqual([status, json.code], [409, "account_exists"]);
  }
  await gateway.must("POST", "/v1/plans", plan(8, { period: "P1W" }));
  const weekly = { plan: "billed", version: 8 };
  const changed = await gateway.api("POST", "/v1/accounts/tokyo/contract", weekly);
  assert.deepEqual([changed.status, changed.json.code], [409, "period_differs"]);
  const euro = { ...plan(10), currency: "EUR" };
  await gateway.must("POST", "/v1/plans", euro);
  const abroad = await gateway.api("POST", "/v1/accounts/tokyo/contract", {
    plan: "billed",
    version: 10,
  });
  const { code, field, detail } = abroad.json;
  assert.deepEqual([abroad.status, code, field], [409, "currency_differs", "/plan"]);
  assert.match(detail, /EUR.*USD.*publish a version/);
  const path = "periods/close";
  const close = (id) => gateway.api("POST", `/v1/accounts/${id}/${path}`, { id: "now" });
  const refused = await close("tokyo");
  assert.deepEqual([refused.status, refused.json.code], [409, "periods_scheduled"]);

  await open("by-hand", 7, {}, { periods: "operator" });
  assert.equal((await close("by-hand")).status, 200);
  for (const path of ["statement", "invoices/preview"]) {
    const { status, json } = await gateway.api("GET", `/v1/accounts/by-hand/${path}`);
    assert.deepEqual([status, json.code], [409, "periods_by_operator"], path);
  }
  // An account from before there were contracts has no table of invoices.
  await order({ account: "by-hand", kind: "throw", matches: "FROM invoice" });
  const old = await gateway.api("GET", "/v1/accounts/by-hand/statement");
  assert.deepEqual([old.status, old.json.code], [409, "periods_by_operator"]);
  assert.match(old.json.detail, /open accounts with/);
  assert.deepEqual(await read("by-hand", "invoices"), { invoices: [] });
  assert.equal((await gateway.api("GET", "/v1/accounts/by-hand/invoices/0")).status, 404);
  await order({ account: "by-hand" });
});

test("a portal token reads its own account's, and nobody else's", async () => {
  const paths = ["statement", "invoices", "invoices/preview", "invoices/0"];
  const { token } = await gateway.must("POST", "/v1/accounts/past/portal-tokens", {});
  const got = (account, path, bearer) =>
    gateway.send(`${gateway.urls[0]}/v1/accounts/${account}/${path}`, {
      headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` },
    });
  for (const path of paths) {
    const own = await got("past", path, token);
    assert.deepEqual([own.status, own.headers["cache-control"]], [200, "no-store"], path);
    assert.equal((await got("used", path, token)).status, 403, path);
    assert.equal((await got("past", path)).status, 401, path);
    assert.equal((await got("past", path, `${token.slice(0, -1)}!`)).status, 401, path);
    assert.equal((await got("nobody", path, OPERATOR_TOKEN)).status, 404, path);
  }
  for (const [path, status] of [
    ["invoices/9", 404],
    ["invoices/-1", 422],
    ["invoices/x", 422],
    ["invoices?before=x", 422],
  ]) {
    assert.equal((await got("past", path, token)).status, status, path);
  }
});
