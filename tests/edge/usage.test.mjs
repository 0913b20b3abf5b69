/**
 * Usage by time and dimension, and the check of a bill, on workerd: what was called is what is
 * told, digit for digit, page by page; and a bill of everything at once is clean, by the command
 * line and by the page's own wasm.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { run } from "../../scripts/processes.mjs";
import { ROOT, TARGET } from "../../scripts/tools.mjs";
import { calls, told, words } from "./events.mjs";
import { eventually, OPERATOR_TOKEN, startGateway } from "./harness.mjs";

/** EVENTS=880000 CALLS=100000 for the figures. */
const EVENTS = Number(process.env.EVENTS ?? 20_000);
const CALLS = Number(process.env.CALLS ?? 2_000);

let gateway;
before(async () => (gateway = await startGateway()));
after(() => gateway?.stop());

const { post, correct } = calls(() => gateway);
const tier = (up_to, unit_price) => ({ up_to, unit_price });
const price = (model, unit_price) => ({ when: { model }, unit_price });

function plan(version, words = "1") {
  return {
    id: "mixed",
    version,
    currency: "USD",
    meters: [
      { id: "calls", event_type: "call", aggregation: "count" },
      {
        id: "tokens",
        event_type: "call",
        aggregation: "sum",
        property: "/tokens",
        dimensions: { model: "/model" },
      },
    ],
    charges: [
      { id: "words", unit: "credits", price: { model: "per_unit", unit_price: words } },
      {
        id: "calls",
        meter: "calls",
        unit: "credits",
        price: { model: "graduated", tiers: [tier("100", "0.2"), tier(null, "0.13")] },
      },
      {
        id: "tokens",
        meter: "tokens",
        unit: "credits",
        price: { model: "matrix", entries: [price("small", "0.001"), price("large", "0.03")] },
      },
    ],
    fees: [{ id: "access", amount: "29", timing: "arrears" }],
    credits: {
      value: "0.01",
      burn_order: "standard",
      rollover: "none",
      at_zero: { overage: { unit_price: "0.02" } },
      grants: [{ id: "monthly", amount: "50", every: "P1M", kind: "included" }],
    },
  };
}

const ROUTES = {
  unmatched: "refuse",
  routes: [
    { method: "GET", path: "/words", charge: "words", quantity: "1" },
    { method: "POST", path: "/echo", charge: "calls", quantity: "2" },
    { method: "GET", path: "/fail", charge: "words", quantity: "3" },
  ],
};

async function open(id, amount) {
  for (const one of [plan(1), plan(2, "1.5")]) await gateway.must("POST", "/v1/plans", one);
  await gateway.must("PUT", "/v1/routes", ROUTES);
  await gateway.must("POST", "/v1/accounts", { id, contract: { plan: "mixed", version: 1 } });
  const key = async (name) =>
    (await gateway.must("POST", `/v1/accounts/${id}/keys`, { id: name })).key;
  const keys = [await key("k1"), await key("k2")];
  await gateway.must("POST", `/v1/accounts/${id}/grants`, { id: "bought", amount });
  return keys;
}

