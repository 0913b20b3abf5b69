/**
 * What a view says when it has nothing to show because something failed, and the way out.
 */

import { h } from "../dom.js";

/** By the error's code; else by what the gateway said. */
const WORDS = {
  invoice_no_currency: {
    title: "No invoice in money",
    text: "Your plan counts credits only and has no currency, so there is nothing to bill in money.",
  },
};

/**
 * @param {any} error of the api: `{status, code, detail}`; of the core: `{code, message}`
 * @param {() => void} [again]
 */
export function failureNotice(error, again) {
  const known = Object.hasOwn(WORDS, error?.code ?? "") ? WORDS[error.code] : undefined;
  const title = known?.title ?? "This could not be shown";
  const text = known?.text ?? error?.detail ?? error?.message ?? String(error);
  const button = h("button", { class: "button", type: "button" }, "Try again");
  if (again) button.addEventListener("click", again);
  return h("section", { class: "notice", role: "alert" },
    h("h2", {}, title), h("p", {}, text), again && !known ? button : "");
}
