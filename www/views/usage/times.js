/**
 * The chart as a table: one row per bucket that anything was used in, the newest first.
 */

import { h, setChildren } from "../../dom.js";

/** @typedef {import("./read.js").Sums} Sums */

export class TimesTable {
  #format;
  element = h("div", { class: "scroll tall", tabindex: 0, role: "region", "aria-label": "Usage over time" });

  /** @param {import("../../locale.js").Format} format */
  constructor(format) {
    this.#format = format;
  }

  /**
   * @param {{buckets: Map<number, Sums>, before: Map<number, Sums>, step: "day" | "hour",
   *   compare: boolean, starts: number[], startsBefore: number[], now: number}} shown
   */
  paint({ buckets, before, step, compare, starts, startsBefore, now }) {
    const format = this.#format;
    const rows = starts.map((at, index) => {
      const [sums, earlier] = [buckets.get(at), before.get(startsBefore[index])];
      if (!sums && (at > now || !compare || !earlier)) return undefined;
      const number = (/** @type {string} */ text) => h("td", { class: "number" }, text);
      return h("tr", {},
        h("td", {}, step === "day"
          ? format.custom(at, { weekday: "short", month: "short", day: "numeric" })
          : format.instant(at)),
        number(format.count(sums?.calls ?? 0)),
        number(format.number(sums?.credits ?? "0")),
        compare && h("td", { class: "number quiet wide" }, format.number(earlier?.credits ?? "0")));
    }).filter((row) => row !== undefined).reverse();
    if (rows.length === 0) {
      return setChildren(this.element, h("p", { class: "empty" }, "Nothing was used in this time."));
    }
    const number = (/** @type {string} */ text, extra = "") =>
      h("th", { scope: "col", class: `number ${extra}` }, text);
    setChildren(this.element, h("table", {},
      h("thead", {}, h("tr", {},
        h("th", { scope: "col" }, step === "day" ? "Day" : "Hour"),
        number("Calls"), number("Credits"), compare && number("Credits before", "wide"))),
      h("tbody", { id: "times-rows" }, ...rows)));
  }
}
