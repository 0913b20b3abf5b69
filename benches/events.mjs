/**
 * Events from elsewhere against one account object, over HTTP through the gateway: each of
 * --events comes twice, all copies shuffled, in batches of 1,000, four of them at a time; when half
 * of them are through, 1 % of the events are voided and 1 % amended, some before they came.
 *
 * It fails if what is burned is not what the clean set costs, to the last digit, by an arithmetic
 * of its own; or if the account's audit of its journal finds anything.
 *
 *   events per second   copies taken, duplicates included; and of the first tenth, nearly all new
 *   rows per event      that the object's statements wrote as the platform counts them
 */
import { Hint, log } from "../scripts/tools.mjs";
import { rounded, row } from "./figures.mjs";
import { json, operator } from "./operator.mjs";
import { withPlatform } from "./platform.mjs";

export const about = "events from elsewhere: per second at one account, rows of each, exactness";

const PER_BATCH = 1_000;
const CORRECTIONS = 200;
const AT_ONCE = 4;
const TIERS = [{ up_to: "500000", unit_price: "0.003" }, { up_to: null, unit_price: "0.002" }];
const MODELS = { small: "0.001", large: "0.03" };
const PLAN = {
  id: "elsewhere",
  version: 1,
  meters: [
    { id: "calls", event_type: "call", aggregation: "count" },
    {
      id: "tokens",
      event_type: "call",
      aggregation: "sum",
      property: "/tokens",
      dimensions: { model: "/model" },
    },
  ],
  charges: [
    {
      id: "calls",
      meter: "calls",
      unit: "credits",
      price: { model: "graduated", tiers: TIERS },
    },
    {
      id: "tokens",
      meter: "tokens",
      unit: "credits",
      price: {
        model: "matrix",
        entries: Object.entries(MODELS).map(([model, unit_price]) => ({
          when: { model },
          unit_price,
        })),
      },
    },
  ],
  credits: { burn_order: "standard", rollover: "none", at_zero: "block" },
};

/** Numbers below 2^32 that are the same in every run. */
function chance(seed) {
  let state = seed;
  return (end) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * end);
  };
}

function shuffle(list, below) {
  for (let i = list.length - 1; i > 0; i--) {
    const j = below(i + 1);
    [list[i], list[j]] = [list[j], list[i]];
  }
  return list;
}

const model = (n) => (n % 3 === 0 ? "large" : "small");
const named = (n) => ({ subject: "bench", source: `/region/${n % 4}`, id: `event-${n}` });
const event = (n, tokens, time) => ({
  specversion: "1.0",
  ...named(n),
  type: "call",
  time,
  data: { tokens, model: model(n) },
});

/** What the events cost that are not void, in thousandths of credits. */
function cost(tokens) {
  let [calls, sum] = [0, 0];
  for (let n = 0; n < tokens.length; n++) {
    if (tokens[n] < 0) continue;
    calls += 1;
    sum += tokens[n] * (model(n) === "large" ? 30 : 1);
  }
  return sum + Math.min(calls, 500_000) * 3 + Math.max(0, calls - 500_000) * 2;
}

/** Sends lists made of `list`, some at a time; how many had which outcome. */
async function send(call, path, list, size, make) {
  const counted = {};
  let next = 0;
  const client = async () => {
    while (next < list.length) {
      const part = list.slice(next, (next += size));
      const { events } = await call("POST", path, Array.from(part, make));
      for (const { status } of events) counted[status] = (counted[status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
  return counted;
}

async function timed(act) {
  const started = performance.now();
  const result = await act();
  return [(performance.now() - started) / 1_000, result];
}

async function measure(count, { urls }) {
  const { call, account, verify } = operator(urls[0]);
  await call("POST", "/plans", PLAN);
  await call("POST", "/accounts/bench/contract", { plan: "elsewhere", version: 1 });
  const below = chance(42);
  const tokens = Int32Array.from({ length: count }, () => below(1_000));
  const copies = shuffle(Uint32Array.from({ length: 2 * count }, (_, i) => i % count), below);
  const time = new Date().toISOString();
  const ingest = (from, to) =>
    send(call, "/events", copies.subarray(from, to), PER_BATCH, (n) => event(n, tokens[n], time));
  const rows = async () => (await json(`${urls[0]}/bench/object`)).rows;
  const before = await rows();
  const tenth = Math.floor(copies.length / 10);
  const [first] = await timed(() => ingest(0, tenth));
  log(`  the first ${tenth} copies: ${first.toFixed(1)} s`);
  const [more] = await timed(() => ingest(tenth, count));
  const written = await rows();
  const wrong = shuffle(Uint32Array.from({ length: count }, (_, i) => i), below);
  const corrected = wrong.subarray(0, Math.floor(count / 50));
  const truth = Int32Array.from(tokens);
  corrected.forEach((n, i) => (truth[n] = i % 2 === 0 ? -1 : below(1_000)));
  const correction = (n) => {
    const id = `fix-${n}`;
    return truth[n] < 0 ? { id, void: named(n) } : { id, amend: event(n, truth[n], time) };
  };
  const [fixing] = await timed(() =>
    send(call, "/events/corrections", corrected, CORRECTIONS, correction),
  );
  log(`  ${corrected.length} corrections: ${fixing.toFixed(1)} s`);
  const fixed = await rows();
  const [rest] = await timed(() => ingest(count, copies.length));
  const total = await rows();
  const { balance, audit } = await account("bench");
  const expected = cost(truth);
  if (Math.round(Number(balance.burned) * 1_000) !== expected || audit !== "ok") {
    throw new Hint(`burned ${balance.burned}, not ${expected / 1_000}; the audit says ${audit}`);
  }
  for (let from = 1; from; from = (await verify("bench", from)).next);
  return {
    copies: copies.length,
    per_second: Math.round(copies.length / (first + more + rest)),
    new_per_second: Math.round(tenth / first),
    corrections_per_second: Math.round(corrected.length / fixing),
    rows_per_event: rounded((total - before - (fixed - written)) / count, 4),
    rows_per_correction: rounded((fixed - written) / corrected.length, 2),
    burned: balance.burned,
  };
}

export async function run({ events }) {
  const figures = await withPlatform({ observed: true }, (bench) => measure(events, bench));
  const lines = [
    row(["copies", figures.copies]),
    row(["per second", figures.per_second]),
    row(["  nearly all new", figures.new_per_second]),
    row(["corrections/s", figures.corrections_per_second]),
    row(["rows per event", figures.rows_per_event]),
    row(["rows/correction", figures.rows_per_correction]),
    `burned ${figures.burned}: what the clean set costs, exactly`,
  ];
  return { figures, text: lines.join("\n") };
}