/** A decimal in units of its twelfth place. */
function units(text) {
  const [, sign, whole, places = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  return BigInt(sign + whole + places.padEnd(12, "0"));
}

const total = (rows, name) => rows.reduce((sum, row) => sum + units(row[name]), 0n);
const count = (rows) => rows.reduce((sum, row) => sum + row.calls, 0);

/** All pages, and how many bytes and milliseconds they took. */
async function usage(id, query) {
  const [rows, figures] = [[], { pages: 0, bytes: 0, ms: 0, slowest: 0 }];
  for (let after = ""; after !== null; ) {
    const begun = performance.now();
    const path = `/v1/accounts/${id}/usage?${query}${after}`;
    const { status, json, text } = await gateway.api("GET", path);
    assert.equal(status, 200, text);
    const ms = performance.now() - begun;
    rows.push(...json.rows);
    figures.pages += 1;
    figures.bytes += text.length;
    figures.ms += ms;
    figures.slowest = Math.max(figures.slowest, ms);
    after = json.next === null ? null : `&after=${json.next}`;
  }
  return { rows, figures };
}

const served = ({ burned, debt, overage, unpaid }) =>
  [burned, debt, overage, unpaid].reduce((sum, amount) => sum + units(amount), 0n);

const call = (subject, id, tokens, model) =>
  words(subject, id, 1, { type: "call", data: { tokens, model } });

/** Everything at once; how many calls and events were counted. */
async function mixed(id) {
  const [first, second] = await open(id, "700");
  const answers = await gateway.load(first, { total: 150, connections: 8 });
  assert.deepEqual(answers, { 200: 150 });
  const headers = { "x-api-key": second };
  const echo = { method: "POST", headers, body: "a" };
  for (let i = 0; i < 30; i++) await gateway.send(`${gateway.urls[0]}/echo`, echo);
  for (let i = 0; i < 5; i++) await gateway.call(second, "/fail");
  const uses = (quantity) => [
    { charge: "calls", quantity: "1" },
    { charge: "tokens", of: { model: "large" }, quantity },
  ];
  const order = (path, body) => gateway.must("POST", `/v1/${path}`, { account: id, ...body });
  const labels = { team: "blue" };
  for (let i = 0; i < 8; i++) {
    const op = `job-${i}`;
    await order("authorize", { op, key: "k1", route: "batch", labels, uses: uses("900") });
    if (i === 7) await order("release", { op });
    else await order("settle", { op, uses: uses(String(100 * i + 7)), estimated: i === 3 });
  }
  const events = Array.from({ length: 60 }, (_, i) =>
    call(id, `e${i}`, i * 10, i % 3 === 0 ? "large" : "small"),
  );
  assert.deepEqual(new Set(told(await post(events))), new Set(["taken"]));
  const named = (event) => ({ source: "/tests", id: event, subject: id });
  const fixes = [
    { id: "fix-1", void: named("e1") },
    { id: "fix-2", amend: call(id, "e2", 5, "large") },
  ];
  assert.equal((await correct(fixes)).status, 200);
  await gateway.must("POST", `/v1/accounts/${id}/contract`, { plan: "mixed", version: 2 });
  assert.deepEqual(await gateway.load(second, { total: 40, connections: 4 }), { 200: 40 });
  assert.equal((await correct([{ id: "fix-3", void: named("e3") }])).status, 200);
  await gateway.settled(id);
  // Calls that failed are told too, and cost nothing in the end.
  return 150 + 30 + 5 + 7 + 60 - 1 + 40 - 1;
}

test("usage is what was called, whatever the step and the dimensions", async () => {
  const counted = await mixed("all");
  const balance = await gateway.balance("all");
  const statement = await gateway.must("GET", "/v1/accounts/all/statement");
  for (const query of [
    "step=all",
    "step=hour&by=charge,route,key",
    "step=day&by=model,team,charge",
    "by=key",
  ]) {
    const { rows } = await usage("all", query);
    assert.equal(total(rows, "credits"), served(balance), query);
    assert.equal(count(rows), counted, query);
  }
  const { rows } = await usage("all", "step=all&by=charge");
  const quantities = Object.fromEntries(rows.map(({ of, quantity }) => [of[0], quantity]));
  for (const charge of ["words", "calls", "tokens"]) {
    const used = statement.stretches.flatMap(({ usage }) => {
      const { total, combinations } = usage[charge] ?? { total: "0" };
      return total === undefined ? combinations.map(([, quantity]) => quantity) : [total];
    });
    const sum = used.reduce((sum, one) => sum + units(one), 0n);
    assert.equal(units(quantities[charge]), sum, charge);
  }
  const teams = (await usage("all", "step=all&by=team,route")).rows;
  assert.equal(teams.find(({ of }) => of.join() === "blue,batch").calls, 7);
  assert.equal((await usage("all", "step=hour&from=5&to=9000")).rows.length, 0);
});

test("what is asked for must make sense, and a page reads its own account alone", async () => {
  await open("asked", "10");
  for (const [query, code] of [
    ["step=week", "step_unknown"],
    ["by=key,key", "dimension_name"],
    ["by=a,b,c,d,e,f,g,h,i", "too_many_dimensions"],
    ["from=yesterday", "not_an_instant"],
    ["after=x", "not_a_number"],
  ]) {
    const { status, json } = await gateway.api("GET", `/v1/accounts/asked/usage?${query}`);
    assert.deepEqual([status, json.code], [422, code], query);
  }
  const path = "/v1/accounts/asked/portal-tokens";
  const { token } = await gateway.must("POST", path, {});
  const read = async (account) => {
    const url = `${gateway.urls[0]}/v1/accounts/${account}/usage`;
    return (await gateway.send(url, { headers: { authorization: `Bearer ${token}` } })).status;
  };
  assert.deepEqual([await read("asked"), await read("all")], [200, 403]);
});

/** Statement, bill and journal, as the page has them. */
async function papers(id) {
  const get = async (path) => {
    const url = `${gateway.urls[0]}/v1/accounts/${id}/${path}`;
    const headers = { authorization: `Bearer ${OPERATOR_TOKEN}` };
    const { status, text } = await gateway.send(url, { headers });
    assert.equal(status, 200, text);
    return text;
  };
  const [statement, bill] = [await get("statement"), await get("invoices/preview")];
  return { statement, bill, journal: await get("export") };
}

test("a bill of everything at once is clean, natively and in the page's wasm", async () => {
  await mixed("checked");
  const { statement, bill, journal } = await papers("checked");
  const files = Object.entries({ statement, bill, journal }).map(([name, text]) => {
    const file = join(gateway.dir, `checked.${name}`);
    writeFileSync(file, text);
    return file;
  });
  await run("cargo", ["build", "--quiet", "--features", "cli", "--bin", "edgemeter"]);
  const program = join(TARGET, "debug", "edgemeter");
  await run(program, ["check", files[2], "--statement", files[0], "--invoice", files[1]]);

  const { BillCheck } = await wasm();
  const rows = journal.split("\n");
  const { hash } = JSON.parse(rows[5]);
  const check = (bytes, ...more) => {
    const one = new BillCheck(statement, bill, ...more);
    assert.equal(one.after, 0);
    for (let at = 0; at < bytes.length; at += 50_000) one.take(bytes.subarray(at, at + 50_000));
    return one.finish();
  };
  const clean = check(Buffer.from(journal), { row: 6, hash });
  assert.deepEqual([clean.clean, clean.findings, clean.seen, clean.billed], [true, [], true, true]);
  assert.equal(clean.currency, "USD");
  assert.ok(clean.operations > 280 && clean.grants >= 2 && clean.stretches === 2);
  const forged = check(Buffer.from(journal.replace('"amount":"700"', '"amount":"600"')));
  assert.equal(forged.findings[0].code, "row_changed");
});

async function wasm() {
  const page = await import("../../www/pkg/bill.js");
  const module_or_path = readFileSync(join(ROOT, "www", "pkg", "bill_bg.wasm"));
  await page.default({ module_or_path });
  return page;
}

test(`${EVENTS} events and ${CALLS} calls: pages add up, a check keeps pace`, async () => {
  const [key] = await open("many", "9000000");
  for (let from = 0; from < EVENTS; from += 1_000) {
    const list = Array.from({ length: 1_000 }, (_, i) => {
      const n = from + i;
      const time = new Date(Date.now() - (n % 24) * 3_600_000).toISOString();
      return { ...call("many", `event-${n}`, n % 900, n % 3 ? "small" : "large"), time };
    });
    const counted = told(await post(list));
    assert.ok(counted.every((what) => what === "taken" || what === "late"));
  }
  assert.deepEqual(await gateway.load(key, { total: CALLS, connections: 64 }), { 200: CALLS });
  const balance = await eventually(() => gateway.settled("many"), 60_000);
  const from = Date.now() - 3 * 86_400_000;
  for (const query of ["step=hour&by=charge", "step=hour&by=charge,route,key,model", "step=day"]) {
    const { rows, figures } = await usage("many", `${query}&from=${from}`);
    assert.equal(total(rows, "credits"), served(balance), query);
    assert.equal(count(rows), EVENTS + CALLS, query);
    console.log(query, JSON.stringify(figures));
  }
  const { statement, bill, journal } = await papers("many");
  const { BillCheck } = await wasm();
  const bytes = Buffer.from(journal);
  const begun = process.cpuUsage();
  const check = new BillCheck(statement, bill);
  for (let at = 0; at < bytes.length; at += 65_536) check.take(bytes.subarray(at, at + 65_536));
  const verdict = check.finish();
  const { user, system } = process.cpuUsage(begun);
  const ms = Math.round((user + system) / 1_000);
  assert.deepEqual(verdict.findings, []);
  assert.equal(verdict.operations, EVENTS + CALLS);
  console.log(`check: ${verdict.operations} operations, ${bytes.length} bytes, ${ms} ms of CPU`);
  assert.ok(ms < 3_000 * Math.max(1, verdict.operations / 100_000), `${ms} ms`);
});
