/**
 * The gateway side by side with what a user would pick instead, one after another on one machine:
 *
 *   passthrough    a Worker that forwards the response untouched: the limit
 *   headers_only   what any gateway does to the headers of request and answer, and no metering
 *   handwritten    a Worker that makes one Durable Object call per request
 *   edgemeter      one account, funded with plenty, paid from leases
 *
 * All run in one workerd, before the same origin (benches/platform.mjs). Rounds are interleaved,
 * every other one backwards; a ratio is the median of the rounds' ratios, since neighbours in time
 * share what else the machine is doing. CPU is what the whole workerd process used per request,
 * load generator apart: it says more than requests per second when others use the machine as well.
 *
 * It fails if an answer is not 2xx, and if the account was not charged exactly what was served.
 */
import { readdirSync, readFileSync } from "node:fs";
import { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { Hint, log } from "../scripts/tools.mjs";
import { median, rounded, row } from "./figures.mjs";
import { loadGenerator } from "./load.mjs";
import { send } from "./open.mjs";
import { json } from "./operator.mjs";
import { burned, withPlatform } from "./platform.mjs";

export const about = "pass-through, hand-written and edgemeter, requests per second";

const WARM_UP_SECONDS = 2;
/** Requests of the last check, each awaited to its end. */
const CHECKED = 2_000;
const BESIDE = ["passthrough", "headers_only", "handwritten"];

/** `total` requests on `connections`, each awaited to its end; how many were 2xx. */
async function serve(target, total, connections) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  let [next, good] = [0, 0];
  const client = async () => {
    while (next < total) {
      next += 1;
      const status = await send(target, agent);
      if (status >= 200 && status < 300) good += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
  agent.destroy();
  return good;
}

/** CPU time of a process and its threads in ms; nothing where there is no /proc. */
function cpuMillis(pid) {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const nanos = threads.map((thread) =>
      Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]),
    );
    return nanos.reduce((sum, ns) => sum + ns, 0) / 1e6;
  } catch {
    return Number.NaN;
  }
}

/** One measurement; the count of what the origin served meanwhile goes with it. */
async function measure(load, bench, name, settings) {
  const served = () => json(`${bench.targets.passthrough.base}/served`);
  const [before, cpu] = [await served(), cpuMillis(bench.workerd.pid)];
  const measured = await load(bench.targets[name], settings);
  const millis = cpuMillis(bench.workerd.pid) - cpu;
  // What was on its way when the load ended has ended by then.
  await sleep(200);
  if (measured.errors > 0) {
    throw new Hint(
      `${name}: ${measured.errors} of ${measured.answers} answers were not 2xx, or broke\n` +
        bench.workerd.output(),
    );
  }
  const micros = (millis * 1_000) / measured.answers;
  return { ...measured, micros, served: (await served()) - before };
}

/**
 * What the account was charged is what was served. The load generator cuts its connections at the
 * end of a measurement, so of each round a request per connection may be charged and not counted;
 * then a counted number of requests must be charged exactly.
 */
async function check(bench, rounds, { connections }) {
  const answers = rounds.reduce((sum, round) => sum + round.edgemeter.answers, 0);
  const load = await burned(bench.account);
  if (load < answers || load > answers + connections * rounds.length) {
    throw new Hint(`edgemeter charged ${load} credits for ${answers} answers`);
  }
  const good = await serve(bench.targets.edgemeter, CHECKED, connections);
  const charged = (await burned(bench.account)) - load;
  if (charged !== good) throw new Hint(`edgemeter charged ${charged} credits for ${good} answers`);
}

/** Medians over the rounds; the ratios are medians of each round's own. */
function summary(names, rounds) {
  const figures = {};
  const lines = [row(["", "req/s", "p50 ms", "p99 ms", "of pass", "CPU µs", "of pass"])];
  for (const name of names) {
    const of = (what) => median(rounds.map((round) => round[name][what]));
    const share = (what) => median(rounds.map((r) => r[name][what] / r.passthrough[what]));
    figures[`${name}_rps`] = Math.round(of("rps"));
    figures[`${name}_p50_ms`] = rounded(of("p50"), 3);
    figures[`${name}_p99_ms`] = rounded(of("p99"), 3);
    const cells = [of("rps").toFixed(0), of("p50").toFixed(2), of("p99").toFixed(2)];
    cells.push(share("rps").toFixed(2));
    if (!Number.isNaN(of("micros"))) {
      figures[`${name}_cpu_us`] = rounded(of("micros"), 1);
      cells.push(of("micros").toFixed(1), share("micros").toFixed(2));
    }
    lines.push(row([name, ...cells]));
  }
  const ratio = (one, other) => median(rounds.map((round) => round[one].rps / round[other].rps));
  figures.edgemeter_of_passthrough = rounded(ratio("edgemeter", "passthrough"));
  figures.headers_only_of_passthrough = rounded(ratio("headers_only", "passthrough"));
  figures.edgemeter_of_headers_only = rounded(ratio("edgemeter", "headers_only"));
  figures.edgemeter_of_handwritten = rounded(ratio("edgemeter", "handwritten"));
  lines.push(`edgemeter is ${figures.edgemeter_of_handwritten} times the hand-written gateway`);
  return { figures, text: lines.join("\n") };
}

export async function run(settings) {
  const load = loadGenerator();
  return withPlatform({ beside: BESIDE }, async (bench) => {
    const names = Object.keys(bench.targets);
    const rounds = [];
    for (let round = 0; round <= settings.rounds; round++) {
      const seconds = round === 0 ? WARM_UP_SECONDS : settings.seconds;
      const measured = {};
      // Forwards and backwards in turn: what one leaves behind burdens the next.
      for (const name of round % 2 === 0 ? names : names.toReversed()) {
        measured[name] = await measure(load, bench, name, { ...settings, seconds });
      }
      rounds.push(measured);
      const rps = names.map((name) => `${name} ${Math.round(measured[name].rps)}`);
      log(`  ${round === 0 ? "warm-up" : `round ${round}`}: ${rps.join(", ")} req/s`);
    }
    await check(bench, rounds, settings);
    return summary(names, rounds.slice(1));
  });
}
