/**
 * A streamed answer through edgemeter, which reads its usage on the way, beside the pass-through, and
 * beside a Worker that reads and writes each chunk by script and looks at none (`relay`):
 *
 *   first token    from sending a request to the first byte of its answer, of an origin that
 *                  answers at once and of one that takes 20 ms; request by request in turn
 *   small events   streams side by side, an event a write: events per second
 *   paced          32 streams side by side, 100 events a second each, as models write: events per
 *                  second, and from sending a request to the end of its answer
 *   large          one stream of 200 MB: MB per second, and what memory workerd takes for it
 *
 * Rounds alternate, every other one backwards; a ratio is the median of the rounds' own. It fails
 * if the account was not charged exactly what was streamed.
 */
import { readFileSync } from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import { Hint, log } from "../scripts/tools.mjs";
import { median, percentile, rounded, row } from "./figures.mjs";
import { burned, withPlatform } from "./platform.mjs";

export const about = "a stream's first token, throughput and memory, beside the pass-through";

const FIRST_MS = [0, 20];
/** Requests of each contender and origin in a round, and events of their answers. */
const ASKED = 150;
const SHORT = 20;
const SMALL_EVENTS = 5_000;
const PACED = { streams: 32, events: 200, each_ms: 10 };
/** 200 MB of events, in pieces of some 50 kB. */
const LARGE_EVENTS = 1_100_000;
const LARGE_PIECE = 256;
const LARGE_BYTES_MIN = 200e6;
/** Of every request, by what the origin says. */
const INPUT_TOKENS = 5;

const PATH = "/v1/chat/completions";
const price = (unit_price) => ({ model: "per_unit", unit_price });
const PLAN = {
  id: "bench-tokens",
  version: 1,
  charges: [
    { id: "input", unit: "credits", price: price("1") },
    { id: "output", unit: "credits", price: price("1") },
  ],
  credits: { burn_order: "standard", rollover: "none", at_zero: "block" },
};
const READS = {
  reader: "openai_chat",
  charges: { input: "input", output: "output" },
  output_max: String(LARGE_EVENTS),
};
const ROUTES = {
  unmatched: "refuse",
  routes: [{ method: "POST", path: PATH, usage: READS }],
};

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** One stream to its end: bytes, and ms to the first of them and to the last. */
function stream({ base, headers }, { first_ms = 0, each_ms = 0, events, per_piece = 1 }) {
  const messages = [{ role: "user", content: "one two three four five" }];
  const body = JSON.stringify({ model: "bench", max_tokens: events, messages, stream: true });
  const more = {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "stream-origin": JSON.stringify({ first_ms, each_ms, events, per_piece }),
  };
  return new Promise((resolve, reject) => {
    const sent = performance.now();
    const options = { method: "POST", headers: { ...headers, ...more }, agent };
    const outgoing = httpRequest(base + PATH, options, (answer) => {
      let [bytes, first] = [0, 0];
      answer.on("data", (chunk) => {
        first ||= performance.now() - sent;
        bytes += chunk.length;
      });
      answer.on("error", reject);
      answer.on("end", () => {
        const { statusCode: status } = answer;
        if (status === 200) resolve({ bytes, first, ms: performance.now() - sent, events });
        else reject(new Hint(`${base}${PATH} answered ${status}`));
      });
    });
    outgoing.on("error", reject).end(body);
  });
}

/** What a process takes of memory, in MB; nothing where there is no /proc. */
function memory(pid) {
  try {
    const [, kilobytes] = readFileSync(`/proc/${pid}/status`, "utf8").match(/^VmRSS:\s+(\d+)/m);
    return Number(kilobytes) / 1_024;
  } catch {
    return Number.NaN;
  }
}

/** Who streams how much is noted in `total`. */
function counted(total, target, wanted) {
  total.requests += 1;
  total.events += wanted.events;
  return stream(target, wanted);
}

async function firstTokens(targets, names, first_ms, totals) {
  const times = Object.fromEntries(names.map((name) => [name, []]));
  for (let i = 0; i < ASKED; i++) {
    for (const name of i % 2 === 0 ? names : names.toReversed()) {
      const { first } = await counted(totals[name], targets[name], { first_ms, events: SHORT });
      times[name].push(first);
    }
  }
  const of = (list) => ({ p50: median(list), p99: percentile(list, 0.99) });
  return Object.fromEntries(names.map((name) => [name, of(times[name])]));
}

