/**
 * Rating side by side with what a user would pick instead, one after another on one machine:
 *
 *   native      edgemeter's core, compiled for this machine (benches/rating.rs)
 *   wasm        the same, as a host's page loads it (dist/preview/preview_bg.wasm), in this Node
 *   decimaljs   decimal.js      bigjs   big.js      bigint   V8's BigInt, fixed point
 *
 * All five do the same work, from text to text: a JSON question with a graduated price of five
 * tiers and the quantities of many events comes in, a JSON array of what each event costs on top
 * of those before it goes out. Each finds the event's tier, makes one product, and takes off what
 * it had before. All answers must be the same before anything is measured.
 *
 * These quantities have three places at most, and a plain tiered price of them is counted in whole
 * numbers; the figures `general` are of quantities with five places, which take the way of every
 * other price.
 *
 * A million events, as rows of a table with id, time and quantity, are previewed as an invoice in
 * Chromium: told apart, metered, rated and billed. A page is fresh for each figure, since nobody
 * previews twice what did not change; `again` is the same page a second time.
 *
 * Rounds of the four in this process are interleaved, every other one backwards; a figure is the
 * median of its rounds, and a ratio is the median of the rounds' ratios, since neighbours in time
 * share what else the machine is doing. The native part runs before them, in a process of its own.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Big from "big.js";
import { Decimal } from "decimal.js";
import { build } from "../scripts/build.mjs";
import { Hint, log, ROOT, run as runCommand } from "../scripts/processes.mjs";
import { startBrowser } from "../tests/page/browser.mjs";
import { median } from "./figures.mjs";

export const about = "native, wasm, decimal.js, big.js and BigInt, ratings per second";

const EVENTS = 100_000;
const MILLION = 1_000_000;
/** Fresh pages that preview a million events. */
const PAGES = 5;
/** CloudEvents of one preview. */
const CLOUD_EVENTS = 100_000;
const TIERS = [1, 10, 100, 1_000];
/** Powers of ten at which the running total begins. */
const TOTALS = [0, 3, 6, 9, 12];

/** Tiers that spread over so many units, as in benches/rating.rs. */
function tiers(count, units) {
  return Array.from({ length: count }, (_, index) => {
    const unit_price = `0.000${999 - ((index + 1) % 900)}`;
    const up_to = String(Math.floor((units * (index + 1)) / count) + index + 1);
    return index + 1 === count ? { unit_price } : { up_to, unit_price };
  });
}

/** Quantities with up to three places, or five, the same ones in every run. */
function quantities(count, { fine = false } = {}) {
  let state = 1;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    const thousandths = state >>> 21;
    const quantity = state & 0x1000 ? String(thousandths / 1_000) : String(thousandths >> 8);
    if (!fine) return quantity;
    return `${quantity.split(".")[0]}.${String(1 + (state % 99_999)).padStart(5, "0")}`;
  });
}

function planOf(price) {
  const charge = { id: "tokens", unit: "currency", price: { model: "graduated", tiers: price } };
  return { id: "bench", version: 1, currency: "USD", charges: [charge] };
}

/** The question of `uses`, in order, under a graduated price of so many tiers. */
function question(count, uses, more = {}) {
  const plan = planOf(tiers(count, uses.length));
  return JSON.stringify({ plan, uses: { tokens: uses }, ...more });
}

/** A contender that works on the parsed question. */
function fromText(rate) {
  return (text) => {
    const { plan, uses } = JSON.parse(text);
    return JSON.stringify(rate(plan.charges[0].price.tiers, uses.tokens));
  };
}

/** With a library of decimals. Keeps what the event before has left, as edgemeter does. */
function withDecimals(make) {
  return (price, uses) => {
    let [above, below] = [make("0"), make("0")];
    const rungs = price.map(({ up_to, unit_price }) => {
      const rung = { above, below, unit: make(unit_price), upTo: up_to && make(up_to) };
      if (up_to) {
        below = below.plus(rung.upTo.minus(above).times(rung.unit));
        above = rung.upTo;
      }
      return rung;
    });
    let [total, before] = [make("0"), make("0")];
    return uses.map((text) => {
      total = total.plus(make(text));
      const rung = rungs.find(({ upTo }) => !upTo || total.lte(upTo));
      const cost = total.minus(rung.above).times(rung.unit).plus(rung.below);
      const marginal = cost.minus(before);
      before = cost;
      return marginal.toFixed();
    });
  };
}

