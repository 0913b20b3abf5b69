/**
 * What a check found, in plain words: what it means, where it is, and what exactly does not hold.
 */

import { h } from "../dom.js";

/** @type {Record<string, string>} what each of the core's codes means to a customer */
export const MEANINGS = {
  line_unreadable: "A line of the journal is damaged.",
  row_changed: "A row of the journal was changed after it was written.",
  row_missing: "Rows of the journal are missing.",
  row_repeated: "A row of the journal stands in it twice.",
  row_reordered: "Rows of the journal are not in the order in which they were written.",
  row_unfit: "A row of the journal cannot be read.",
  seen_differs: "The journal was rewritten: a row that this browser saw before is another one now.",
  seen_missing: "The journal was rewritten: a row that this browser saw before is gone.",
  journal_cut: "The journal ends too early.",
  end_differs: "The journal does not end in the row that the bill is made from.",
  time_shifted: "An operation or a row was moved in time.",
  plan_changed: "Prices were changed: the plan in the journal is not the one that was agreed.",
  plan_unread: "The plan in the journal cannot be read.",
  plan_differs: "The bill is made by another plan than the one in the journal.",
  cost_differs: "An operation is charged with another amount than the plan says.",
  operation_unpriced: "An operation is charged that has no price in the plan.",
  payment_differs: "More or less was taken than the operations cost.",
  terms_unknown: "Something is charged by terms that the account does not know.",
  operation_repeated: "An operation is charged twice.",
  operation_missing: "Operations are missing from the journal.",
  refund_differs: "A refund is not what was charged, or not where it was billed.",
  grant_repeated: "Credits are given twice under one name.",
  grant_unknown: "Credits are taken from a grant that was never given.",
  grant_overdrawn: "More was taken from a grant than it holds.",
  grant_differs: "A grant of the bill is not what the journal says.",
  stretch_differs: "The bill cuts the period otherwise than the journal's changes of plan do.",
  usage_differs: "The bill counts another use than the journal.",
  covered_differs: "The bill counts other credits as paid than the journal.",
  balance_differs: "The balance is not what the journal comes to.",
  bill_differs: "The bill is not what its own numbers come to.",
  seal_differs: "The journal seals another bill than this one.",
  seal_missing: "No row of the journal closes the bill's period.",
  amount_not_exact: "An amount is too long to be exact.",
};

/** @typedef {import("../pkg/bill.js").Finding} Finding */

/**
 * @param {import("../pkg/bill.js").Verdict} verdict with at least one finding
 * @param {import("../locale.js").Format} format
 */
export function found({ findings, more }, format) {
  const [first, ...others] = findings;
  return h("section", { class: "verdict found" },
    h("p", { class: "sentence" }, "Not sound: ", meaning(first)),
    ...about(first, format),
    others.length > 0 && h("details", { class: "others" },
      h("summary", {}, `${format.count(others.length + more)} more`),
      h("ol", {}, ...others.map((finding) =>
        h("li", {}, meaning(finding), ...about(finding, format))))));
}

const meaning = (/** @type {Finding} */ { code }) =>
  Object.hasOwn(MEANINGS, code) ? MEANINGS[code] : code.replaceAll("_", " ");

/** Where it is, and the core's own sentence with the two values that differ. */
function about(/** @type {Finding} */ { code, row, operation, message }, format) {
  const fact = (/** @type {string} */ words, /** @type {string} */ value) =>
    h("div", {}, h("dt", {}, words), h("dd", {}, value));
  return [
    h("p", {}, `${message[0].toUpperCase()}${message.slice(1)}.`),
    h("dl", { class: "facts" },
      row === undefined ? undefined : fact("Row", format.count(row)),
      operation === undefined ? undefined : fact("Operation", operation),
      fact("Code", code)),
  ];
}
