/**
 * The views: names of the tabs, and how each is loaded when it is first shown.
 *
 * A view is a class. `element` is its DOM; `show` and `hide` say whether somebody looks at it;
 * `live` brings each new picture of the account while it is shown, at most ten a second; `close`,
 * if there is one, ends for good what goes on while nobody looks. A class may have a style sheet of
 * its own, in `static look`, adopted when it is loaded.
 */

/** @typedef {import("../pkg/edgemeter.js").View} Live what the account says now */

/**
 * The account, as far as it is known.
 *
 * @typedef {{
 *   name: string,
 *   live: Live | undefined,
 *   now: () => number,
 *   today: (since: number, until: number, credits: string) => void,
 * }} State the connection's state, its newest picture, the account's clock in ms, and where the
 *   day's burn is told
 */

/**
 * What a view works with.
 *
 * @typedef {{
 *   api: import("../api.js").Api,
 *   format: import("../locale.js").Format,
 *   state: State,
 *   root: ShadowRoot,
 * }} Context
 */

/**
 * @typedef {{
 *   readonly element: HTMLElement,
 *   show: () => void,
 *   hide: () => void,
 *   live: (live: Live) => void,
 *   close?: () => void,
 * }} View
 */

/** @typedef {(new (context: Context) => View) & {look?: string}} ViewClass */

/** @type {Record<string, {title: string, load: () => Promise<ViewClass>}>} */
export const VIEWS = {
  now: { title: "Now", load: async () => (await import("./now.js")).NowView },
  usage: { title: "Usage", load: async () => (await import("./usage.js")).UsageView },
  invoice: { title: "Invoice", load: async () => (await import("./invoice.js")).InvoiceView },
  "what-if": { title: "What if", load: async () => (await import("./what-if.js")).WhatIfView },
  check: { title: "Check my bill", load: async () => (await import("./check.js")).CheckView },
};

/** The one that is shown first. */
export const FIRST_VIEW = "now";

/** The view of that name, or the first one. */
export function viewName(/** @type {string | null | undefined} */ name) {
  return name && Object.hasOwn(VIEWS, name) ? name : FIRST_VIEW;
}
