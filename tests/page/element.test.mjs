/**
 * What the element does to the page around it, and what is left of it when it starts over, fails to
 * start or is taken away; against a scripted account (stand-in.mjs).
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { inState, shows, withPage } from "./browser.mjs";
import { browser, eventually, live, sleep, stand, text } from "./scripted.mjs";
import { Account } from "./stand-in.mjs";

/** Answers a path's questions with "wait", until the test lets them through. */
async function refusing(page, path, seconds) {
  const asked = { count: 0 };
  await page.route(`**/v1/accounts/demo/${path}`, (route) => {
    asked.count += 1;
    return route.fulfill({
      status: 429,
      headers: { "retry-after": `${seconds}`, "content-type": "application/problem+json" },
      body: JSON.stringify({ status: 429, code: "too_many_reads", detail: "read a lot" }),
    });
  });
  return asked;
}

const expected = /404|429/;
const newest = (account, connections) => stand((connection) => {
  connections.unshift(connection);
  connection.send(account.snapshot());
});

test("a start that fails ends its connection, and its reason stays", async () => {
  const prepare = (page) => page.clock.install();
  await live(new Account(), async (page, connections) => {
    await page.evaluate(() => (document.querySelector("edge-meter").locale = "de_DE"));
    await inState(page, "broken");
    const reason = /locale|language/i;
    assert.match(await text(page, "notice-text"), reason);
    await page.clock.fastForward(10_100);
    await page.clock.fastForward(1_000);
    assert.equal(await text(page, "state"), "Stopped");
    assert.match(await text(page, "notice-text"), reason);
    // The one that was ended may not have come this far; there is none after it.
    const failed = connections.length - 1;
    assert.ok(failed <= 1, `${failed} more connections`);
    await page.evaluate(() => (document.querySelector("edge-meter").locale = "de-DE"));
    await inState(page, "live");
    assert.ok(connections.length <= 3, `${connections.length} connections`);
  }, { prepare });
});

test("a socket that is lost while the wasm loads is not live, and is opened again", async () => {
  const account = new Account({ granted: 1000n, held: 0n });
  const connections = [];
  const standIn = await stand((connection, count) => {
    connections.unshift(connection);
    if (count === 1) connection.send(account.snapshot());
  });
  let go;
  const wasm = new Promise((resolve) => (go = resolve));
  const prepare = (page) => page.route("**/edgemeter_bg.wasm", async (route) => {
    await wasm;
    await route.continue();
  });
  await withPage(browser(), standIn.link, async (page) => {
    await eventually(() => connections.length === 1, "a connection");
    connections[0].break();
    await inState(page, "reconnecting");
    go();
    await page.locator(".now").waitFor({ state: "attached" });
    await eventually(() => connections.length === 2, "another connection");
    await sleep(300);
    assert.equal(await text(page, "state"), "Reconnecting");
    connections[0].send(account.call().snapshot());
    await inState(page, "live");
    await shows(page, "balance", "99");
  }, { prepare });
});

test("each account of an element is ready once, and has its balance told", async () => {
  const connections = [];
  const account = new Account({ granted: 1000n, held: 0n });
  const standIn = await stand((connection) => connections.unshift(connection));
  await withPage(browser(), standIn.link, async (page) => {
    await page.evaluate(() => {
      window.told = [];
      const meter = document.querySelector("edge-meter");
      const shown = () => meter.shadowRoot.getElementById("balance").textContent;
      meter.addEventListener("edge-meter-ready", ({ detail }) =>
        window.told.push(["ready", detail.account, shown()]));
      meter.addEventListener("edge-meter-balance", ({ detail }) =>
        window.told.push(["balance", detail.balance]));
    });
    await eventually(() => connections.length === 1, "a connection");
    connections[0].send(account.snapshot());
    await inState(page, "live");
    await page.evaluate(() => (document.querySelector("edge-meter").account = "other"));
    await eventually(() => connections.length === 2, "the other account's connection");
    connections[0].send({ ...account.snapshot(), account: "other" });
    await inState(page, "live");
    const both = ["demo", "other"].flatMap((id) => [["ready", id, "100"], ["balance", "100"]]);
    const told = () => page.evaluate(() => window.told);
    await eventually(async () => (await told()).length >= both.length, "both accounts' numbers");
    assert.deepEqual(await told(), both);
  }, { expected });
});

