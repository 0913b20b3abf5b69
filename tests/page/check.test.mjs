/**
 * Check my bill on the page, on the real gateway: a sound journal is told so in one sentence, and
 * one that is changed on its way is found out, with what and where.
 *
 *   CHECKED=100000 node --test tests/page/check.test.mjs    with so many operations
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { MEANINGS } from "../../www/views/findings.js";
import { oracle, startBilled, trace } from "./bills.mjs";
import { startBrowser, withPage } from "./browser.mjs";
import { busy } from "./patience.mjs";

const CHECKED = Number(process.env.CHECKED ?? 100_000);
const CHECK_MS = 3_000;
/** A slice ends with a row: one of a thousand events, on a machine that is busy, and not more. */
const HELD_MS = 200;

let browser;
let billed;
let token;
before(async () => {
  billed = await startBilled();
  token = await billed.open("acme");
  await billed.gateway.must("POST", "/v1/accounts/acme/grants", { id: "gift", amount: "1000" });
  await billed.ingest("acme");
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await billed?.stop();
});

const onCheck = (use, { account = "acme", as = token, ...options } = {}) =>
  withPage(browser, billed.link(account, as, "check"), async (page) => {
    await page.getByRole("button", { name: "Check this bill" }).waitFor();
    await use(page);
  }, options);

/** Checks, and reads what came of it. */
async function verdict(page) {
  await page.getByRole("button", { name: "Check this bill" }).click();
  await page.locator(".verdict").waitFor();
  const sentence = await page.locator(".verdict .sentence").textContent();
  const facts = await page.locator(".verdict > .facts > div").evaluateAll((nodes) =>
    Object.fromEntries(nodes.map((node) => [...node.children].map((of) => of.textContent))));
  return { sentence, facts };
}

/** Rows of the journal, changed by `change` before the page gets them. */
const forged = (change) => (page) => page.route("**/journal?*", async (route) => {
  const response = await route.fetch();
  const rows = (await response.text()).split("\n").filter(Boolean);
  await route.fulfill({ response, body: change(rows).map((row) => `${row}\n`).join("") });
});

test("a sound bill is told in one sentence: rows, operations, the sum", async () => {
  const { invoice } = await billed.asCustomer("acme", token, "invoices/preview");
  const { journal } = await billed.asCustomer("acme", token, "statement");
  await onCheck(async (page) => {
    const { sentence, facts } = await verdict(page);
    assert.ok(sentence.startsWith("Sound: "), sentence);
    assert.ok(sentence.includes(`${await oracle.number(page, `${trace().length}`)} operations`));
    const total = await oracle.money(page, invoice.totals.total);
    assert.ok(sentence.endsWith(`exactly the bill's ${total}.`), sentence);
    assert.equal(facts.Rows, await oracle.number(page, `${journal.rows}`));
    assert.equal(facts["Last row's fingerprint"], journal.hash);
    assert.equal(await page.locator("progress").evaluate((bar) => bar.value), 1);
  });
});

test("a bill that changes each time it is asked for is not said to be compared", async () => {
  const as = await billed.open("restless");
  await billed.gateway.must("POST", "/v1/accounts/restless/grants", { id: "gift", amount: "9" });
  let gifts = 0;
  // Between the statement that a bill is to be compared with and the next one.
  const restless = (page) => page.route("**/invoices/preview", async (route) => {
    const id = `gift-${gifts += 1}`;
    await billed.gateway.must("POST", "/v1/accounts/restless/grants", { id, amount: "1" });
    await route.continue();
  });
  await onCheck(async (page) => {
    const { sentence } = await verdict(page);
    assert.equal(gifts, 3);
    assert.ok(sentence.startsWith("Sound: "), sentence);
    assert.ok(!sentence.includes("bill"), sentence);
    assert.match(sentence, /come to \$[\d.,]+ by the account's statement\.$/);
    await page.getByText("The bill itself was not compared").waitFor();
  }, { account: "restless", as, prepare: restless });
});

test("each code of the core has words for the customer", async () => {
  const source = await readFile(new URL("../../src/check/finding.rs", import.meta.url), "utf8");
  const codes = [...source.matchAll(/=> "([a-z_]+)",/g)].map(([, code]) => code);
  assert.ok(codes.length > 30, `${codes.length} codes`);
  assert.deepEqual(Object.keys(MEANINGS).sort(), codes.sort());
});

/** The journal waits until somebody lets it go on. */
function held() {
  let release;
  const released = new Promise((resolve) => (release = resolve));
  const prepare = (page) => page.route("**/journal?*", async (route) => {
    await released;
    await route.continue().catch(() => {});
  });
  return { prepare, release };
}

test("at its end it leaves the focus to who went on to something else", async () => {
  const { prepare, release } = held();
  await onCheck(async (page) => {
    await page.getByRole("button", { name: "Check this bill" }).press("Enter");
    await page.getByRole("button", { name: "Stop" }).waitFor();
    await page.getByRole("tab", { name: "Check my bill" }).focus();
    release();
    await page.locator(".verdict.sound").waitFor();
    await page.getByRole("button", { name: "Check this bill" }).waitFor();
    const focused = await page.evaluate(() =>
      document.querySelector("edge-meter").shadowRoot.activeElement?.textContent);
    assert.equal(focused, "Check my bill");
  }, { prepare });
});

test("it ends with the element", async () => {
  const { prepare, release } = held();
  await onCheck(async (page) => {
    const asked = page.waitForRequest(/journal\?/);
    await page.getByRole("button", { name: "Check this bill" }).click();
    await asked;
    const given = page.waitForEvent("requestfailed", (request) => /journal\?/.test(request.url()));
    await page.evaluate(() => document.querySelector("edge-meter").remove());
    await given;
    release();
  }, { prepare });
});

test("by keyboard alone, and it can be stopped", async () => {
  const slow = (page) => page.route("**/journal?*", async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await route.continue().catch(() => {});
  });
  await onCheck(async (page) => {
    await page.getByRole("button", { name: "Check this bill" }).press("Enter");
    await page.getByRole("button", { name: "Stop" }).press("Enter");
    await page.getByText("Stopped: nothing was decided.").waitFor();
    await page.unroute("**/journal?*");
    await page.keyboard.press("Enter"); // the focus is back on the first button
    await page.locator(".verdict.sound").waitFor();
  }, { prepare: slow });
});

