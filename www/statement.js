/**
 * What the invoice, the what-if and the check are functions of: the account's statement, from the
 * gateway, taken into the core.
 *
 *   GET …/statement ── text ──▶ bill.Statement ──▶ bill, projected, what_if, fit
 */

import { loadBill } from "./core.js";

/** @typedef {{json: any, statement: import("./pkg/bill.js").Statement}} Read */

/**
 * Reads it now. The caller frees `statement`.
 * @param {import("./views/index.js").Context} context
 * @param {AbortSignal} [signal]
 * @returns {Promise<Read>}
 */
export async function readStatement({ api, format }, signal) {
  const [text, { Statement }] = await Promise.all([api.text("statement", signal), loadBill()]);
  const json = JSON.parse(text);
  format.zone = json.contract.zone.name;
  return { json, statement: new Statement(text) };
}
