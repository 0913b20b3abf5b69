/** Amounts and dates as people write them in the United States, Germany and Japan. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../edge/harness.mjs";
import { settled, startScenes } from "./scenes.mjs";

/** 2026-11-03 14:03:05 UTC, a Tuesday. */
const AT = Date.UTC(2026, 10, 3, 14, 3, 5);

/** What is written, by whom, and how; spaces of every kind stand as plain ones. */
const TABLE = [
  // what                      en-US           de-DE           ja-JP
  [["number", "12345.000006789"], "12,345.000006789", "12.345,000006789", "12,345.000006789"],
  [["number", "-1234"], "-1,234", "-1.234", "-1,234"],
  [["number", "0.000000000001"], "0.000000000001", "0,000000000001", "0.000000000001"],
  [["money", "1234.5", "USD"], "$1,234.50", "1.234,50 $", "$1,234.50"],
  [["money", "-1234.5", "EUR"], "-€1,234.50", "-1.234,50 €", "-€1,234.50"],
  [["money", "0.0001234", "USD"], "$0.0001234", "0,0001234 $", "$0.0001234"],
  [["money", "1234567", "JPY"], "¥1,234,567", "1.234.567 ¥", "￥1,234,567"],
  [["money", "1.5", "KWD"], "KWD 1.500", "1,500 KWD", "KWD 1.500"],
  [["date", AT], "Nov 3, 2026", "03.11.2026", "2026/11/03"],
  [["time", AT], "2:03:05 PM", "14:03:05", "14:03:05"],
  [["instant", AT], "Nov 3, 2026, 2:03 PM", "03.11.2026, 14:03", "2026/11/03 14:03"],
];
const LOCALES = ["en-US", "de-DE", "ja-JP"];
/** A fee of the customer's plan, and a day, as they stand on the invoice. */
const INVOICE = {
  "en-US": ["$49.00", /[A-Z][a-z]{2} \d{1,2}/],
  "de-DE": ["49,00 $", /\d{1,2}\.\d{1,2}\.|\d{1,2}\. [A-Z]/],
  "ja-JP": ["$49.00", /\d{4}\/\d{2}\/\d{2}|\d{1,2}月\d{1,2}日/],
};

let scenes;
before(async () => (scenes = await startScenes()));
after(() => scenes?.close());

const plain = (text) => text.replace(/\s/g, " ");

for (const [column, locale] of LOCALES.entries()) {
  test(`what people write: ${locale}`, async () => {
    await scenes.open("empty", async (page) => {
      const asked = TABLE.map(([call]) => call);
      const written = await page.evaluate(async ([calls, locale]) => {
        const { Format } = await import("./locale.js");
        const { loadCore } = await import("./core.js");
        const { write } = await loadCore();
        const format = new Format(locale, write);
        format.zone = "UTC";
        return calls.map(([method, ...values]) => format[method](...values));
      }, [asked, locale]);
      const wanted = TABLE.map((row) => row[column + 1]);
      assert.deepEqual(written.map(plain), wanted);
      const balance = await page.locator("edge-meter #balance").textContent();
      assert.equal(balance, ["5,000", "5.000", "5,000"][column]);
    }, { locale });
  });

  test(`what stands on the invoice: ${locale}`, async () => {
    await scenes.open("invoice", async (page) => {
      const text = plain(await page.locator("edge-meter #panel-invoice").innerText());
      const [fee, day] = INVOICE[locale];
      assert.ok(text.includes(fee), text);
      assert.match(text, day);
    }, { locale });
  });
}

test("recent calls stand in one zone, the contract's as soon as it is known", async () => {
  await scenes.open("now", async (page) => {
    const rows = page.locator("#recent-rows time");
    await rows.first().waitFor();
    const said = () => rows.evaluateAll((times) =>
      times.map(({ dateTime, textContent }) => [dateTime, textContent]));
    const written = (list, timeZone) => list.map(([at]) =>
      [at, new Intl.DateTimeFormat("en-US", { timeStyle: "medium", timeZone })
        .format(new Date(at))]);
    const before = await said();
    assert.deepEqual(before, written(before, "Asia/Tokyo"));
    await page.getByRole("tab", { name: "Invoice" }).click();
    await settled(page);
    await scenes.call();
    await page.getByRole("tab", { name: "Now" }).click();
    await eventually(async () => (await said())[0][0] !== before[0][0]);
    const then = await said();
    assert.deepEqual(then, written(then, "UTC"));
  }, { timezoneId: "Asia/Tokyo" });
});
