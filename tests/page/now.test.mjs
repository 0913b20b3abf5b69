/**
 * What it shows of an account: by route and by key, how long it lasts, what happens at zero, and
 * the token's end; against a scripted account (stand-in.mjs).
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { inState, shows, withPage } from "./browser.mjs";
import {
  answered, browser, countPongs, eventually, live, stand, text, visible,
} from "./scripted.mjs";
import { Account } from "./stand-in.mjs";

/** Serves a link whose token ends so many seconds from now. */
const ending = (link, seconds) => {
  const end = Math.floor(Date.now() / 1000) + seconds;
  return link.replace("tok.en-1", `pt_test_demo_${end}_mac`);
};

test("a minute before the token's end the host is asked, and what it gives goes on", async () => {
  const connections = [];
  const account = new Account({ granted: 1000n, held: 0n });
  const standIn = await stand((connection) => {
    connections.unshift(connection);
    connection.send(account.snapshot());
  });
  const prepare = async (page) => {
    await page.clock.install();
    await page.addInitScript(countPongs);
  };
  await withPage(browser(), ending(standIn.link, 300), async (page) => {
    await inState(page, "live");
    const renewed = new URL(ending(standIn.link, 3600)).hash.split("token=")[1];
    await page.evaluate((token) => {
      window.states = [];
      const meter = document.querySelector("edge-meter");
      meter.addEventListener("edge-meter-state", ({ detail }) => window.states.push(detail.state));
      meter.addEventListener("edge-meter-token-expiring", ({ detail }) => {
        window.asked = detail.expires_at;
        detail.renew(token);
      });
    }, renewed);
    await page.clock.fastForward(200_000);
    assert.equal(await page.evaluate(() => window.asked), undefined);
    await answered(page);
    await page.clock.fastForward(50_000);
    await eventually(() => connections.length === 2, "a connection with the new token");
    assert.ok(connections[0].protocols.includes(`token.${renewed}`), connections[0].protocols);
    const left = await page.evaluate(() => window.asked - Date.now());
    assert.ok(left > 0 && left <= 60_000, `${left} ms left`);
    connections[0].send(account.call().delta());
    await shows(page, "balance", "99");
    const states = await page.evaluate(() => window.states);
    assert.deepEqual(states.filter((state) => state !== "live"), [], "nobody sees the change");
    await page.reload();
    await eventually(() => connections.length === 3, "a reload");
    assert.ok(connections[0].protocols.includes(`token.${renewed}`), "the new token is kept");
  }, { prepare });
});

test("a token that lives a minute or less is not asked for before half of its life", async () => {
  const account = new Account();
  const connections = [];
  const standIn = await stand((connection) => {
    connections.push(connection);
    connection.send(account.snapshot());
  });
  const prepare = (page) => page.clock.install();
  await withPage(browser(), ending(standIn.link, 50), async (page) => {
    await inState(page, "live");
    await page.evaluate(() => {
      window.asks = 0;
      const meter = document.querySelector("edge-meter");
      meter.addEventListener("edge-meter-token-expiring", ({ detail }) => {
        window.asks += 1;
        const end = Math.floor(Date.now() / 1000) + 50;
        detail.renew(`pt_test_demo_${end}_mac${window.asks}`);
      });
    });
    const asks = () => page.evaluate(() => window.asks);
    await page.clock.runFor(5_000);
    assert.equal(await asks(), 0);
    await page.clock.runFor(25_000);
    assert.equal(await asks(), 1);
    await eventually(() => connections.length === 2, "a connection with the new token");
    await page.clock.runFor(5_000);
    assert.equal(await asks(), 1);
  }, { prepare });
});

