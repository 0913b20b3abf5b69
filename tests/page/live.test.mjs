/**
 * The page on the real gateway: what a call costs is what the balance loses, digit for digit.
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { startGateway } from "../edge/harness.mjs";
import { inState, shows, startBrowser, withPage } from "./browser.mjs";
import { busy } from "./patience.mjs";

const CALLS = 100;
const BEHIND_MS = 1_000;

let browser;
let gateway;
before(async () => {
  const started = await startGateway();
  const account = "demo";
  const { key } = await started.fund(account, { price: "0.3", amount: "5000" });
  const { token } = await started.must("POST", `/v1/accounts/${account}/portal-tokens`, {});
  gateway = {
    baseUrl: started.urls[0],
    account,
    portalToken: token,
    apiKey: key,
    path: "/words",
    get: (path) => started.must("GET", `/v1/accounts/${account}/${path}`),
    load: (options) => started.load(key, options),
    settled: () => started.settled(account),
    stop: () => started.stop(),
  };
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await gateway?.stop();
});

const link = (account, token) => `${gateway.baseUrl}/edgemeter/#account=${account}&token=${token}`;

/** Makes one paid call; its cost as the gateway tells it. */
async function call() {
  const headers = { authorization: `Bearer ${gateway.apiKey}` };
  const response = await fetch(gateway.baseUrl + gateway.path, { headers });
  await response.arrayBuffer();
  assert.equal(response.status, 200);
  return exact(response.headers.get("edgemeter-cost"));
}

/** A decimal, with or without the separators of en-US, in units of 10^-12. */
function exact(text) {
  const [whole, fraction = ""] = text.replaceAll(",", "").split(".");
  return BigInt(whole + fraction.padEnd(12, "0"));
}

/** The page's way of writing it, by the browser's own formatter. */
function written(page, amount) {
  const digits = `${amount}`.padStart(13, "0");
  const decimal = `${digits.slice(0, -12)}.${digits.slice(-12)}`;
  const format = (value) => new Intl.NumberFormat(undefined, { maximumFractionDigits: 12 })
    .format(value);
  return page.evaluate(format, decimal);
}

test("the balance goes down by exactly what the calls cost, without a reload", async () => {
  await withPage(browser, link(gateway.account, gateway.portalToken), async (page) => {
    await inState(page, "live");
    const read = async (id) => exact(await page.locator(`#${id}`).textContent());
    const [balance, burned] = [await read("balance"), await read("burned")];

    const cost = await call();
    await shows(page, "balance", await written(page, balance - cost));
    await shows(page, "burned", await written(page, burned + cost));
    const newest = await page.locator("#recent-rows tr").first().innerText();
    assert.ok(newest.includes(gateway.path), newest);
    assert.ok(newest.endsWith(await written(page, cost)), newest);

    const costs = await Promise.all(Array.from({ length: CALLS }, call));
    const all = costs.reduce((sum, one) => sum + one, cost);
    await shows(page, "balance", await written(page, balance - all));
    await shows(page, "burned", await written(page, burned + all));
    await shows(page, "minute-credits", await written(page, all));
    await shows(page, "minute-calls", `${CALLS + 1}`);

    await page.reload();
    await inState(page, "live");
    await shows(page, "balance", await written(page, balance - all));
  });
});

/** The id of what has the focus, inside the element. */
const focused = (page) =>
  page.evaluate(() => document.activeElement.shadowRoot.activeElement.id);

test("the tabs are one stop, the arrows choose, and the address says which", async () => {
  await withPage(browser, link(gateway.account, gateway.portalToken), async (page) => {
    await inState(page, "live");
    await page.keyboard.press("Tab");
    assert.equal(await focused(page), "tab-now");
    for (const [key, id] of [
      ["ArrowLeft", "tab-check"], ["ArrowRight", "tab-now"], ["End", "tab-check"],
      ["Home", "tab-now"],
    ]) {
      await page.keyboard.press(key);
      assert.equal(await focused(page), id, key);
      const name = id.replace("tab-", "");
      assert.equal(new URL(page.url()).hash, `#${name}`);
      assert.equal(await page.locator(`#panel-${name}`).isVisible(), true);
      assert.equal(await page.locator("[role=tab][tabindex='0']").count(), 1);
      assert.equal(await page.locator("[aria-selected=true]").getAttribute("id"), id);
    }
    await page.goBack();
    await page.locator("#panel-check").waitFor();
  });
});

