/**
 * The newest calls, one row each.
 */

import { h } from "../../dom.js";

/** @typedef {import("../../pkg/edgemeter.js").View} Live */
/** @typedef {import("../../pkg/edgemeter.js").CallView} CallView */

export class RecentCard {
  #format;
  /** That the rows' times are written in. */
  #zone = "";
  /** @type {Map<string, HTMLTableRowElement>} */ #rows = new Map();
  #none = h("p", { id: "recent-none", class: "empty", hidden: true },
    "No calls yet. The first one shows here as it is made.");
  #body = h("tbody", { id: "recent-rows" });
  #table = h("table", { id: "recent", hidden: true },
    h("thead", {}, h("tr", {},
      h("th", { scope: "col", class: "wide" }, "Time"), h("th", { scope: "col" }, "Call"),
      h("th", { scope: "col" }, "Status"), h("th", { scope: "col", class: "number" }, "Cost"))),
    this.#body);
  element = h("section", { class: "card stale recent", "aria-labelledby": "recent-title" },
    h("h2", { id: "recent-title" }, "Recent calls"), this.#none, this.#table);

  /** @param {import("../../locale.js").Format} format */
  constructor(format) {
    this.#format = format;
  }

  /** Rows keep their element while their call is listed, so that only new ones light up. */
  paint(/** @type {Live} */ { recent }) {
    this.#none.hidden = recent.length > 0;
    this.#table.hidden = recent.length === 0;
    // Another view may have read the contract, and with it the account's own zone.
    const { zone } = this.#format;
    if (zone !== this.#zone) this.#rows.clear();
    this.#zone = zone;
    const first = this.#rows.size === 0;
    const body = this.#body;
    /** @type {typeof this.#rows} */ const listed = new Map();
    recent.forEach((call, index) => {
      const made = this.#rows.get(call.operation) ?? this.#row(call, first);
      listed.set(call.operation, made);
      if (body.children[index] !== made) body.insertBefore(made, body.children[index] ?? null);
    });
    while (body.children.length > recent.length) body.lastElementChild?.remove();
    this.#rows = listed;
  }

  /** @param {CallView} call @param {boolean} known it was listed when the page opened */
  #row({ at, route, key, status, cost }, known) {
    const time = this.#format.time(at);
    // Charged before its answer: the status is not on record.
    const shown = status === 0
      ? h("span", { class: "quiet" }, "sent")
      : h("span", { class: status < 400 ? "tag good" : "tag bad" }, `${status}`);
    return h("tr", { class: known ? undefined : "new" },
      h("td", { class: "wide quiet" }, h("time", { datetime: new Date(at).toISOString() }, time)),
      h("td", { class: "call" },
        h("span", { class: "route" }, route),
        // On a narrow screen there is no column for the time: it stands beside the key.
        h("span", { class: "quiet" }, `key ${key}`, h("span", { class: "narrow" }, ` · ${time}`))),
      h("td", {}, shown),
      h("td", { class: "number" }, cost));
  }
}
