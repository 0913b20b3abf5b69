/**
 * The page in every state that an account, a network or a stranger can bring it into, against a
 * scripted account (stand-in.mjs). That the real one speaks the same way is live.test.mjs's part.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { inState, shows, withPage } from "./browser.mjs";
import {
  answered, browser, countPongs, eventually, focused, live, sleep, stand, text, visible,
} from "./scripted.mjs";
import { Account } from "./stand-in.mjs";

test("a call takes exactly its cost off the balance, without a reload", async () => {
  const account = new Account({ granted: 50_000n, held: 50n }).call({ cost: 3n });
  await live(account, async (page, [connection]) => {
    await shows(page, "balance", "4,999.7");
    await shows(page, "granted", "5,000");
    await shows(page, "available", "4,994.7");
    await shows(page, "held", "5");
    await shows(page, "minute-calls", "1");
    connection.send(account.call({ cost: 25n, route: "POST /translate", key: "k2" }).delta());
    await shows(page, "balance", "4,997.2");
    await shows(page, "burned", "2.8");
    await shows(page, "minute-calls", "2");
    await shows(page, "minute-credits", "2.8");
    const rows = await page.locator("#recent-rows tr").allInnerTexts();
    assert.equal(rows.length, 2);
    assert.match(rows[0], /POST \/translate\s*key k2\s*200\s*2\.5$/);
    assert.match(rows[1], /GET \/words\s*key k1\s*200\s*0\.3$/);
  });
});

test("the token is in no address, and a reload still opens the account", async () => {
  await live(new Account(), async (page, connections, { urls }) => {
    assert.ok(!page.url().includes("#"), page.url());
    assert.deepEqual(connections[0].protocols, ["edgemeter.v1", "token.tok.en-1"]);
    await page.reload();
    await inState(page, "live");
    assert.equal(connections.length, 2);
    assert.deepEqual(urls.filter((url) => url.includes("tok.en-1")), []);
  });
});

test("without a link, or with a broken one, the page says where links come from", async () => {
  const standIn = await stand(() => assert.fail("nothing to connect with"));
  const bare = standIn.link.split("#")[0];
  const fragments = ["", "#account=demo", "#account=De%20mo&token=t", "#account=demo&token=a,b"];
  for (const fragment of fragments) {
    await withPage(browser(), bare + fragment, async (page) => {
      await inState(page, "unopened");
      assert.match(await text(page, "notice"), /opens from a link.*Ask your provider/s);
      assert.equal(await visible(page, "numbers"), false);
    });
  }
});

test("a link pasted into the open page opens its account", async () => {
  const connections = [];
  const standIn = await stand((connection) => connections.push(connection));
  await withPage(browser(), standIn.link.split("#")[0], async (page) => {
    await inState(page, "unopened");
    await page.evaluate((hash) => (location.hash = hash), standIn.link.split("#")[1]);
    await eventually(() => connections.length === 1, "a connection");
    await eventually(() => !page.url().includes("#"), "a bare address");
  });
});

test("before the first number there is none, and no 'no calls yet' either", async () => {
  const standIn = await stand(() => {});
  await withPage(browser(), standIn.link, async (page) => {
    await sleep(300);
    assert.equal(await text(page, "state"), "Connecting");
    assert.equal(await visible(page, "recent-none"), false);
    assert.equal(await visible(page, "gate"), false);
  });
});

test("a missing delta is noticed, asked for and healed", async () => {
  const account = new Account({ granted: 1000n, held: 0n });
  await live(account, async (page, [connection]) => {
    account.call().delta(); // lost on the way
    const asked = connection.next();
    connection.send(account.call().delta());
    assert.deepEqual(await asked, { type: "resync" });
    assert.equal(await text(page, "balance"), "100");
    connection.send(account.call().delta()); // does not continue anything: skipped
    connection.send(account.snapshot());
    await shows(page, "balance", "97");
    connection.send(account.call().delta());
    await shows(page, "balance", "96");
    assert.equal(connection.received.length, 1);
  });
});

test("an account that was evicted and counts from zero is followed again", async () => {
  const account = new Account({ granted: 1000n, held: 0n });
  await live(account, async (page, [connection]) => {
    for (let made = 0; made < 3; made += 1) connection.send(account.call().delta());
    await shows(page, "balance", "97");
    const asked = connection.next();
    connection.send({ ...account.call().delta(), seq: 1 });
    assert.deepEqual(await asked, { type: "resync" });
    connection.send({ ...account.snapshot(), seq: 1 });
    await shows(page, "balance", "96");
  });
});

test("a call without a status on record says so", async () => {
  await live(new Account().call({ status: 0 }).call({ status: 502 }), async (page) => {
    const status = (row) => page.locator("#recent-rows tr").nth(row).locator("td").nth(2);
    assert.equal(await status(0).innerText(), "502");
    assert.equal(await status(1).innerText(), "sent");
  });
});

test("a lost connection shows, and comes back with the newest numbers", async () => {
  const account = new Account({ granted: 1000n, held: 0n });
  await live(account, async (page, connections) => {
    account.call();
    connections[0].break();
    await inState(page, "reconnecting");
    assert.equal(await text(page, "balance"), "100");
    await inState(page, "live");
    await shows(page, "balance", "99");
    assert.equal(await visible(page, "notice"), false);
    connections[0].send(account.call().delta());
    await shows(page, "balance", "98");
  });
});

test("offline shows, and ends by itself", async () => {
  await live(new Account(), async (page, connections) => {
    await page.context().setOffline(true);
    connections[0].break();
    await inState(page, "offline");
    assert.match(await text(page, "notice"), /offline.*goes on when the network is back/s);
    await page.context().setOffline(false);
    await inState(page, "live");
    assert.equal(await visible(page, "notice"), false);
  });
});

test("an account that stops answering counts as lost", async () => {
  const connections = [];
  const account = new Account();
  const standIn = await stand((connection, count) => {
    connections.unshift(connection);
    if (count > 1) connection.send(account.snapshot()); // the first one never speaks
  });
  const prepare = async (page) => {
    await page.clock.install();
    await page.addInitScript(countPongs);
  };
  await withPage(browser(), standIn.link, async (page) => {
    await eventually(() => connections.length === 1, "a connection");
    await page.clock.fastForward(10_100);
    await inState(page, "reconnecting");
    await page.clock.fastForward(600);
    await inState(page, "live");
    const [connection] = connections;
    await page.clock.fastForward(30_100);
    await answered(page);
    await page.clock.fastForward(10_100);
    assert.equal(await text(page, "state"), "Live");
    connection.deaf = true;
    await page.clock.fastForward(20_100);
    await eventually(() => connection.received.length === 1, "a sign of life");
    assert.deepEqual(connection.received, [{ type: "ping" }]);
    await page.clock.fastForward(10_100);
    await inState(page, "reconnecting");
  }, { prepare });
});

test("a read that has to wait says so, and goes on by itself", async () => {
  const account = new Account();
  const standIn = await stand((connection) => connection.send(account.snapshot()));
  let refusals = 0;
  const prepare = (page) => page.route("**/v1/accounts/demo/usage*", (route) => {
    if (refusals === 2) return route.continue();
    refusals += 1;
    return route.fulfill({
      status: 429,
      headers: { "retry-after": "1", "content-type": "application/problem+json" },
      body: JSON.stringify({ status: 429, code: "too_many_reads", detail: "read a lot" }),
    });
  });
  await withPage(browser(), `${standIn.link}&view=usage`, async (page) => {
    await shows(page, "busy", "Much was read just now: the rest follows in a moment.");
    await page.locator("#usage-none").waitFor();
    await shows(page, "busy", "");
    assert.equal(refusals, 2);
  }, { prepare, expected: /404|429/ });
});

