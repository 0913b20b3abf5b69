/**
 * The invoice on the page, on the real gateway: digit for digit what the gateway and the command
 * line say, explained, kept, printed.
 */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { nativePreview, oracle, PLAN, startBilled, trace } from "./bills.mjs";
import { startBrowser, withPage } from "./browser.mjs";

let browser;
let billed;
let token;
const dir = mkdtempSync(join(tmpdir(), "edgemeter-invoice-"));
before(async () => {
  billed = await startBilled();
  token = await billed.open("acme");
  assert.equal(await billed.ingest("acme"), trace().length);
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await billed?.stop();
  rmSync(dir, { recursive: true });
});

/** Opens the invoice view of an account, with its sheet. */
function onInvoice(use, { account = "acme", as = token, ...options } = {}) {
  return withPage(browser, billed.link(account, as, "invoice"), async (page) => {
    await page.locator(".sheet .lines").waitFor();
    await use(page);
  }, options);
}

const texts = (page, selector) => page.locator(selector).allTextContents();
const values = (page, selector) =>
  page.locator(selector).evaluateAll((nodes) => nodes.map((node) => node.value));

/** What the sheet shows is this invoice, digit for digit, as the browser itself writes it. */
async function isOnSheet(page, { lines, totals, currency }) {
  const amounts = lines.map(({ amount }) => amount);
  assert.deepEqual(await values(page, ".line td:last-child data"), amounts);
  const written = await Promise.all(
    amounts.map((amount) => oracle.money(page, amount, currency)),
  );
  assert.deepEqual(await texts(page, ".line td:last-child data"), written);
  assert.deepEqual(await texts(page, ".line th button"), lines.map(({ name }) => name));
  for (const [key, sum] of [["subtotal", totals.subtotal], ["total", totals.total]]) {
    const shown = await page.locator(`.totals [data-sum=${key}]`).textContent();
    assert.equal(shown, await oracle.money(page, sum, currency), key);
  }
  const due = await page.locator("[data-sum=due]").textContent();
  assert.equal(due, await oracle.money(page, totals.due, currency));
}

const preview = (query = "") => billed.asCustomer("acme", token, `invoices/preview${query}`);

test("the sheet shows the gateway's preview, digit for digit, in several locales", async () => {
  const { invoice } = await preview();
  assert.equal(invoice.lines.length, 6);
  for (const locale of ["en-US", "de-DE", "ja-JP"]) {
    await onInvoice((page) => isOnSheet(page, invoice), { locale });
  }
});

test("the page's core makes the gateway's bill, in every member", async () => {
  const [statement, bill] =
    [await billed.asCustomer("acme", token, "statement"), await preview()];
  await onInvoice(async (page) => {
    const made = await page.evaluate(async (text) => {
      const core = await import("/edgemeter/pkg/bill.js");
      await core.default();
      return new core.Statement(text).bill();
    }, JSON.stringify(statement));
    assert.deepEqual(made, bill);
  });
});

test("the command line makes the same lines of the same events", async () => {
  const [{ invoice }, native] = [await preview(), await nativePreview(dir)];
  const inShort = ({ lines }) => lines.map(({ id, kind, quantity, credits, amount, explanation }) =>
    ({ id, kind, quantity, credits, amount, explanation }));
  const ofPeriod = { lines: invoice.lines.filter(({ kind }) => kind !== "fee_ahead") };
  assert.deepEqual(inShort(ofPeriod), inShort(native));
});

test("the projection is the gateway's too", async () => {
  await onInvoice(async (page) => {
    const asked = page.waitForResponse((response) => response.url().endsWith("/statement"));
    await page.getByRole("button", { name: "At the period's end" }).click();
    const statement = await (await asked).json();
    await page.getByText("Invoice, projected").waitFor();
    const made = await page.evaluate(async ([text, at]) => {
      const core = await import("/edgemeter/pkg/bill.js");
      return new core.Statement(text).projected(at);
    }, [JSON.stringify(statement), statement.at]);
    await isOnSheet(page, made.invoice);
    const { invoice } = await preview("?projected");
    assert.deepEqual(
      invoice.lines.map(({ id, kind }) => [id, kind]),
      made.invoice.lines.map(({ id, kind }) => [id, kind]),
    );
  });
});

