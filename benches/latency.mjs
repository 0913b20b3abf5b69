/**
 * What edgemeter adds to a request's time while it pays from leases: at a fixed, moderate rate,
 * beside the pass-through, in rounds that alternate. A figure is the median of the rounds'
 * differences, since neighbours in time share what else the machine is doing.
 */
import { median, rounded, row } from "./figures.mjs";
import { openLoop } from "./open.mjs";
import { burned, withPlatform } from "./platform.mjs";

export const about = "what edgemeter adds to a request's time, at a fixed rate";

/** Requests per second: a tenth of what one isolate can serve on a small machine. */
const RATE = 500;

export async function run({ rounds: wanted, seconds }) {
  return withPlatform({ beside: ["passthrough"] }, async ({ account, targets }) => {
    const names = Object.keys(targets);
    const rounds = [];
    let served = 0;
    for (let round = 0; round <= wanted; round++) {
      const measured = {};
      for (const name of round % 2 === 0 ? names : names.toReversed()) {
        measured[name] = await openLoop([targets[name]], { rate: RATE, seconds });
      }
      served += measured.edgemeter.answers;
      rounds.push(measured);
    }
    const charged = await burned(account);
    if (charged !== served) throw new Error(`charged ${charged} credits for ${served} answers`);
    return summary(names, rounds.slice(1));
  });
}

function summary(names, rounds) {
  const figures = { rate: RATE };
  const lines = [row([`${RATE} requests/s`, "p50 ms", "p99 ms"])];
  for (const name of names) {
    const of = (what) => median(rounds.map((round) => round[name][what]));
    figures[`${name}_p50_ms`] = rounded(of("p50"), 3);
    figures[`${name}_p99_ms`] = rounded(of("p99"), 3);
    lines.push(row([name, of("p50").toFixed(3), of("p99").toFixed(3)]));
  }
  const added = (what) =>
    median(rounds.map(({ edgemeter, passthrough }) => edgemeter[what] - passthrough[what]));
  figures.added_p50_ms = rounded(added("p50"), 3);
  figures.added_p99_ms = rounded(added("p99"), 3);
  lines.push(row(["added", figures.added_p50_ms.toFixed(3), figures.added_p99_ms.toFixed(3)]));
  return { figures, text: lines.join("\n") };
}
