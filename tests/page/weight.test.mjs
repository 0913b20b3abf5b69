/**
 * What a customer waits for: bytes as they are served, and the time to the first live number, both
 * by the browser's own records.
 */
import assert from "node:assert/strict";
import { loadavg } from "node:os";
import { after, before, test } from "node:test";
import { BUDGETS } from "../../scripts/size.mjs";
import { ATTEMPTS, busy } from "./patience.mjs";
import { settled, startScenes, VIEWS } from "./scenes.mjs";

/** Of the built file, and of all that it loads by itself. */
const budget = (name) => BUDGETS.find(({ what }) => what === `dist/www/${name}`).bytes_max;
const PAGE_BYTES_MAX = budget("index.html");
const WASM_BYTES_MAX = budget("pkg/edgemeter_bg.wasm");
const BILL_BYTES_MAX = budget("pkg/bill_bg.wasm");
const FIRST_NUMBER_MS_MAX = 500;
const ROUNDS = 5;

let scenes;
before(async () => (scenes = await startScenes()));
after(() => scenes?.close());

/** Everything that was loaded, by address, in bytes on the wire; the account's answers are not. */
const loaded = (page) => page.evaluate(() => {
  const entries = ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type));
  return entries
    .map(({ name, encodedBodySize }) => [new URL(name).pathname, encodedBodySize])
    .filter(([path]) => path.startsWith("/edgemeter/"));
});

const sum = (list) => list.reduce((total, [, bytes]) => total + bytes, 0);
const isWasm = ([path]) => path.endsWith(".wasm");

/** What was loaded up to now: none of it empty, none of it twice. */
async function weighed(page, when) {
  const entries = await loaded(page);
  assert.ok(entries.every(([, bytes]) => bytes > 0), JSON.stringify(entries));
  // A preload that does not fit its import is loaded twice; an icon comes with each address.
  const names = entries.map(([path]) => path).filter((path) => !path.endsWith("/icon.svg"));
  assert.deepEqual(names.filter((path, at) => names.indexOf(path) !== at), []);
  console.log(`${when}: ${sum(entries)} bytes, of them wasm: ${sum(entries.filter(isWasm))}`);
  for (const [path, bytes] of entries.sort(([, a], [, b]) => b - a)) console.log(bytes, path);
  return entries;
}

test("what loads until numbers show is under the budget; a bill's wasm waits for it", async () => {
  await scenes.open("now", async (page) => {
    const first = await weighed(page, "first view");
    const wasm = first.filter(isWasm);
    assert.deepEqual(wasm.map(([path]) => path), ["/edgemeter/pkg/edgemeter_bg.wasm"]);
    assert.ok(sum(wasm) < WASM_BYTES_MAX, `wasm: ${sum(wasm)} bytes`);
    assert.ok(sum(first) < PAGE_BYTES_MAX, `${sum(first)} bytes`);
    const open = async (view) => {
      await page.locator(`edge-meter [data-view=${view}]`).click();
      await settled(page);
    };
    await open("usage");
    assert.equal((await loaded(page)).filter(isWasm).length, 1);
    for (const view of [...VIEWS.slice(2), VIEWS[0]]) await open(view);
    const all = await weighed(page, "every view");
    const lazy = all.filter(isWasm).filter(([path]) => !wasm.some(([name]) => name === path));
    assert.deepEqual(lazy.map(([path]) => path), ["/edgemeter/pkg/bill_bg.wasm"]);
    assert.ok(sum(lazy) < BILL_BYTES_MAX, `${sum(lazy)} bytes`);
  });
});

test("the first live number is there in time", async () => {
  const medians = [];
  const inTime = () => Math.min(...medians) < FIRST_NUMBER_MS_MAX * busy();
  while (medians.length < ATTEMPTS && !inTime()) {
    const times = [];
    for (let round = 0; round < ROUNDS; round++) {
      await scenes.open("now", async (page) => {
        times.push(await page.evaluate(() =>
          performance.getEntriesByName("edge-meter:live")[0].startTime));
      });
    }
    times.sort((a, b) => a - b);
    medians.push(times[Math.floor(ROUNDS / 2)]);
    const said = times.map((ms) => ms.toFixed(0)).join(", ");
    console.log(`first number after ${said} ms; load ${loadavg()[0].toFixed(1)}`);
  }
  assert.ok(inTime(), `medians: ${medians} ms`);
});