test("a line opens by keyboard into every step of its explanation", async () => {
  const { invoice } = await preview();
  const { explanation } = invoice.lines[0];
  const flat = (steps) => steps.flatMap((step) => [step, ...flat(step.parts)]);
  await onInvoice(async (page) => {
    const button = page.getByRole("button", { name: "Prompt tokens" });
    await button.focus();
    assert.equal(await button.getAttribute("aria-expanded"), "false");
    await page.keyboard.press("Enter");
    assert.equal(await button.getAttribute("aria-expanded"), "true");
    const results = await texts(page, "#line-0 .sums:first-child .result");
    const steps = flat(explanation.steps);
    const expected = await Promise.all(steps.map(({ result }) => oracle.number(page, result)));
    const residue = await oracle.number(page, explanation.residue);
    const signed = explanation.residue.startsWith("-") ? residue : `+${residue}`;
    assert.deepEqual(results, [...expected.map((text) => `= ${text}`), signed]);
    await page.keyboard.press("Enter");
    assert.equal(await page.locator("#line-0").isVisible(), false);
  });
});

test("what is open stays open, and the focus where it is, when use goes on", async () => {
  const account = "goes-on";
  const as = await billed.open(account);
  await billed.gateway.must("POST", `/v1/accounts/${account}/grants`, { id: "gift", amount: "5" });
  await onInvoice(async (page) => {
    const button = page.getByRole("button", { name: "Generated tokens" });
    await button.press("Enter");
    const shown = () => page.locator("#line-1 .formula").first().textContent();
    assert.equal(await shown(), "0 × 0.015");
    await billed.ingest(account);
    await page.locator("#line-1 .formula", { hasText: "245,896 × 0.015" }).waitFor();
    const focused = await page.evaluate(() =>
      document.querySelector("edge-meter").shadowRoot.activeElement.textContent);
    assert.equal(focused, "Generated tokens");
  }, { account, as });
});

test("finalized invoices are listed and shown as they were written, with their hash", async () => {
  const account = "older";
  const as = await billed.open(account, { daysAgo: 70 });
  const { invoices } = await billed.asCustomer(account, as, "invoices");
  assert.equal(invoices.length, 2);
  await onInvoice(async (page) => {
    const rows = page.locator(".past tbody tr");
    await rows.nth(1).waitFor();
    assert.equal(await rows.count(), 2);
    const { index, total, currency } = invoices[0];
    const row = await rows.first().textContent();
    assert.ok(row.includes(await oracle.money(page, total, currency)), row);
    await rows.first().getByRole("button").click();
    const { bill, hash } = await billed.asCustomer(account, as, `invoices/${index}`);
    await page.getByText(hash).waitFor();
    await isOnSheet(page, bill.invoice);
    await page.getByRole("button", { name: "← This period" }).press("Enter");
    const focused = await page.evaluate(() =>
      document.querySelector("edge-meter").shadowRoot.activeElement?.textContent);
    assert.equal(focused, "So far");
    await page.getByText("Invoice, so far").waitFor();
  }, { account, as });
});

test("it prints to a clean page, with what is open", async () => {
  await onInvoice(async (page) => {
    await page.getByRole("button", { name: "Prompt tokens" }).click();
    await page.emulateMedia({ media: "print" });
    for (const hidden of [".toolbar", ".past", ".tabs", ".state"]) {
      assert.equal(await page.locator(`${hidden} >> visible=true`).count(), 0, hidden);
    }
    assert.ok(await page.locator("#line-0 .sums").first().isVisible());
    const pdf = await page.pdf({ format: "A4" });
    const pages = pdf.toString("latin1").match(/\/Type\s*\/Page\b/g).length;
    assert.ok(pages <= 2, `${pages} pages`);
  }, { colorScheme: "dark" });
});