test("an expired token ends it: no numbers, no retry, nothing kept", async () => {
  await live(new Account(), async (page, connections) => {
    connections[0].close(4401);
    await inState(page, "expired");
    assert.match(await text(page, "notice"), /expired.*Ask your provider for a new one/s);
    assert.equal(await visible(page, "numbers"), false);
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
    await page.evaluate(() => dispatchEvent(new Event("online")));
    await sleep(1500);
    assert.equal(connections.length, 1);
    await page.reload();
    await inState(page, "unopened");
  });
});

test("numbers that cannot be are not shown, and the page says why it stopped", async () => {
  const good = () => new Account({ granted: 1000n, held: 0n });
  const bend = (change) => change(good().snapshot());
  for (const [message, reason] of [
    [bend((m) => ({ ...m, balance: { ...m.balance, burned: "1" } })), /does not add up/],
    [bend((m) => ({ ...m, account: "other" })), /about account other/],
    [bend((m) => ({ ...m, calls: [[1, 1, "1", [], []]] })), /second 1 of message/],
    [bend((m) => ({ ...m, extra: 1 })), /unknown field `extra`/],
    [bend((m) => ({ ...m, unit: undefined })), /missing field `unit`/],
    [bend((m) => ({ ...m, balance: { ...m.balance, balance: 100 } })), /is not a string/],
    [bend((m) => ({ ...m, balance: { ...m.balance, held: "0e0" } })), /not a decimal/],
    [bend((m) => ({ ...m, unit: "x".repeat(140_000) })), /at most 131072/],
    ["<b>no</b>", /expected value/],
  ]) {
    await live(good(), async (page, connections) => {
      connections[0].send(message);
      await inState(page, "broken");
      assert.match(await text(page, "notice-text"), reason);
      assert.equal(await text(page, "balance"), "100");
      assert.equal(await text(page, "notice-action"), "Reload");
      await sleep(700);
      assert.equal(connections.length, 1);
    });
  }
});