/** In BigInt: thousandths of a unit, and 10^-9 of the currency. */
function withBigInt(price, uses) {
  const QUANTITY = 3;
  const PRICE = 6;
  const read = (text, places) => {
    const point = text.indexOf(".");
    if (point < 0) return BigInt(text) * 10n ** BigInt(places);
    return BigInt(text.slice(0, point) + text.slice(point + 1).padEnd(places, "0"));
  };
  const write = (value) => {
    const digits = String(value).padStart(QUANTITY + PRICE + 1, "0");
    const point = digits.length - QUANTITY - PRICE;
    const fraction = digits.slice(point).replace(/0+$/, "");
    return fraction === "" ? digits.slice(0, point) : `${digits.slice(0, point)}.${fraction}`;
  };
  let [above, below] = [0n, 0n];
  const rungs = price.map(({ up_to, unit_price }) => {
    const upTo = up_to && read(up_to, QUANTITY);
    const rung = { above, below, unit: read(unit_price, PRICE), upTo };
    if (up_to) {
      below += (upTo - above) * rung.unit;
      above = upTo;
    }
    return rung;
  });
  let [total, before] = [0n, 0n];
  return uses.map((text) => {
    total += read(text, QUANTITY);
    const rung = rungs.find(({ upTo }) => upTo === undefined || total <= upTo);
    const cost = (total - rung.above) * rung.unit + rung.below;
    const marginal = cost - before;
    before = cost;
    return write(marginal);
  });
}

/** The page's preview, in this Node. */
async function preview() {
  // Chromium is started for a page that has all its parts.
  await build(["page", "preview"]);
  const { initSync, rate } = await import("../dist/preview/preview.js");
  initSync({ module: readFileSync(join(ROOT, "dist", "preview", "preview_bg.wasm")) });
  const encoder = new TextEncoder();
  return (text) => rate(encoder.encode(text));
}

/** Runs benches/rating.rs: its figures by the names of their cases, and its answer. */
async function native(text) {
  await runCommand("cargo", ["bench", "--bench", "rating", "--no-run"]);
  const dir = mkdtempSync(join(tmpdir(), "edgemeter-bench-"));
  try {
    const file = join(dir, "question.json");
    writeFileSync(file, text);
    const env = { ...process.env, EDGEMETER_QUESTION: file };
    const options = { cwd: ROOT, encoding: "utf8", env, maxBuffer: 1 << 28 };
    const { status, stdout, stderr } = spawnSync("cargo", ["bench", "--bench", "rating"], options);
    if (status !== 0) throw new Hint(`cargo bench failed:\n${stderr}`);
    const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
    const figures = lines.map((line) => JSON.parse(line)).map((line) => [line.case, line.per_s]);
    return { figures: Object.fromEntries(figures), answer: readFileSync(`${file}.answer`, "utf8") };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const marginals = (answer) => /"marginals":(\[[^\]]*\])/.exec(answer)?.[1];

function milliseconds(work) {
  const begun = performance.now();
  work();
  return performance.now() - begun;
}

const perSecond = (count, work) => (count / milliseconds(work)) * 1_000;

/** All contenders' answers to one question must be the same text. */
function agree(contenders, text) {
  const answers = Object.entries(contenders).map(([name, rate]) => [name, rate(text)]);
  const [, expected] = answers[0];
  const other = answers.find(([, answer]) => answer !== expected || answer === undefined);
  if (other) throw new Hint(`rating: ${other[0]} answers otherwise than ${answers[0][0]}`);
}

/** So many CloudEvents that a sum over their tokens meters. */
function cloudEvents(count) {
  const plan = planOf(tiers(5, count));
  const meter = { id: "tokens", event_type: "completion", aggregation: "sum" };
  plan.meters = [{ ...meter, property: "/tokens" }];
  plan.charges[0].meter = "tokens";
  const events = quantities(count).map((tokens, index) => ({
    specversion: "1.0",
    id: `op-${index}`,
    source: "/gateway",
    type: "completion",
    subject: "acme",
    time: new Date(Date.UTC(2026, 0, 1) + index * 1_000).toISOString(),
    data: { tokens },
  }));
  return JSON.stringify({ plan, events, invoice: INVOICE });
}

/** A million events as a table, in bytes. */
function eventTable(count) {
  const { plan, events, invoice } = JSON.parse(cloudEvents(1));
  const [{ source, type, subject }] = events;
  const start = Date.parse(events[0].time);
  const rows = quantities(count).map((tokens, index) => {
    return [`op-${index}`, new Date(start + index * 1_000).toISOString(), tokens];
  });
  const table = { columns: ["id", "time", "tokens"], source, type, subject, rows };
  plan.charges[0].price.tiers = tiers(5, count);
  return Buffer.from(JSON.stringify({ plan, table, invoice }));
}

/** Milliseconds of a preview of a million events in Chromium: the first of a page, and the next. */
async function inChromium() {
  log("rating: a million events in Chromium …");
  const [question, browser] = [eventTable(MILLION), await startBrowser()];
  const files = { "": "<!doctype html>", "question.json": question };
  for (const name of ["preview.js", "preview_bg.wasm"]) {
    files[name] = readFileSync(join(ROOT, "dist", "preview", name));
  }
  const types = { js: "text/javascript", wasm: "application/wasm", json: "application/json" };
  const times = [];
  const measure = async () => {
    const page = await browser.newPage();
    await page.route("http://bench.test/**", (route) => {
      const name = new URL(route.request().url()).pathname.slice(1);
      const contentType = types[name.split(".").at(-1)] ?? "text/html";
      return route.fulfill({ contentType, body: files[name] });
    });
    await page.goto("http://bench.test/");
    times.push(await page.evaluate(previewTwice, MILLION));
    await page.close();
  };
  try {
    for (let round = 0; round < PAGES; round += 1) await measure();
  } finally {
    await browser.close();
  }
  return {
    preview_million_events_ms: Math.round(median(times.map(([first]) => first))),
    preview_million_events_again_ms: Math.round(median(times.map(([, again]) => again))),
  };
}

/** Runs in the page. */
async function previewTwice(count) {
  const { default: init, rate } = await import("/preview.js");
  await init();
  const answer = await fetch("/question.json");
  const question = new Uint8Array(await answer.arrayBuffer());
  const times = [];
  for (let round = 0; round < 2; round += 1) {
    const begun = performance.now();
    const { invoice, error } = JSON.parse(rate(question));
    times.push(performance.now() - begun);
    if (!invoice) throw new Error(`no invoice of ${count} events: ${error?.message}`);
  }
  return times;
}

const INVOICE = { account: "acme", contract: "c-1", from: "2026-01-01" };

/** Rounds of all contenders, interleaved: events per second of each, a list per contender. */
function race(contenders, text, rounds) {
  const rates = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const entries = Object.entries(contenders);
    for (const [name, rate] of round % 2 === 0 ? entries : entries.toReversed()) {
      rates[name].push(perSecond(EVENTS, () => rate(text)));
    }
  }
  return rates;
}

