/**
 * How the reader's locale writes numbers and times.
 *
 * `Intl` formats through floats, so it never sees an amount: it is asked about one constant, and
 * its answer is taken apart for the wasm side, which writes the digits.
 */

const SAMPLE = -1234567890.5;

/**
 * @param {Intl.LocalesArgument} locale
 * @returns {import("./pkg/edgemeter.js").NumberStyle}
 */
export function numberStyle(locale) {
  const format = new Intl.NumberFormat(locale);
  const parts = format.formatToParts(SAMPLE);
  const sign = (/** @type {string} */ type, /** @type {string} */ absent) =>
    parts.find((part) => part.type === type)?.value ?? absent;
  const integers = parts.filter(({ type }) => type === "integer");
  const groups = integers.map(({ value }) => [...value].length);
  const digit = new Intl.NumberFormat(locale, { useGrouping: false });
  const groupsFourDigits = format.formatToParts(1234).some((part) => part.type === "group");
  const grouped = groups.length > 1;
  return {
    decimal: sign("decimal", "."),
    group: sign("group", ""),
    minus: beforeDigits(parts),
    digits: Array.from({ length: 10 }, (_, value) => digit.format(value)).join(""),
    primary: grouped ? groups.at(-1) : 3,
    secondary: grouped ? groups.at(-2) : 3,
    minimum: groupsFourDigits ? 1 : 2,
  };
}

/** The minus sign with the mark that some scripts set before it. */
function beforeDigits(/** @type {Intl.NumberFormatPart[]} */ parts) {
  const first = parts.findIndex(({ type }) => type === "integer");
  return parts.slice(0, first).map(({ value }) => value).join("");
}

/**
 * @param {Intl.LocalesArgument} locale
 * @returns {(millis: number) => string} the time of day, to the second
 */
export function clock(locale) {
  const format = new Intl.DateTimeFormat(locale, { timeStyle: "medium" });
  return (millis) => format.format(millis);
}
