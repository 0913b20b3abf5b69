/**
 * What is shown, as a file: CSV for a spreadsheet, JSON for a program.
 */

/** @typedef {import("./read.js").Row} Row */

const NUMBER = /^-?[0-9]+(\.[0-9]+)?$/;
/** What a spreadsheet takes for a formula. */
const FORMULA = /^[=+\-@\t\r]/;

/**
 * Comma-separated, RFC 4180. A text that a spreadsheet would run is quoted with an apostrophe.
 *
 * @param {string[]} by names of the dimensions
 * @param {Row[]} rows
 */
export function csv(by, rows) {
  const head = ["start", ...by, "calls", "quantity", "credits"];
  const lines = rows.map(({ at, of, calls, quantity, credits }) =>
    [new Date(at).toISOString(), ...of, `${calls}`, quantity, credits]);
  return [head, ...lines].map((line) => `${line.map(field).join(",")}\r\n`).join("");
}

function field(/** @type {string} */ text) {
  const safe = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** @param {import("./read.js").Question} question @param {Row[]} rows */
export function json(question, rows) {
  return `${JSON.stringify({ ...question, rows }, null, 2)}\n`;
}

/** Gives a file to the reader. */
export function save(/** @type {string} */ name, /** @type {string} */ type, /** @type {string} */ text) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The download has begun by then, or the reader has refused it.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
