/**
 * How an amount came about: every step of the core's explanation as a sum that can be redone by
 * hand, parts under the sum that they belong to, and what the rounding did at the end.
 */

import { h } from "../dom.js";
import { isZero } from "./decimals.js";
import { ruleWords, signed, sumWords } from "./words.js";

/** Most parts that are written out in the sum itself. */
const SUMMANDS = 4;

/** @typedef {import("../pkg/bill.js").Step} Step */
/** @typedef {import("../locale.js").Format} Format */

/**
 * @param {import("../pkg/bill.js").Explanation} explanation
 * @param {Format} format
 */
export function explained({ steps, amount, rounded, residue, currency }, format) {
  const rows = steps.flatMap((step) => stepRows(step, 0, format));
  if (rounded !== null && residue !== null && currency !== null) {
    const exact = isZero(residue);
    const sum = exact
      ? "nothing to round"
      : `${format.number(amount)} → ${format.money(rounded, currency)}`;
    const added = signed(residue, (decimal) => format.number(decimal));
    rows.push(sumRow("Rounding, once a line", sum, added, { equals: false }));
  }
  return h("ol", { class: "sums" }, ...rows);
}

/**
 * One formula that is not a charge's: a fee, overage, a true-up.
 *
 * @param {string} words
 * @param {string} text
 * @param {string} result
 * @param {Format} format
 */
export function formula(words, text, result, format) {
  return h("ol", { class: "sums" }, sumRow(words, sumWords(text, format), result));
}

/** @returns {HTMLElement[]} the step and its parts, flat: depth is a matter of style */
function stepRows(
  /** @type {Step} */ step,
  /** @type {number} */ depth,
  /** @type {Format} */ format,
) {
  const words = ruleWords(step, format);
  const made = sumRow(words, sumOf(step, format), format.number(step.result), { depth });
  return [made, ...step.parts.flatMap((part) => stepRows(part, depth + 1, format))];
}

/** A sum of hundreds of parts is not a line that anybody reads; they stand below it. */
function sumOf(/** @type {Step} */ { rule, formula, parts }, /** @type {Format} */ format) {
  if (rule === "window") return "";
  const isSum = parts.length > SUMMANDS && rule !== "combination";
  return isSum ? `sum of the ${parts.length} below` : sumWords(formula, format);
}

/**
 * @param {string} words
 * @param {string} sum
 * @param {string} result
 * @param {{depth?: number, equals?: boolean}} [options] `equals`: the result is the sum's
 */
export function sumRow(words, sum, result, { depth = 0, equals = sum !== "" } = {}) {
  return h("li", { class: depth > 0 ? "part" : "step" },
    h("span", { class: "rule" }, words),
    h("span", { class: "formula" }, sum),
    h("span", { class: "result" }, equals && h("span", { class: "equals" }, "= "), result));
}