test("nothing that the account says becomes markup", async () => {
  const hostile = "<img src=x onerror=document.title='owned'><script>alert(1)</script>&amp;";
  const account = new Account().call({ route: hostile, key: hostile });
  const snapshot = account.snapshot.bind(account);
  account.snapshot = () => ({ ...snapshot(), unit: hostile });
  await live(account, async (page) => {
    const route = page.locator("#recent-rows .route");
    assert.equal(await route.textContent(), hostile);
    assert.equal(await page.locator("img, #numbers script").count(), 0);
    assert.equal(await page.locator("[data-unit]").first().textContent(), hostile);
    await eventually(async () => (await page.title()).endsWith("· edgemeter"), "a title");
  });
});

/** An independent formatter: the browser's own, which takes decimal strings exactly. */
function oracle(page, decimal) {
  const format = (value) => new Intl.NumberFormat(undefined, { maximumFractionDigits: 12 })
    .format(value);
  return page.evaluate(format, decimal);
}

test("every digit arrives in every locale", async () => {
  const amounts = { granted: "9999999999999999.999999999999", balance: "1234567890123456.7" };
  const burned = "8765432109876543.299999999999";
  const locales = ["en-US", "de-DE", "de-CH", "ja-JP", "en-IN", "es-ES", "fr-FR", "ar-EG", "sv-SE"];
  for (const locale of locales) {
    const account = new Account();
    const snapshot = account.snapshot.bind(account);
    const balance = { ...amounts, available: amounts.balance, held: "0", burned, expired: "0" };
    account.snapshot = () => ({ ...snapshot(), balance });
    await live(account, async (page) => {
      for (const part of ["granted", "balance", "burned"]) {
        const expected = await oracle(page, balance[part]);
        assert.equal(await text(page, part), expected, `${part} in ${locale}`);
      }
    }, { locale });
  }
});

