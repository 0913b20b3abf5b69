/**
 * What a view says when it has nothing to show because something failed, and the way out.
 */

import { h } from "../dom.js";

/**
 * @param {any} error of the api: `{status, code, detail}`; of the core: `{code, message}`
 * @param {() => void} again
 */
export function failureNotice(error, again) {
  const text = error?.detail ?? error?.message ?? String(error);
  return h("section", { class: "notice", role: "alert" },
    h("h2", {}, "This could not be shown"),
    h("p", {}, `${text[0].toUpperCase()}${text.slice(1)}.`),
    h("button", { class: "button", type: "button", onclick: again }, "Try again"));
}
