/**
 * The page on the real gateway: what a call costs is what the balance loses, digit for digit.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startGateway } from "../edge/harness.mjs";
import { inState, shows, startBrowser, withPage } from "./browser.mjs";

const CALLS = 100;

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