test("its button prints the sheet alone, on a page of its own", async () => {
  const prepare = (page) => page.addInitScript(() => {
    window.print = () => window.parent.printed?.(window.document);
  });
  await onInvoice(async (page) => {
    await page.getByRole("button", { name: "Prompt tokens" }).click();
    const paper = await page.evaluate(() => new Promise((resolve) => {
      const { shadowRoot } = document.querySelector("edge-meter");
      window.printed = (paper) => {
        const styles = [...paper.adoptedStyleSheets].flatMap(({ cssRules }) => [...cssRules]);
        const sheet = paper.querySelector(".sheet");
        resolve({
          title: paper.title,
          text: paper.body.textContent,
          shown: shadowRoot.querySelector(".sheet").textContent,
          body: new XMLSerializer().serializeToString(paper.body),
          styles: styles.map(({ cssText }) => cssText).join("\n"),
          font: paper.defaultView.getComputedStyle(sheet).fontVariantNumeric,
          controls: paper.querySelectorAll(".toolbar, .tabs, .past, header").length,
        });
      };
      const print = [...shadowRoot.querySelectorAll("button")]
        .find(({ textContent }) => textContent === "Print");
      print.click();
    }));
    const { title, text, shown, body, styles, font, controls } = paper;
    assert.match(title, /^Invoice, so far acme \d{4}-\d\d-\d\d$/);
    assert.equal(text, shown);
    assert.deepEqual([font, controls], ["tabular-nums", 0]);
    // What a printer gets: one page, with what is open.
    const copy = await page.context().newPage();
    await copy.setContent(`<style>${styles}</style>${body}`);
    await copy.emulateMedia({ media: "print" });
    assert.ok(await copy.locator("#line-0 .sums").first().isVisible());
    assert.equal(await copy.locator("#line-1 .sums").count(), 0);
    const pdf = await copy.pdf({ format: "A4" });
    assert.ok(pdf.toString("latin1").match(/\/Type\s*\/Page\b/g).length <= 2);
    // The frame goes when the printing is over.
    const frame = page.locator("edge-meter iframe");
    assert.equal(await frame.count(), 1);
    await frame.evaluate(({ contentWindow }) =>
      contentWindow.dispatchEvent(new Event("afterprint")));
    assert.equal(await frame.count(), 0);
  }, { prepare, colorScheme: "dark" });
});

test("it fits 360 pixels", async () => {
  await onInvoice(async (page) => {
    await page.getByRole("button", { name: "Prompt tokens" }).click();
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 360, `${width} px wide`);
  }, { viewport: { width: 360, height: 740 } });
});

test("amounts are seen where no live number comes through", async () => {
  const mute = (page) => page.routeWebSocket(/\/live/, () => {});
  await onInvoice(async (page) => {
    // Now has a look for numbers that are not there yet: its own.
    await page.getByRole("tab", { name: "Now" }).click();
    await page.locator("#balance").waitFor();
    await page.getByRole("tab", { name: "Invoice" }).click();
    await page.locator(".past .empty").waitFor();
    const colors = await page.locator(".sheet :is(data, dd)").evaluateAll((nodes) =>
      nodes.map((node) => getComputedStyle(node).color));
    assert.ok(colors.length > 6, `${colors.length} amounts`);
    assert.ok(!colors.includes("rgba(0, 0, 0, 0)"), colors.join());
  }, { prepare: mute });
});

test("a plan that knows credits only has its sheet in credits", async () => {
  const plan = {
    id: "credits-only",
    version: 1,
    meters: PLAN.meters,
    charges: [{
      id: "output",
      meter: "output",
      unit: "credits",
      price: { model: "per_unit", unit_price: "0.015" },
    }],
    credits: { burn_order: "standard", rollover: "none", at_zero: "block" },
  };
  await billed.gateway.must("POST", "/v1/plans", plan);
  const as = await billed.open("prepaid", { plan });
  await billed.gateway.must("POST", "/v1/accounts/prepaid/grants", { id: "one", amount: "9000" });
  await billed.ingest("prepaid");
  await onInvoice(async (page) => {
    assert.equal(await page.locator("[data-sum=due]").textContent(), "3,688.44");
    assert.deepEqual(await values(page, ".line data"), ["3688.44"]);
    assert.deepEqual(await texts(page, ".burned td.number"), ["3,688.44", "5,311.56"]);
  }, { account: "prepaid", as });
});

test("what the gateway refuses is said, with a way to ask again", async () => {
  const refuse = (route) => route.fulfill({
    status: 503,
    contentType: "application/problem+json",
    body: JSON.stringify({ code: "unavailable", detail: "the account is moving: ask again" }),
  });
  await withPage(browser, billed.link("acme", token, "invoice"), async (page) => {
    await page.getByText("The account is moving: ask again.").waitFor();
    await page.unroute("**/statement");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator(".sheet .lines").waitFor();
  }, { prepare: (page) => page.route("**/statement", refuse), expected: /503/ });
});
