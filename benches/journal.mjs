/**
 * A long journal: what an account of ten million operations costs to wake up, to burn on, to keep.
 *
 *   fill      reports of 1,000 operations each, through the real object in workerd, until it has
 *             --operations
 *   burn      direct debits, one after the other, on it and on an account of no history,
 *             interleaved; the ratio is the median of the rounds' ratios
 *   cold      rows are added, workerd is killed and started, another account is called so that
 *             the isolate is warm; then the first and the second call of the long one
 *   verify    the whole journal, by the live account's own audit
 *
 * It fails if the audit finds anything, or if a count is not what was sent.
 */
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { build } from "../scripts/build.mjs";
import { Hint, log, ROOT } from "../scripts/tools.mjs";
import { freePort, startWorkerd } from "../scripts/workerd.mjs";
import { median, rounded } from "./figures.mjs";
import { json, operator, SETTINGS } from "./operator.mjs";
import { directory } from "./platform.mjs";

export const about = "an account with a long journal: cold start, burns, bytes per operation";

/** Operations of one report, and reports of one call of the driver. */
const PER_ROW = 1_000;
const ROWS = 100;
/** Debits of one measurement. */
const DEBITS = 1_000;
const LONG = "long";

/** Everything in one workerd; `restart` kills it. */
async function start(dir) {
  const options = {
    dir,
    ports: [await freePort()],
    origin: { modules: [join(ROOT, "benches", "gateway", "origin.js")] },
    settings: SETTINGS,
    beside: [
      {
        name: "driver",
        port: await freePort(),
        modules: [join(ROOT, "benches", "journal", "driver.js")],
        accounts: true,
      },
    ],
  };
  let workerd = await startWorkerd(options);
  const post = (path, body) =>
    json(`http://127.0.0.1:${options.beside[0].port}${path}`, {
      method: "POST",
      body: JSON.stringify(body),
    });
  return {
    post,
    operator: operator(workerd.urls[0]),
    call: (account, message) => post("/call", { account, message }),
    stop: () => workerd.stop(),
    async restart() {
      await workerd.kill();
      workerd = await startWorkerd(options);
    },
  };
}

async function fill(bench, key, lease, rows) {
  const asked = { account: LONG, key, rows, per: PER_ROW };
  return bench.post("/fill", { ...asked, lease });
}

/** Bytes of the largest database: the long account's. */
function stored(dir) {
  const folder = join(dir, "storage", "edgemeter-Account");
  const sizes = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
  return Math.max(...sizes);
}

/** Burns on both in turn; calls per second of each, and the median of the rounds' ratios. */
async function burns(bench, keys, rounds) {
  const measured = [];
  for (let round = 0; round <= rounds; round++) {
    const rps = {};
    for (const account of round % 2 === 0 ? [LONG, "empty"] : ["empty", LONG]) {
      const asked = { account, key: keys[account].id, calls: DEBITS, from: round * DEBITS };
      const { ms } = await bench.post("/burn", asked);
      rps[account] = (DEBITS * 1_000) / ms;
    }
    if (round > 0) measured.push(rps);
    log(`  burn: long ${Math.round(rps[LONG])}, empty ${Math.round(rps.empty)} calls/s`);
  }
  return {
    long: median(measured.map((rps) => rps[LONG])),
    empty: median(measured.map((rps) => rps.empty)),
    // How much longer a burn takes.
    ratio: median(measured.map((rps) => rps.empty / rps[LONG])),
  };
}

async function timed(act) {
  const started = performance.now();
  await act();
  return performance.now() - started;
}

/** Kills, and wakes the account up; milliseconds of its first and of its second call. */
async function cold(bench, account) {
  await bench.restart();
  // Compiles what the platform compiles once per isolate.
  for (let i = 0; i < 3; i++) await bench.call("warm", "describe");
  const first = await timed(() => bench.call(account, "describe"));
  const second = await timed(() => bench.call(account, "describe"));
  return { first, second };
}