/** Events per second of as many streams at once as there are connections. */
async function smallEvents(target, connections, total) {
  const started = performance.now();
  const one = () => counted(total, target, { events: SMALL_EVENTS });
  await Promise.all(Array.from({ length: connections }, one));
  return (SMALL_EVENTS * connections * 1_000) / (performance.now() - started);
}

/** The same at the pace of a model. */
async function paced(target, total) {
  const { streams, events, each_ms } = PACED;
  const started = performance.now();
  const one = () => counted(total, target, { events, each_ms });
  const ends = await Promise.all(Array.from({ length: streams }, one));
  const elapsed = performance.now() - started;
  return { events_ps: (events * streams * 1_000) / elapsed, ms: median(ends.map(({ ms }) => ms)) };
}

async function large(target, pid, total) {
  const before = memory(pid);
  let during = before;
  const watch = setInterval(() => (during = Math.max(during, memory(pid))), 20);
  const wanted = { events: LARGE_EVENTS, per_piece: LARGE_PIECE };
  const { bytes, ms } = await counted(total, target, wanted).finally(() => clearInterval(watch));
  if (bytes < LARGE_BYTES_MIN) throw new Hint(`only ${bytes} bytes arrived`);
  return { mbps: bytes / 1_000 / ms, before, during, after: memory(pid) };
}

async function round(bench, names, connections, totals) {
  const measured = { first: {}, small: {}, paced: {}, large: {} };
  for (const ms of FIRST_MS) {
    measured.first[ms] = await firstTokens(bench.targets, names, ms, totals);
  }
  for (const name of names) {
    measured.small[name] = await smallEvents(bench.targets[name], connections, totals[name]);
  }
  for (const name of names) {
    measured.paced[name] = await paced(bench.targets[name], totals[name]);
  }
  for (const name of names) {
    measured.large[name] = await large(bench.targets[name], bench.workerd.pid, totals[name]);
  }
  return measured;
}

/** What the account was charged is what was streamed. */
async function check(account, { requests, events }) {
  const [charged, streamed] = [await burned(account), requests * INPUT_TOKENS + events];
  if (charged !== streamed) throw new Hint(`charged ${charged} tokens for ${streamed}`);
}

function summary(names, rounds) {
  const figures = {};
  const lines = [row(["", ...names, "ratio"])];
  /** A line, its figures, and the ratio of edgemeter to the pass-through. */
  const tell = (figure, title, value, places = 2) => {
    const of = (name) => median(rounds.map((each) => value(each, name)));
    const ratio = median(rounds.map((r) => value(r, "edgemeter") / value(r, "passthrough")));
    for (const name of names) figures[`${name}_${figure}`] = rounded(of(name), places);
    figures[`${figure}_ratio`] = rounded(ratio, 3);
    lines.push(row([title, ...names.map((name) => of(name).toFixed(places)), ratio.toFixed(3)]));
  };
  for (const ms of FIRST_MS) {
    for (const p of ["p50", "p99"]) {
      const title = `${ms} ms, ${p} ms`;
      tell(`first_after_${ms}_${p}_ms`, title, (each, name) => each.first[ms][name][p], 3);
    }
  }
  tell("small_events_ps", "events/s", (each, name) => each.small[name], 0);
  tell("paced_events_ps", "paced: events/s", (each, name) => each.paced[name].events_ps, 0);
  tell("paced_ms", "paced: ms to the end", (each, name) => each.paced[name].ms, 0);
  tell("large_mbps", "200 MB: MB/s", (each, name) => each.large[name].mbps, 0);
  for (const when of ["before", "during", "after"]) {
    tell(`rss_${when}_mb`, `RSS ${when} MB`, (each, name) => each.large[name][when], 0);
  }
  return { figures, text: lines.join("\n") };
}

export async function run({ rounds: wanted, connections }) {
  const platform = { beside: ["passthrough", "relay"], origin: "stream_origin" };
  return withPlatform(platform, async (bench) => {
    await bench.change(PLAN, ROUTES);
    const names = Object.keys(bench.targets);
    const totals = Object.fromEntries(names.map((name) => [name, { requests: 0, events: 0 }]));
    const rounds = [];
    for (let number = 0; number <= wanted; number++) {
      const order = number % 2 === 0 ? names : names.toReversed();
      rounds.push(await round(bench, order, connections, totals));
      log(`  ${number === 0 ? "warm-up" : `round ${number}`}`);
    }
    await check(bench.account, totals.edgemeter);
    agent.destroy();
    return summary(names, rounds.slice(1));
  });
}
