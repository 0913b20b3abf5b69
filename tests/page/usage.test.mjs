/**
 * Usage, with an answer that comes late or not at all: what stands there is always of one question,
 * in sight and in files; and nothing of the view outlives the element.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { settled, startScenes } from "./scenes.mjs";

let scenes;
before(async () => (scenes = await startScenes()));
after(() => scenes?.close());

const HOURLY = "**/v1/accounts/acme/usage?*step=hour*";
const press = (page, name) => page.getByRole("button", { name, exact: true }).click();
const choose = (page, name) => page.getByRole("tab", { name, exact: true }).click();
const text = (page, id) => page.locator(`#${id}`).textContent();
/** What the table counts in: "Day" or "Hour". */
const counted = (page) => page.locator("#panel-usage thead", { hasText: /^(Day|Hour)/ })
  .locator("th").first().textContent();

/** The file that CSV gives: what its name says, and whether its rows begin with days. */
async function file(page) {
  const given = page.waitForEvent("download");
  await press(page, "CSV");
  const download = await given;
  const [, ...rows] = (await readFile(await download.path(), "utf8")).trim().split("\r\n");
  assert.ok(rows.length > 0);
  const step = download.suggestedFilename().match(/-(day|hour)-/)?.[1];
  return { step, days: rows.every((row) => row.includes("T00:00:00.000Z")) };
}

test("a zoom ends with the step that it was made in", async () => {
  await scenes.open("usage", async (page) => {
    const whole = await text(page, "usage-total");
    await page.locator(".chart").focus();
    for (let closer = 0; closer < 3; closer++) await page.keyboard.press("+");
    assert.notEqual(await text(page, "usage-total"), whole);
    await press(page, "By hour");
    await settled(page);
    assert.equal(await text(page, "usage-total"), whole);
    assert.equal(await page.getByRole("button", { name: "Show all" }).isVisible(), false);
    await page.locator(".chart").focus();
    for (let closer = 0; closer < 6; closer++) await page.keyboard.press("+");
    await press(page, "By day");
    await settled(page);
    assert.equal(await text(page, "usage-total"), whole);
  });
});

test("an answer that never comes changes nothing of the one that is there", async () => {
  const refuse = (page) => page.route(HOURLY, (route) => route.fulfill({ status: 503 }));
  await scenes.open("usage", async (page) => {
    const credits = await text(page, "usage-total");
    await press(page, "By hour");
    await page.getByRole("button", { name: "Try again" }).waitFor();
    await press(page, "Calls");
    await press(page, "Credits");
    assert.equal(await text(page, "usage-total"), credits);
    assert.equal(await counted(page), "Day");
    assert.deepEqual(await file(page), { step: "day", days: true });
  }, { prepare: refuse, expected: /503/ });
});

test("a question that was left is asked again by who comes back", async () => {
  let held = true;
  const hold = (page) => page.route(HOURLY, (route) => (held ? undefined : route.continue()));
  await scenes.open("usage", async (page) => {
    const first = page.waitForRequest(/step=hour/);
    await press(page, "By hour");
    await first;
    await choose(page, "Now");
    held = false;
    await choose(page, "Usage");
    await page.locator("#panel-usage th", { hasText: "Hour" }).waitFor();
    await settled(page);
    assert.deepEqual(await file(page), { step: "hour", days: false });
  }, { prepare: hold });
});

test("the chart takes the colors of a host that changes its scheme", async () => {
  await scenes.open("usage", async (page) => {
    await page.locator(".uplot").evaluate((plot) => (plot.dataset.scheme = "light"));
    await page.locator("edge-meter").evaluate((meter) => (meter.style.colorScheme = "dark"));
    await page.locator(".uplot:not([data-scheme])").waitFor();
  }, { colorScheme: "light" });
});

test("of the chart, nothing is left when the element is gone", async () => {
  const watch = (page) => page.addInitScript(() => {
    const { addEventListener } = EventTarget.prototype;
    globalThis.listened = [];
    MediaQueryList.prototype.addEventListener = function (name, listener, options) {
      if (this.media.includes("color-scheme")) globalThis.listened.push(options?.signal);
      addEventListener.call(this, name, listener, options);
    };
  });
  await scenes.open("usage", async (page) => {
    // In a view that is not the one in sight.
    await choose(page, "Now");
    const left = await page.locator("edge-meter").evaluate((meter) => {
      const plot = meter.shadowRoot.querySelector(".uplot");
      meter.remove();
      return {
        drawn: plot.parentNode !== null,
        listened: globalThis.listened.map((signal) => signal?.aborted ?? false),
      };
    });
    assert.deepEqual(left, { drawn: false, listened: [true] });
  }, { prepare: watch });
});

test("of What if, the statement's memory is given back", async () => {
  await scenes.open("what-if", async (page) => {
    const freed = await page.locator("edge-meter").evaluate(async (meter) => {
      const { Statement } = await import("/edgemeter/pkg/bill.js");
      const { free } = Statement.prototype;
      let count = 0;
      Statement.prototype.free = function () {
        count += 1;
        free.call(this);
      };
      meter.remove();
      return count;
    });
    assert.equal(freed, 1);
  });
});