/** Positions of rows: row n stands at n − 1. */
const [CHANGED, AT] = [3, 2];
const swap = (rows) => rows.with(AT, rows[AT + 1]).with(AT + 1, rows[AT]);
for (const [name, change, code, row] of [
  ["a changed amount", (rows) => rows.with(CHANGED, cheaper(rows[CHANGED])), "row_changed", "4"],
  ["a dropped row", (rows) => rows.toSpliced(AT, 1), "row_missing", "3"],
  ["a repeated row", (rows) => rows.toSpliced(AT, 0, rows[AT]), "row_repeated", "3"],
  ["rows in another order", swap, "row_reordered", "3"],
  ["a journal that ends early", (rows) => rows.filter(isEarly), "journal_cut", "2"],
  ["a line that is none", (rows) => rows.with(AT, rows[AT].slice(0, 40)), "line_unreadable", "3"],
]) {
  test(`found: ${name}`, async () => {
    await onCheck(async (page) => {
      const { sentence, facts } = await verdict(page);
      assert.ok(sentence.startsWith("Not sound: "), sentence);
      assert.deepEqual([facts.Code, facts.Row], [code, row], sentence);
      assert.equal(await page.evaluate(() => localStorage.length), 0, "nothing to remember");
    }, { prepare: forged(change) });
  });
}

const isEarly = (row) => JSON.parse(row).n <= AT;

/** The first quantity or cost that stands in the row, one digit off. */
const cheaper = (row) => row.replace(/"(\d+)\.(\d+)"/, (_, whole, rest) => `"${whole}.${rest}1"`);

test("found: a bill that says something else", async () => {
  const raise = (page) => page.route("**/invoices/preview", async (route) => {
    const response = await route.fetch();
    const bill = await response.json();
    bill.invoice.totals.due = "0.01";
    await route.fulfill({ response, json: bill });
  });
  await onCheck(async (page) => {
    const { facts } = await verdict(page);
    assert.equal(facts.Code, "bill_differs");
  }, { prepare: raise });
});

test("the last row is remembered: a journal that is rewritten later does not pass", async () => {
  await onCheck(async (page) => {
    await verdict(page);
    await page.getByText("This browser saw row").waitFor();
    await verdict(page);
    await page.getByText("The row that this browser saw before is still the same.").waitFor();
    await page.evaluate(() => {
      const [key] = Object.keys(localStorage);
      const seen = JSON.parse(localStorage[key]);
      localStorage[key] = JSON.stringify({ ...seen, hash: "0".repeat(64) });
    });
    await page.reload();
    const { sentence, facts } = await verdict(page);
    assert.equal(facts.Code, "seen_differs");
    assert.ok(sentence.includes("The journal was rewritten"), sentence);
  });
});

test("a finalized invoice is checked with its seal", async () => {
  const account = "older";
  const as = await billed.open(account, { daysAgo: 70 });
  await onCheck(async (page) => {
    await page.locator("#check-bill option").nth(1).waitFor({ state: "attached" });
    await page.locator("#check-bill").selectOption({ index: 1 });
    const { sentence } = await verdict(page);
    assert.ok(sentence.startsWith("Sound: "), sentence);
  }, { account, as });
});

test(`${CHECKED} operations in ${CHECK_MS} ms, and the page stays smooth`, async (t) => {
  const as = await billed.open("busy");
  const times = Math.ceil(CHECKED / trace().length);
  const operations = await billed.ingest("busy", times);
  await onCheck(async (page) => {
    await page.evaluate(() => {
      window.held = [];
      new PerformanceObserver((list) => window.held.push(...list.getEntries()))
        .observe({ type: "longtask" });
    });
    const { sentence } = await verdict(page);
    assert.ok(sentence.includes(await oracle.number(page, `${operations}`)), sentence);
    const [took] = await page.evaluate(() =>
      performance.getEntriesByName("edge-meter:check").map(({ duration }) => duration));
    const held = await page.evaluate(() =>
      Math.max(0, ...window.held.map(({ duration }) => duration)));
    t.diagnostic(`${operations} operations: ${took.toFixed(0)} ms, longest task ${held} ms`);
    assert.ok(took < CHECK_MS * busy(), `${took} ms`);
    assert.ok(held < HELD_MS * busy(), `the page was held up for ${held} ms`);
  }, { account: "busy", as });
});

test("it fits 360 pixels", async () => {
  await onCheck(async (page) => {
    await verdict(page);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 360, `${width} px wide`);
  }, { viewport: { width: 360, height: 740 } });
});
