/**
 * Measures, on this machine, now: `npm run bench -- [options]`.
 *
 *   --only NAMES        benches to run, separated by commas; default: all
 *   --rounds N          rounds of each bench; the medians count (default 7)
 *   --seconds N         length of one measurement (default 3)
 *   --connections N     clients at once (default 16)
 *   --operations N      length of the long journal (default 10,000,000)
 *   --events N          events from elsewhere (default 1,000,000)
 *   --help
 *
 * A bench is a module that exports `about` and `run(options)`, which resolves with
 * `{ figures, text }`. All figures together are written to target/bench.json, one flat object of
 * `<bench>.<figure>`; the texts are for people. A run that fails writes nothing.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import { Hint, log, ROOT } from "../scripts/tools.mjs";
import * as control from "./control.mjs";
import * as cost from "./cost.mjs";
import * as distance from "./distance.mjs";
import * as events from "./events.mjs";
import * as gateway from "./gateway.mjs";
import * as journal from "./journal.mjs";
import * as latency from "./latency.mjs";
import * as rating from "./rating.mjs";
import * as stream from "./stream.mjs";

const BENCHES = {
  gateway,
  stream,
  latency,
  distance,
  cost,
  control,
  journal,
  events,
  rating,
};
const OUTPUT = join(ROOT, "target", "bench.json");

function help() {
  const head = readFileSync(fileURLToPath(import.meta.url), "utf8").split("*/", 1)[0];
  const text = head.replace(/^\/\*\*\n/, "").replace(/^ \* ?/gm, "");
  const benches = Object.entries(BENCHES).map(([name, { about }]) => `  ${name}  ${about}`);
  return `${text}\nBenches:\n${benches.join("\n")}\n`;
}

/** A whole number within limits, or a Hint. */
function whole(name, text, max) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > max) {
    throw new Hint(`--${name} ${text}: give a whole number from 1 to ${max}`);
  }
  return value;
}

function options() {
  try {
    return parseArgs({
      options: {
        only: { type: "string", default: Object.keys(BENCHES).join(",") },
        rounds: { type: "string", default: "7" },
        seconds: { type: "string", default: "3" },
        connections: { type: "string", default: "16" },
        operations: { type: "string", default: "10000000" },
        events: { type: "string", default: "1000000" },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    throw new Hint(`${error.message}; see npm run bench -- --help`);
  }
}

async function main() {
  const { help: wanted, only, ...numbers } = options();
  if (wanted) return process.stdout.write(help());
  const settings = {
    rounds: whole("rounds", numbers.rounds, 1_000),
    seconds: whole("seconds", numbers.seconds, 600),
    connections: whole("connections", numbers.connections, 1_024),
    operations: whole("operations", numbers.operations, 1_000_000_000),
    events: whole("events", numbers.events, 10_000_000),
  };
  const names = only.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !Object.hasOwn(BENCHES, name));
  if (unknown !== undefined) {
    throw new Hint(`--only ${unknown}: there are ${Object.keys(BENCHES).join(", ")}`);
  }
  const all = {};
  for (const name of names) {
    log(`${name}: ${BENCHES[name].about} …`);
    const { figures, text } = await BENCHES[name].run(settings);
    for (const [figure, value] of Object.entries(figures)) all[`${name}.${figure}`] = value;
    process.stdout.write(`\n${text}\n`);
  }
  mkdirSync(join(ROOT, "target"), { recursive: true });
  writeFileSync(OUTPUT, `${JSON.stringify(all, undefined, 2)}\n`);
  log(`written to ${OUTPUT}`);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof Hint)) throw error;
  log(`bench: ${error.message}`);
  process.exitCode = 1;
}
