/** Where an invoice stands, as a tag. */

import { h } from "../dom.js";

/** @type {Record<string, [words: string, look: string]>} */
const STATUSES = {
  draft: ["Draft", ""],
  finalized: ["Final", ""],
  paid: ["Paid", "good"],
  void: ["Void", "bad"],
  none: ["Credits only", ""],
};

export function statusTag(/** @type {string} */ state) {
  const [words, look] = Object.hasOwn(STATUSES, state) ? STATUSES[state] : [state, ""];
  return h("span", { class: `tag ${look}` }, words);
}
