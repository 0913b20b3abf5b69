/**
 * What the invoice, the what-if and the check are functions of: the account's statement, from the
 * gateway, taken into the core.
 *
 *   GET …/statement ── text ──▶ core.Statement ──▶ bill, projected, what_if, fit
 */

/** @typedef {{json: any, statement: import("./pkg/edgemeter.js").Statement}} Read */

/**
 * Reads it now. The caller frees `statement`.
 * @param {import("./views/index.js").Context} context
 * @returns {Promise<Read>}
 */
export async function readStatement({ api, core, format }) {
  const text = await api.text("statement");
  const json = JSON.parse(text);
  format.zone = json.contract.zone.name;
  return { json, statement: new core.Statement(text) };
}
