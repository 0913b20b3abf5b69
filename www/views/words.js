/**
 * The core's names in the customer's words: rules of a sum, reasons.
 *
 * A name that is not known here shows as it is, so that a new rule is never hidden.
 */

import { isZero } from "./decimals.js";

const RULES = {
  convert: "Converted",
  round: "Quantity rounded",
  included: "Included units taken off",
  per_unit: "Price per unit",
  package: "By the package",
  graduated: "By tiers, each at its own price",
  volume: "All units at the price of the tier reached",
  stairstep: "Price of the tier reached",
  percentage: "Part of the value",
  graduated_percentage: "Part of the value, by tiers",
  matrix: "A price for each combination",
  dynamic: "The price comes with each event",
  discount: "Discount",
  maximum: "At most",
  minimum: "At least",
  round_amount: "Amount rounded",
};

const FUNCTIONS = { ceiling: "round up", floor: "round down", half_up: "round" };

const ORDER = {
  first: "First in line",
  priority: "Lower priority",
  expiry: "Ends later",
  kind: "Bought credits burn after free ones",
  effective_at: "Came later",
  id: "By its name",
};

const lookUp = (/** @type {Record<string, string>} */ table, /** @type {string} */ name) =>
  Object.hasOwn(table, name) ? table[name] : name.replaceAll("_", " ");

/** @typedef {{number: (text: string) => string, instant: (ms: number) => string}} Format */

/**
 * What a step does, and to what.
 * @param {{rule: string, about: string}} step
 * @param {Format} format
 */
export function ruleWords({ rule, about }, format) {
  if (rule === "tier") return tierWords(about, format);
  if (rule === "window") return `Window of ${format.instant(Number(about))}`;
  if (rule === "combination") return about || "Everything else";
  return lookUp(RULES, rule);
}

/** `(0, 1000]` as people say it. */
function tierWords(/** @type {string} */ about, /** @type {Format} */ format) {
  const [, above, to] = about.match(/^\(([\d.]+), ([\d.]+|∞)[\])]$/) ?? [];
  if (above === undefined) return about;
  if (to === "∞") return above === "0" ? "All units" : `Units above ${format.number(above)}`;
  if (above === "0") return `The first ${format.number(to)} units`;
  return `Units from ${format.number(above)} to ${format.number(to)}`;
}

/**
 * A formula with its numbers as the reader writes them. The comma between two arguments becomes a
 * semicolon: in half of the world it stands in numbers.
 *
 * @param {string} formula `max(0, 1500 − 1000)`
 * @param {Format} format
 */
export function sumWords(formula, format) {
  return formula
    .replace(/\b(ceiling|floor|half_up)\(/g, (_, name) => `${FUNCTIONS[name]}(`)
    .replaceAll(", ", "; ")
    .replace(/-?\d+(\.\d+)?/g, (number) => format.number(number));
}

/**
 * Why a grant burns where it does.
 *
 * @param {{rule: string, after?: string}} why the first rule by which it differs from the one
 *   before, if there is one
 * @param {string} before which that one is
 */
export function orderWords({ rule, after }, before) {
  const reason = lookUp(ORDER, rule);
  return after === undefined ? reason : `${reason}: after ${before}`;
}

/** With a sign in both directions: `+0.002`, `−0.002`, `0`. */
export function signed(
  /** @type {string} */ decimal,
  /** @type {(text: string) => string} */ write,
) {
  return decimal.startsWith("-") || isZero(decimal) ? write(decimal) : `+${write(decimal)}`;
}