test("under load the page is less than a second behind, and right in the end", async () => {
  await withPage(browser, link(gateway.account, gateway.portalToken), async (page) => {
    await inState(page, "live");
    await page.evaluate(() => {
      window.seen = [];
      const meter = document.querySelector("edge-meter");
      meter.addEventListener("edge-meter-balance", ({ detail }) => {
        window.seen.push([Date.now(), detail.balance]);
      });
    });
    let over = false;
    const loaded = gateway.load({ total: 4_000, connections: 16, stop: () => over });
    // What the account says at an instant is what it said before or after the page asks.
    const told = [];
    for (const started = Date.now(); Date.now() - started < 8_000;) {
      const { balance } = await gateway.get("balance");
      told.push([Date.now(), balance]);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    over = true;
    await loaded;
    const last = (await gateway.settled()).balance;
    await shows(page, "balance", await written(page, exact(last)));
    const seen = await page.evaluate(() => window.seen);
    // Balances only fall here: the page has caught up once it shows as little.
    const lags = told.map(([at, balance]) => {
      const caught = seen.find(([, shown]) => exact(shown) <= exact(balance));
      return Math.max((caught?.[0] ?? Infinity) - at, 0);
    });
    lags.sort((a, b) => a - b);
    const [median, most] = [lags[Math.floor(lags.length / 2)], lags.at(-1)];
    console.log(`behind the account: median ${median} ms, most ${most} ms of ${lags.length} looks`);
    assert.ok(most < BEHIND_MS * busy(), `${most} ms behind`);
    const sums = async (side) => {
      const rows = await page.locator(`#${side}-rows tr`).all();
      const cells = await Promise.all(rows.map((row) => row.locator("td").allInnerTexts()));
      return cells.reduce((sum, row) => sum + exact(row.at(-1)), 0n);
    };
    const minute = exact(await page.locator("#minute-credits").textContent());
    assert.equal(await sums("route"), minute);
    assert.equal(await sums("key"), minute);
  });
});

test("usage shows what the API says, digit for digit, and saves it", async () => {
  await withPage(browser, link(gateway.account, gateway.portalToken), async (page) => {
    await inState(page, "live");
    await page.locator("#tab-usage").click();
    await page.locator("#usage-by").selectOption("route");
    await page.locator("#parts-rows tr").first().waitFor();
    const rows = (await gateway.get("usage?step=all&by=route")).rows;
    assert.ok(rows.length > 0);
    for (const { of: [route], credits, calls } of rows) {
      const row = page.locator("#parts-rows tr", { hasText: route });
      const text = await row.innerText();
      assert.ok(text.includes(await written(page, exact(credits))), `${text}: ${credits}`);
      assert.ok(text.includes(`${calls.toLocaleString("en-US")} calls`), `${text}: ${calls}`);
    }
    const all = rows.reduce((sum, { credits }) => sum + exact(credits), 0n);
    const total = await page.locator("#usage-total").innerText();
    assert.equal(total, `${await written(page, all)} credits`);
    const [download] = await Promise.all([
      page.waitForEvent("download"), page.locator("#usage-csv").click(),
    ]);
    const lines = (await readFile(await download.path(), "utf8")).trim().split("\r\n");
    assert.equal(lines[0], "start,route,calls,quantity,credits");
    const saved = lines.slice(1).reduce((sum, line) => sum + exact(line.split(",").at(-1)), 0n);
    assert.equal(saved, all);
  });
});

test("the chart is zoomed by dragging and by keys, and its numbers follow", async () => {
  await withPage(browser, link(gateway.account, gateway.portalToken), async (page) => {
    await inState(page, "live");
    await page.locator("#tab-usage").click();
    await page.locator("#times-rows tr").first().waitFor();
    const title = () => page.locator("#usage-title").innerText();
    const whole = await title();
    const { x, y, width } = await page.locator(".u-over").boundingBox();
    await page.mouse.move(x + width * 0.2, y + 40);
    await page.mouse.down();
    await page.mouse.move(x + width * 0.5, y + 60, { steps: 4 });
    await page.mouse.up();
    assert.notEqual(await title(), whole);
    await page.locator(".chart").focus();
    await page.keyboard.press("0");
    assert.equal(await title(), whole);
    await page.keyboard.press("+");
    assert.notEqual(await title(), whole);
    await page.keyboard.press("ArrowRight");
    assert.match(await page.locator("#usage-readout").innerText(), /credits, .* calls$/);
    await page.keyboard.press("-");
    assert.equal(await title(), whole);
  });
});

test("a token opens its own account only, and a forged one opens nothing", async () => {
  const { account, portalToken } = gateway;
  const middle = Math.floor(portalToken.length / 2);
  const other = portalToken[middle] === "A" ? "B" : "A";
  const forged = portalToken.slice(0, middle) + other + portalToken.slice(middle + 1);
  for (const [to, token] of [
    ["somebody-else", portalToken],
    [account, portalToken.slice(0, -1)],
    [account, forged],
    [account, "A"],
  ]) {
    await withPage(browser, link(to, token), async (page) => {
      await inState(page, "expired");
      assert.equal(await page.locator("#numbers").isVisible(), false);
    });
  }
});
