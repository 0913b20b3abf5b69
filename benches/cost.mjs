/**
 * What metering costs on the platform: 20 requests per second at each of four isolates, for a
 * minute, through the real gateway. Calls of the account object, rows that its statements wrote as
 * the platform counts them, and alarms set, which are billed as rows, are counted around the
 * object (benches/gateway/observed.js) from when the leases have settled in; the price is the
 * platform's for exactly these, without the Worker requests that a pass-through pays as well.
 *
 *   rows written   $1.00 per million     SQLite-backed Durable Objects, Workers Paid, beyond
 *   calls          $0.15 per million     what the plan includes
 *   duration       $12.50 per million GB-s, 128 MB, as if the object were always active
 *
 * Duration is told apart: it depends on the hour, not on the requests, and with the traffic of a
 * single small account it is the largest part.
 */
import { rounded, row } from "./figures.mjs";
import { openLoop } from "./open.mjs";
import { json } from "./operator.mjs";
import { withPlatform } from "./platform.mjs";

export const about = "rows written and calls per million requests, and the platform's price";

const ISOLATES = 4;
/** Requests per second of one isolate. */
const RATE = 20;
const SETTLING_SECONDS = 5;
const SECONDS = 60;
const DOLLARS_PER_ROW = 1.0 / 1e6;
const DOLLARS_PER_CALL = 0.15 / 1e6;
const DOLLARS_PER_SECOND = (12.5 / 1e6) * 0.128;

export async function run() {
  const platform = { isolates: ISOLATES, observed: true };
  return withPlatform(platform, async ({ account, key, urls }) => {
    const targets = urls.map((url) => ({ url: `${url}/words`, headers: { "x-api-key": key.key } }));
    const load = (seconds) => openLoop(targets, { rate: RATE * ISOLATES, seconds });
    const counts = async () => {
      const { journal_rows } = await account();
      // Asking for the account was a call as well.
      const { calls, rows, alarms } = await json(`${urls[0]}/bench/object`);
      return { calls: calls - 1, rows, alarms, journal: journal_rows };
    };
    await load(SETTLING_SECONDS);
    const before = await counts();
    const { answers } = await load(SECONDS);
    const after = await counts();
    const did = Object.fromEntries(
      Object.keys(before).map((what) => [what, after[what] - before[what]]),
    );
    // The first question's call came after it was counted.
    did.calls -= 1;
    return summary(did, answers);
  });
}

function summary({ calls, rows, alarms, journal }, requests) {
  const million = (count) => Math.round((count * 1e6) / requests);
  const written = (rows + alarms) * DOLLARS_PER_ROW;
  const asked = calls * DOLLARS_PER_CALL;
  const dollars = (sum) => rounded((sum * 1e6) / requests, 4);
  const figures = {
    requests,
    calls_per_million: million(calls),
    rows_per_million: million(rows + alarms),
    alarms_per_million: million(alarms),
    journal_rows_per_million: million(journal),
    dollars_per_million: dollars(written + asked),
    duration_dollars_per_million: dollars(SECONDS * DOLLARS_PER_SECOND),
  };
  const lines = [
    row([`${ISOLATES} × ${RATE} requests/s`, "per million", "dollars"]),
    row(["rows written", figures.rows_per_million, dollars(written)]),
    row(["  of them alarms", figures.alarms_per_million, dollars(alarms * DOLLARS_PER_ROW)]),
    row(["calls", figures.calls_per_million, dollars(asked)]),
    row(["metering", "", figures.dollars_per_million]),
    row(["duration", "", figures.duration_dollars_per_million]),
  ];
  return { figures, text: lines.join("\n") };
}
