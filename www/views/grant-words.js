/**
 * What customers call their credits. A grant's id is its provider's: an order's number says
 * something, the name that a plan gives to its own does not.
 */

/** @type {Record<string, string>} */
const KINDS = {
  paid: "Bought credits",
  included: "Included with your plan",
  promotional: "Gift",
};

/** A kind that is not known here shows as it is. */
export const kindWords = (/** @type {string} */ kind) =>
  Object.hasOwn(KINDS, kind) ? KINDS[kind] : kind.replaceAll("_", " ");

/** What stands beside the kind: nothing for what a plan includes. */
export const grantDetail = (/** @type {string} */ id) => (id.startsWith("plan:") ? "" : id);