test("four-digit and negative amounts follow the locale as well", async () => {
  for (const locale of ["en-US", "es-ES", "pl-PL", "sv-SE", "ar-EG"]) {
    const account = new Account({ granted: 12_345n, held: 0n }).call({ cost: 24_690n });
    await live(account, async (page) => {
      assert.equal(await text(page, "granted"), await oracle(page, "1234.5"), locale);
      assert.equal(await text(page, "balance"), await oracle(page, "-1234.5"), locale);
    }, { locale });
  }
});

test("a thousand calls a second are counted exactly and painted calmly", async () => {
  const account = new Account({ granted: 10_000_000n, held: 0n });
  await live(account, async (page, [connection]) => {
    await page.evaluate(() => {
      window.painted = 0;
      window.spoken = 0;
      const inside = (id) => document.querySelector("edge-meter").shadowRoot.getElementById(id);
      const count = (id, name) => new MutationObserver(() => (window[name] += 1))
        .observe(inside(id), { childList: true, characterData: true });
      count("balance", "painted");
      count("spoken", "spoken");
    });
    const started = Date.now();
    for (let made = 0; made < 3000; made += 10) {
      for (let call = 0; call < 10; call += 1) account.call({ cost: 3n });
      connection.send(account.delta());
      await sleep(10);
    }
    const seconds = (Date.now() - started) / 1000;
    await shows(page, "balance", "999,100"); // 1,000,000 − 3,000 × 0.3
    const [painted, spoken] = await page.evaluate(() => [window.painted, window.spoken]);
    assert.ok(painted <= 12 * seconds + 2, `${painted} paints in ${seconds} s`);
    assert.ok(spoken <= 1, `${spoken} announcements`);
    assert.equal(await page.locator("#recent-rows tr").count(), 20);
  });
});

test("the last minute moves on while nothing happens", async () => {
  const account = new Account().call({ at: Date.now() - 53_000 });
  await live(account, async (page) => {
    await shows(page, "minute-calls", "1");
    await shows(page, "minute-calls", "0");
  });
});

test("it fits 360 pixels with the longest numbers and routes", async () => {
  const account = new Account().call({ route: `GET /${"long".repeat(40)}` });
  const snapshot = account.snapshot.bind(account);
  const most = "9999999999999999.999999999999";
  const balance = {
    available: most, held: "0", burned: "0", granted: most, expired: "0", balance: most,
  };
  account.snapshot = () => ({ ...snapshot(), balance });
  await live(account, async (page) => {
    await page.locator("summary").click();
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 360, `${width} px wide`);
  }, { viewport: { width: 360, height: 740 } });
});

test("the chart's table opens by keyboard and holds the chart's numbers", async () => {
  const at = Date.now() - 5000;
  const account = new Account().call({ at, cost: 3n }).call({ at, cost: 3n });
  await live(account, async (page) => {
    await page.keyboard.press("Tab");
    assert.equal(await focused(page, "id"), "tab-now");
    await page.keyboard.press("Tab");
    assert.equal(await focused(page, "tagName"), "SUMMARY");
    await page.keyboard.press("Enter");
    await eventually(async () => (await page.locator("#seconds-rows td").count()) === 3, "a row");
    const cells = await page.locator("#seconds-rows td").allTextContents();
    assert.deepEqual(cells.slice(1), ["2", "0.6"]);
    await page.keyboard.press("Tab");
    assert.equal(await focused(page, "className"), "scroll");
  });
});

test("new calls light up, unless motion is unwelcome", async () => {
  for (const [reducedMotion, expected] of [["no-preference", "arrive"], ["reduce", "none"]]) {
    const account = new Account();
    await live(account.call(), async (page, [connection]) => {
      connection.send(account.call().delta());
      const rows = page.locator("#recent-rows tr");
      await eventually(async () => (await rows.count()) === 2, "the new call");
      const animations = await rows.evaluateAll(
        (nodes) => nodes.map((node) => getComputedStyle(node).animationName),
      );
      assert.deepEqual(animations, [expected, "none"]);
    }, { reducedMotion });
  }
});
