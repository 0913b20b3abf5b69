/**
 * Files that leave the page: what a spreadsheet makes of them. No browser needed.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { csv, json } from "../../www/views/usage/export.js";
import { added, bucketsOf, readUsage, seriesOf, total } from "../../www/views/usage/read.js";

const row = (name, more = {}) =>
  ({ at: 0, of: [name], calls: 1, quantity: "1", credits: "-1.5", ...more });
const START = "1970-01-01T00:00:00.000Z";

test("what a spreadsheet would run is a text, and numbers stay numbers", () => {
  for (const [name, field] of [
    ["GET /a", "GET /a"],
    ["=1+1", "'=1+1"],
    ["+49", "'+49"],
    ["-cmd", "'-cmd"],
    ["@sum", "'@sum"],
    ["\tx", "'\tx"],
    ["\rx", "\"'\rx\""],
    ['=HYPERLINK("http://x","y")', '"\'=HYPERLINK(""http://x"",""y"")"'],
    ["a,b", '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ["two\nlines", '"two\nlines"'],
    ["-5", "-5"],
    ["", ""],
  ]) {
    const [head, line] = csv(["route"], [row(name)]).split("\r\n");
    assert.equal(head, "start,route,calls,quantity,credits");
    assert.equal(line, `${START},${field},1,1,-1.5`, name);
  }
});

test("JSON holds the question and every row as it was", () => {
  const question = { from: 0, to: 1, step: "day", by: ["key"] };
  assert.deepEqual(JSON.parse(json(question, [row("=1")])), { ...question, rows: [row("=1")] });
});

test("pages are added row by row, exactly", async () => {
  const most = "9999999999999999.999999999999";
  const pages = [
    { rows: [row("a", { credits: "0.1" }), row("b", { at: 5, credits: most })], next: 7 },
    { rows: [row("a", { credits: "0.2" })], next: 9 },
    { rows: [row("b", { at: 5, credits: "-0.000000000001" }), row("a", { at: 5 })], next: null },
  ];
  const asked = [];
  const api = { get: async (path) => (asked.push(path), pages[asked.length - 1]) };
  const rows = await readUsage(api, { from: 0, to: 10, step: "hour", by: ["route"] });
  assert.equal(asked[2], "usage?from=0&to=10&step=hour&by=route&after=9");
  const found = rows.map(({ at, of, calls, credits }) => [at, of[0], calls, credits]);
  assert.deepEqual(found.sort(), [
    [0, "a", 2, "0.3"], [5, "a", 1, "-1.5"], [5, "b", 2, "9999999999999999.999999999998"],
  ]);
  assert.equal(total(rows, "quantity"), "5");
  assert.deepEqual(seriesOf(rows, "credits").map(({ name }) => name), ["b", "a"]);
  assert.equal(bucketsOf(rows).get(5).calls, 3);
  assert.deepEqual(added(rows[0], rows[0]).calls, rows[0].calls * 2);
});