test("a device whose clock is ahead of the token's end asks for another one in time", async () => {
  const account = new Account();
  const standIn = await stand((connection) => connection.send(account.snapshot()));
  const prepare = async (page) => {
    await page.clock.install({ time: Date.now() + 400_000 });
    await page.addInitScript(countPongs);
  };
  await withPage(browser(), ending(standIn.link, 300), async (page) => {
    await inState(page, "live");
    await page.evaluate(() => {
      window.asks = 0;
      document.querySelector("edge-meter")
        .addEventListener("edge-meter-token-expiring", () => (window.asks += 1));
    });
    await page.clock.fastForward(200_000);
    await answered(page);
    assert.equal(await page.evaluate(() => window.asks), 0);
    await page.clock.fastForward(50_000);
    assert.equal(await page.evaluate(() => window.asks), 1);
  }, { prepare });
});

test("a token that nobody renews ends the page at its end", async () => {
  const connections = [];
  const account = new Account();
  const standIn = await stand((connection) => {
    connections.push(connection);
    connection.send(account.snapshot());
  });
  await withPage(browser(), ending(standIn.link, 4), async (page) => {
    await inState(page, "live");
    await inState(page, "expired");
    assert.equal(await visible(page, "numbers"), false);
    // A host that comes late with another one starts over.
    const renewed = new URL(ending(standIn.link, 3600)).hash.split("token=")[1];
    await page.evaluate((token) => {
      document.querySelector("edge-meter").token = token;
    }, renewed);
    await inState(page, "live");
    await shows(page, "balance", "5,000");
  });
});

test("calls show by route and by key, and add up to the minute", async () => {
  const account = new Account({ granted: 10_000n, held: 0n });
  for (let made = 0; made < 6; made += 1) account.call({ cost: 3n, route: "POST /a", key: "k1" });
  account.call({ cost: 1n, route: "GET /b", key: "k2" });
  account.call({ cost: 2n, route: "GET /b", key: "k1" });
  await live(account, async (page, [connection]) => {
    const rows = async (side) => (await page.locator(`#${side}-rows tr`).allInnerTexts())
      .map((row) => row.split(/\s*[\t\n]\s*/).filter(Boolean));
    const [a, b] = [["POST /a", "6", "0.3", "1.8"], ["GET /b", "2", "0.15", "0.3"]];
    assert.deepEqual(await rows("route"), [a, b]);
    const [k1, k2] = [["k1", "7", "≈0.2857", "2"], ["k2", "1", "0.1", "0.1"]];
    assert.deepEqual(await rows("key"), [k1, k2]);
    connection.send(account.call({ cost: 90n, route: "GET /b", key: "k2" }).delta());
    await eventually(async () => (await rows("key"))[0][0] === "k2", "the dearest first");
    assert.deepEqual((await rows("route"))[0], ["GET /b", "3", "3.1", "9.3"]);
  });
});

test("the runway says until when, from which rate, and what ends unspent", async () => {
  const account = new Account({ granted: 10_000n, held: 0n });
  account.grantEnds = Date.now() + 3_600_000;
  // 60 credits in ten minutes: a tenth of one a second, 9,400 seconds to go, and an hour's end.
  account.call({ at: Date.now() - 300_000, cost: 600n });
  await live(account, async (page, [connection]) => {
    assert.match(await text(page, "runway-words"), /ends unspent.*≈?0\.1 credits a second/);
    account.grantEnds = undefined;
    connection.send(account.call({ cost: 8400n }).delta());
    await eventually(
      async () => /^1\.5 credits|^≈1\.\d+ credits/.test(await text(page, "runway-words")),
      "the new rate",
    );
    const rows = await page.locator("#runway-rows tr").allInnerTexts();
    assert.match(rows[0], /last minute/);
    assert.match(rows[1], /last ten minutes/);
    assert.match(await text(page, "runway"), /today|tomorrow/);
  });
});