/** The live account's audit of itself, all parts of it. */
async function verify(bench) {
  const parts = [];
  for (let from = 1; from; from = parts.at(-1).next) {
    const started = performance.now();
    const part = await bench.operator.verify(LONG, from);
    parts.push({ ...part, ms: performance.now() - started });
  }
  return {
    parts: parts.length,
    operations: parts.reduce((sum, part) => sum + part.operations, 0),
    bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
    longest_ms: Math.max(...parts.map(({ ms }) => ms)),
    seconds: parts.reduce((sum, { ms }) => sum + ms, 0) / 1_000,
  };
}

export async function run({ operations, rounds }) {
  await build(["edge"]);
  // Memory where there is such a file system: a shared disk's mood would decide, not the journal.
  const dir = directory();
  const bench = await start(dir);
  try {
    const keys = await bench.operator.fund([LONG, "empty", "warm", "fresh"]);
    let lease = { id: "bench.l1", from: 0, seq: 0, granted: 0 };
    const rows = Math.ceil(operations / PER_ROW);
    for (let done = 0; done <= rows; done += ROWS) {
      lease = await fill(bench, keys[LONG].id, lease, Math.min(ROWS, rows + 1 - done));
      if (done % 2_000 === 0) log(`  fill: ${lease.from} operations`);
    }
    if (lease.from !== rows * PER_ROW) throw new Hint(`${lease.from} of ${operations} reported`);
    const burned = await burns(bench, keys, rounds);
    const starts = [];
    for (let round = 0; round < rounds; round++) {
      // How far the last checkpoint lies behind differs each time.
      lease = { ...lease, id: `bench.c${round}`, from: 0, seq: 0, granted: 0 };
      lease = await fill(bench, keys[LONG].id, lease, 1 + ((round * 7) % 24));
      starts.push(await cold(bench, LONG));
      log(`  cold: ${starts.at(-1).first.toFixed(1)} ms, then ${starts.at(-1).second.toFixed(1)}`);
    }
    const fresh = [];
    for (let round = 0; round < Math.min(3, rounds); round++) {
      fresh.push(await cold(bench, "fresh"));
    }
    const audit = await verify(bench);
    return summary({ burned, starts, fresh, audit, bytes: stored(dir) });
  } finally {
    await bench.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

function summary({ burned, starts, fresh, audit, bytes }) {
  const first = starts.map((cold) => cold.first);
  const figures = {
    operations: audit.operations,
    bytes_per_operation: rounded(bytes / audit.operations, 1),
    cold_start_ms: rounded(median(first), 1),
    cold_start_max_ms: rounded(Math.max(...first), 1),
    cold_start_of_empty_ms: rounded(median(fresh.map((cold) => cold.first)), 1),
    warm_call_ms: rounded(median(starts.map((cold) => cold.second)), 1),
    burn_per_second: Math.round(burned.long),
    burn_per_second_of_empty: Math.round(burned.empty),
    burn_ratio: rounded(burned.ratio),
    verify_parts: audit.parts,
    verify_longest_ms: rounded(audit.longest_ms, 0),
    verify_seconds: rounded(audit.seconds, 1),
  };
  const text = [
    `${figures.operations} operations, ${figures.bytes_per_operation} bytes each on disk`,
    `cold start   ${figures.cold_start_ms} ms (at most ${figures.cold_start_max_ms}), of an ` +
      `account without history ${figures.cold_start_of_empty_ms}; a warm call ` +
      `${figures.warm_call_ms}`,
    `burn         ${figures.burn_per_second} calls/s, without history ` +
      `${figures.burn_per_second_of_empty}: ${figures.burn_ratio} times the time`,
    `verify       ${figures.verify_seconds} s in ${figures.verify_parts} calls, the longest ` +
      `${figures.verify_longest_ms} ms`,
  ];
  return { figures, text: text.join("\n") };
}
