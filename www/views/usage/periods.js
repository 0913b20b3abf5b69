/**
 * The stretches of time that usage is shown of: the period that runs, and the one before it.
 */

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** @typedef {{from: number, to: number}} Stretch half-open, in ms */
/** @typedef {{now: Stretch, before: Stretch, names: Map<string, string>}} Periods `names` of the
 *   plans' charges, as the invoice has them */

/**
 * The contract's period and zone, from the statement; for an account without one, thirty days.
 *
 * @param {import("../index.js").Context} context
 * @param {AbortSignal} signal
 * @returns {Promise<Periods>}
 */
export async function readPeriods({ api, format, state }, signal) {
  const statement = await api.get("statement", signal).catch((error) => {
    signal.throwIfAborted();
    if (error.status === 401 || error.status === 0) throw error;
    return undefined;
  });
  if (!statement) {
    const to = format.midnight(state.now()) + DAY_MS;
    const now = { from: to - 30 * DAY_MS, to };
    return { now, before: before(now), names: new Map() };
  }
  format.zone = statement.contract.zone.name;
  const { start, end, index } = statement.period;
  const now = { from: start, to: end };
  const names = new Map(statement.stretches.flatMap((/** @type {any} */ { plan }) =>
    plan.charges.map((/** @type {any} */ { id, name }) => [id, name || id])));
  if (index === 0) return { now, before: before(now), names };
  const { invoices } = await api.get("invoices", signal).catch(() => ({ invoices: [] }));
  const last = invoices.find((/** @type {any} */ invoice) => invoice.index === index - 1);
  if (!last) return { now, before: before(now), names };
  // A day of the calendar begins at midnight of the contract's zone.
  const from = format.midnight(Date.parse(last.first) + DAY_MS / 2);
  return { now, before: { from, to: start }, names };
}

/** As long a time before. */
function before(/** @type {Stretch} */ { from, to }) {
  return { from: from - (to - from), to: from };
}

/**
 * Where the buckets of a stretch begin. Days are those of the zone; an hour is an hour.
 *
 * @param {Stretch} stretch
 * @param {"hour" | "day"} step
 * @param {import("../../locale.js").Format} format
 */
export function starts({ from, to }, step, format) {
  const all = [];
  if (step === "hour") {
    for (let at = from; at < to; at += HOUR_MS) all.push(at);
    return all;
  }
  // Noon is on its day whatever its clock does.
  for (let at = from; at < to; at = format.midnight(at + 1.5 * DAY_MS)) all.push(at);
  return all;
}
