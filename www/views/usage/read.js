/**
 * The usage report, all its pages, and sums over it: exact, whatever is added.
 *
 *   GET …/usage?step=hour&by=charge ─ pages ─▶ rows ─▶ series by name, buckets by time
 */

import { plus } from "../decimals.js";

/** @typedef {{at: number, of: string[], calls: number, quantity: string, credits: string}} Row */
/** @typedef {{calls: number, quantity: string, credits: string}} Sums */
/** @typedef {{from: number, to: number, step: "hour" | "day" | "all", by: string[]}} Question */
/** @typedef {{name: string, sums: Sums, at: Map<number, Sums>}} Series */

/** @type {Sums} */
export const NOTHING = { calls: 0, quantity: "0", credits: "0" };

/**
 * All rows that answer a question, one per time and name.
 *
 * @param {import("../../api.js").Api} api
 * @param {Question} question
 * @param {AbortSignal} [signal]
 * @returns {Promise<Row[]>}
 */
export async function readUsage(api, { from, to, step, by }, signal) {
  const query = new URLSearchParams({ from: `${from}`, to: `${to}`, step, by: by.join(",") });
  /** @type {Map<string, Row>} */
  const rows = new Map();
  for (let after = null; ;) {
    if (after !== null) query.set("after", `${after}`);
    const page = await api.get(`usage?${query}`, signal);
    for (const row of page.rows) {
      const name = JSON.stringify([row.at, row.of]);
      const known = rows.get(name);
      rows.set(name, known ? { ...row, ...added(known, row) } : row);
    }
    if (page.next === null || page.next === undefined) break;
    after = page.next;
  }
  return [...rows.values()].sort((a, b) => a.at - b.at);
}

/** @param {Sums} a @param {Sums} b @returns {Sums} */
export function added(a, b) {
  return {
    calls: a.calls + b.calls,
    quantity: plus(a.quantity, b.quantity),
    credits: plus(a.credits, b.credits),
  };
}

/** @param {Sums[]} rows @param {"quantity" | "credits"} of @returns {string} */
export function total(rows, of) {
  return rows.reduce((sum, row) => plus(sum, row[of]), "0");
}

/** @param {Sums[]} rows */
export function totals(rows) {
  return rows.reduce(added, NOTHING);
}

/**
 * Rows by the name of their first dimension, the largest of `measure` first.
 *
 * @param {Row[]} rows
 * @param {"calls" | "credits"} measure
 * @returns {Series[]}
 */
export function seriesOf(rows, measure) {
  /** @type {Map<string, Series>} */
  const all = new Map();
  for (const { at, of: [name = ""], ...sums } of rows) {
    const one = all.get(name) ?? { name, sums: NOTHING, at: new Map() };
    one.sums = added(one.sums, sums);
    one.at.set(at, added(one.at.get(at) ?? NOTHING, sums));
    all.set(name, one);
  }
  const size = (/** @type {Series} */ one) => Number(one.sums[measure]);
  return [...all.values()].sort((a, b) => size(b) - size(a) || (a.name < b.name ? -1 : 1));
}

/**
 * Rows by time.
 *
 * @param {Row[]} rows
 * @returns {Map<number, Sums>}
 */
export function bucketsOf(rows) {
  const all = new Map();
  for (const row of rows) all.set(row.at, added(all.get(row.at) ?? NOTHING, row));
  return all;
}
