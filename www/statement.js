/**
 * What the invoice, the what-if and the check are functions of: the account's statement, from the
 * gateway, taken into the core.
 *
 *   GET …/statement ── text ──▶ core.Statement ──▶ bill, projected, what_if, fit
 */

/** @typedef {{text: string, json: import("./core.js").StatementJson,
 *   statement: import("./core.js").Statement}} Read */

/**
 * Reads it now. The caller frees `statement`.
 * @param {{api: import("./api.js").Api, core: () => Promise<import("./core.js").Core>}} context
 * @returns {Promise<Read>}
 */
export async function readStatement({ api, core }) {
  const [text, { Statement }] = await Promise.all([api.text("statement"), core()]);
  return { text, json: JSON.parse(text), statement: new Statement(text) };
}
