/**
 * The gateways far from their object: 20 ms there and back, 10 ms each way, put around the
 * object's methods by benches/gateway/observed.js and distant_wallet.js. The origin takes 10 ms
 * over an answer. Everybody pays the origin; only who asks the object for each request pays the
 * distance as well.
 */
import { median, rounded, row } from "./figures.mjs";
import { openLoop } from "./open.mjs";
import { withPlatform } from "./platform.mjs";

export const about = "20 ms between gateway and account, 10 ms at the origin: p50 of each";

const DELAY_MS = 20;
/** Requests per second. */
const RATE = 200;

export async function run({ rounds: wanted, seconds }) {
  const platform = {
    observed: true,
    origin: "slow_origin",
    beside: ["passthrough", "distant_wallet"],
    settings: { BENCH_DELAY_MS: String(DELAY_MS) },
  };
  return withPlatform(platform, async ({ targets }) => {
    const names = Object.keys(targets);
    const rounds = [];
    for (let round = 0; round <= wanted; round++) {
      const measured = {};
      for (const name of round % 2 === 0 ? names : names.toReversed()) {
        measured[name] = await openLoop([targets[name]], { rate: RATE, seconds });
      }
      rounds.push(measured);
    }
    return summary(names, rounds.slice(1));
  });
}

function summary(names, rounds) {
  const figures = { rate: RATE, delay_ms: DELAY_MS };
  const lines = [row([`${RATE} requests/s`, "p50 ms", "p99 ms", "p50 of pass"])];
  for (const name of names) {
    const of = (what) => median(rounds.map((round) => round[name][what]));
    const share = median(rounds.map((round) => round[name].p50 / round.passthrough.p50));
    const figure = name === "distant_wallet" ? "handwritten" : name;
    figures[`${figure}_p50_ms`] = rounded(of("p50"), 3);
    figures[`${figure}_p99_ms`] = rounded(of("p99"), 3);
    figures[`${figure}_p50_of_passthrough`] = rounded(share, 3);
    const cells = [of("p50").toFixed(2), of("p99").toFixed(2), share.toFixed(3)];
    lines.push(row([figure, ...cells]));
  }
  return { figures, text: lines.join("\n") };
}