test("a start moves its own tabs, and not the page around it", async () => {
  await live(new Account(), async (page) => {
    await page.evaluate(() => {
      const meter = document.querySelector("edge-meter");
      const above = document.createElement("div");
      above.style.height = "3000px";
      meter.before(above);
      scrollTo(0, 0);
      meter.view = "check";
      meter.locale = "de-DE";
    });
    await inState(page, "live");
    await page.locator("#panel-check .card h2").waitFor();
    assert.equal(await page.evaluate(() => scrollY), 0);
    const [tab, list] = await page.evaluate(() => {
      const { shadowRoot } = document.querySelector("edge-meter");
      return ["#tab-check", "[role=tablist]"].map((name) => {
        const { left, right } = shadowRoot.querySelector(name).getBoundingClientRect();
        return { left, right };
      });
    });
    assert.ok(tab.left >= list.left && tab.right <= list.right + 1, JSON.stringify([tab, list]));
  }, { viewport: { width: 300, height: 740 }, expected });
});

test("who waits asks once, says so once, and stops when nobody looks any more", async () => {
  const connections = [];
  const standIn = await newest(new Account(), connections);
  let asked;
  const prepare = async (page) => (asked = await refusing(page, "statement", 1));
  await withPage(browser(), `${standIn.link}&view=invoice`, async (page) => {
    await shows(page, "busy", "Much was read just now: the rest follows in a moment.");
    await page.evaluate(() => {
      window.said = 0;
      const busy = document.querySelector("edge-meter").shadowRoot.getElementById("busy");
      new MutationObserver(() => (window.said += 1)).observe(busy, { childList: true });
    });
    const after = asked.count;
    await eventually(() => asked.count >= after + 2, "two more questions");
    assert.equal(await page.evaluate(() => window.said), 0);
    for (const view of ["what-if", "usage", "invoice"]) {
      await page.locator(`#tab-${view}`).click();
      await shows(page, "busy", "Much was read just now: the rest follows in a moment.");
      await page.locator("#tab-now").click();
      await shows(page, "busy", "");
      // What was asked before that may only arrive now.
      await sleep(200);
      const hidden = asked.count;
      await sleep(1_500);
      assert.equal(asked.count, hidden, view);
    }
    await page.locator("#tab-invoice").click();
    await shows(page, "busy", "Much was read just now: the rest follows in a moment.");
    await page.evaluate(() => document.querySelector("edge-meter").remove());
    await sleep(200);
    const removed = asked.count;
    await sleep(1_500);
    assert.equal(asked.count, removed);
  }, { prepare, expected });
});

test("use that goes on does not ask again for what is waited for", async () => {
  const connections = [];
  const account = new Account({ granted: 1000n, held: 0n });
  const standIn = await newest(account, connections);
  let asked;
  const prepare = async (page) => {
    asked = await refusing(page, "statement", 60);
    await page.clock.install();
  };
  await withPage(browser(), `${standIn.link}&view=invoice`, async (page) => {
    await inState(page, "live");
    await shows(page, "busy", "Much was read just now: the rest follows in a moment.");
    await page.evaluate(() => document.querySelector("edge-meter")
      .addEventListener("edge-meter-balance", ({ detail }) => (window.told = detail.balance)));
    for (const balance of ["99", "98"]) {
      connections[0].send(account.call().delta());
      await eventually(() => page.evaluate((is) => window.told === is, balance), balance);
      await page.clock.fastForward(6_000);
    }
    await sleep(300);
    assert.equal(asked.count, 1);
    await page.clock.fastForward(60_000);
    await eventually(() => asked.count === 2, "asked again at its time");
  }, { prepare, expected });
});

test("a browser that keeps nothing opens the link all the same", async () => {
  const prepare = (page) => page.addInitScript(() => {
    const get = () => {
      throw new DOMException("storage is blocked", "SecurityError");
    };
    Object.defineProperty(window, "sessionStorage", { get });
  });
  await live(new Account({ granted: 1000n, held: 0n }), async (page, connections) => {
    await shows(page, "balance", "100");
    assert.ok(!page.url().includes("#"), page.url());
    connections[0].close(4401);
    await inState(page, "expired");
    await page.reload();
    await inState(page, "unopened");
  }, { prepare });
});

test("an address that nobody can read opens the first view", async () => {
  await live(new Account(), async (page) => {
    await page.locator("#tab-check").click();
    await page.evaluate(() => (location.hash = "#%"));
    await page.locator("#panel-now").waitFor();
    await page.reload();
    await inState(page, "live");
    assert.equal(await page.locator("#panel-now").isVisible(), true);
  }, { expected });
});