/** What grows with the number of tiers, and with the total. */
function growth(rate, rounds) {
  const uses = quantities(EVENTS);
  const rated = (text) =>
    Math.round(median(Array.from({ length: rounds }, () => perSecond(EVENTS, () => rate(text)))));
  const figures = {};
  for (const count of TIERS) {
    figures[`wasm_tiers_${count}_per_s`] = rated(question(count, uses, { marginals: true }));
  }
  for (const power of TOTALS) {
    const usage = { tokens: { total: String(10 ** power) } };
    figures[`wasm_total_1e${power}_per_s`] = rated(question(5, uses, { marginals: true, usage }));
  }
  return figures;
}

function previews(rate, rounds) {
  const million = question(5, quantities(MILLION), { invoice: INVOICE });
  const events = cloudEvents(CLOUD_EVENTS);
  const check = (text) => {
    const { invoice } = JSON.parse(rate(text));
    if (!invoice?.totals) throw new Hint(`rating: no invoice of ${text.slice(0, 80)} …`);
  };
  check(million);
  check(events);
  const times = (text) => Array.from({ length: rounds }, () => milliseconds(() => rate(text)));
  return {
    preview_million_uses_ms: Math.round(median(times(million))),
    preview_cloudevents_per_s: Math.round((CLOUD_EVENTS / median(times(events))) * 1_000),
  };
}

/** How many times as fast as decimal.js the wasm is. */
function ratio({ wasm, decimaljs }) {
  return Number(median(wasm.map((rate, round) => rate / decimaljs[round])).toFixed(2));
}

/** @param {{ rounds: number }} options */
export async function run({ rounds }) {
  const rate = await preview();
  const contenders = {
    wasm: (text) => marginals(rate(text)),
    decimaljs: fromText(withDecimals((text) => new Decimal(text))),
    bigjs: fromText(withDecimals((text) => new Big(text))),
    bigint: fromText(withBigInt),
  };
  const text = question(5, quantities(EVENTS), { marginals: true });
  log("rating: compiling the native part …");
  const compiled = await native(text);
  agree({ native: () => marginals(compiled.answer), ...contenders }, text);
  const rates = race(contenders, text, rounds);
  const figures = { native_per_s: compiled.figures.question };
  for (const [name, list] of Object.entries(rates)) {
    figures[`${name}_per_s`] = Math.round(median(list));
  }
  figures.wasm_over_decimaljs = ratio(rates);
  const { bigint: _, ...decimals } = contenders;
  const fine = question(5, quantities(EVENTS, { fine: true }), { marginals: true });
  agree(decimals, fine);
  const general = race(decimals, fine, rounds);
  for (const [name, list] of Object.entries(general)) {
    figures[`${name}_general_per_s`] = Math.round(median(list));
  }
  figures.wasm_over_decimaljs_general = ratio(general);
  figures.native_marginal_per_s = compiled.figures.graduated_5_tiers;
  for (const count of TIERS) {
    figures[`native_tiers_${count}_per_s`] = compiled.figures[`graduated_tiers_${count}`];
  }
  for (const power of TOTALS) {
    figures[`native_total_1e${power}_per_s`] = compiled.figures[`graduated_total_1e${power}`];
  }
  Object.assign(figures, growth(rate, rounds), previews(rate, rounds), await inChromium());
  return { figures, text: table(figures) };
}

function table(figures) {
  const number = (value) => value.toLocaleString("en-US").padStart(14);
  const row = ([name, value]) => `  ${name.padEnd(28)}${number(value)}`;
  const rows = Object.entries(figures).map(row);
  return ["Rating: graduated price, marginals per second", ...rows].join("\n");
}