test("what an account burned today is not told of the one that is opened next", async () => {
  const [demo, other] = [new Account(), new Account({ granted: 900n, held: 0n })];
  const snapshot = other.snapshot.bind(other);
  other.snapshot = () => ({ ...snapshot(), account: "other" });
  const standIn = await stand((connection, count) =>
    connection.send((count === 1 ? demo : other).snapshot()));
  let answer;
  const body = { step: "all", by: [], next: null };
  const row = { at: 0, of: [], calls: 1, quantity: "1", credits: "43.5" };
  const prepare = (page) => page.route("**/usage?*", async (route) => {
    const isDemo = route.request().url().includes("/demo/");
    if (isDemo) await new Promise((resolve) => (answer = resolve));
    await route.fulfill({ json: { ...body, rows: isDemo ? [row] : [] } }).catch(() => {});
  });
  // Just after midnight nobody asks.
  const timezoneId = new Date().getUTCHours() === 0 ? "Asia/Tokyo" : "UTC";
  await withPage(browser(), standIn.link, async (page) => {
    await eventually(() => answer, "a question about today");
    const gone = Promise.race([
      page.waitForEvent("requestfailed", (request) => request.url().includes("/usage")),
      page.waitForTimeout(5_000),
    ]);
    await page.evaluate(() => (document.querySelector("edge-meter").account = "other"));
    await shows(page, "balance", "90");
    answer();
    await gone;
    const words = await text(page, "runway-rows");
    assert.ok(!/today/i.test(words), words);
  }, { prepare, timezoneId });
});

test("with a top-up link there is a way out, and a script is none", async () => {
  for (const [url, shown] of [
    ["https://example.com/top-up?a=1", true], ["javascript:alert(1)", false], ["//x", false],
  ]) {
    const account = new Account({ granted: 10n, held: 0n }).call();
    account.topupUrl = url;
    await live(account, async (page) => {
      assert.ok(await visible(page, "gate"));
      assert.equal(await visible(page, "gate-way"), shown, url);
      if (shown) assert.equal(await page.locator("#gate-way").getAttribute("href"), url);
    });
  }
});

test("that the gate has closed is announced, and what changes with every call is not", async () => {
  const account = new Account({ granted: 10n, held: 0n }).call();
  await live(account, async (page) => {
    const announced = (id) => page.locator(`#${id}`).evaluate((node) =>
      node.closest("[role=alert], [role=status], [aria-live]")?.textContent);
    assert.equal(await announced("gate-title"), "No credits left: the gate is closed");
    assert.equal(await announced("gate-text"), undefined);
  });
});

test("past zero the plan's rule says what happens", async () => {
  for (const [rule, expected] of [
    ["grace", /on grace.*owed/s], ["overage", /onto the invoice/], ["restrict", /reduced/],
  ]) {
    const account = new Account({ granted: 10n, held: 0n }).call();
    account.atZero = rule;
    const snapshot = account.snapshot.bind(account);
    account.snapshot = () => {
      const message = snapshot();
      return { ...message, zero: { ...message.zero, left: rule === "restrict" ? null : "5" } };
    };
    await live(account, async (page) => assert.match(await text(page, "gate"), expected));
  }
});

test("at zero the gate is shown closed, and open again after a grant", async () => {
  const account = new Account({ granted: 20n, held: 0n }).call();
  await live(account, async (page, [connection]) => {
    assert.equal(await visible(page, "gate"), false);
    connection.send(account.call().delta());
    await shows(page, "balance", "0");
    assert.match(await text(page, "gate"), /gate is closed.*402.*Ask your provider for credits/s);
    assert.ok(await visible(page, "gate"));
    connection.send(account.grant(100n).delta());
    await shows(page, "balance", "10");
    assert.equal(await visible(page, "gate"), false);
  });
});

test("an account without grants or calls says what is missing", async () => {
  await live(new Account({ granted: 0n, held: 0n }), async (page) => {
    assert.match(await text(page, "gate"), /No credits yet.*first grant/s);
    assert.ok(await visible(page, "recent-none"));
    assert.equal(await visible(page, "recent"), false);
  });
});
