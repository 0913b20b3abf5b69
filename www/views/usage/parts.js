/**
 * What the chart's colours are: each part with its sums, and those of the period before.
 */

import { h, setChildren } from "../../dom.js";
import { isZero } from "../decimals.js";

/** @typedef {import("./read.js").Series} Series */

export class PartsTable {
  #format;
  element = h("div", {
    class: "scroll tall", tabindex: 0, role: "region", "aria-label": "Usage by part",
  });

  /** @param {import("../../locale.js").Format} format */
  constructor(format) {
    this.#format = format;
  }

  /**
   * @param {{series: Series[], before: Series[], measure: "calls" | "credits", order: string[],
   *   stacks: number, title: string, compare: boolean, charges?: Map<string, string>}} shown
   *   `order`: names as the chart has them, so that colours are the same; `stacks`: how many have
   *   their own; `charges`: their names, if the parts are charges
   */
  paint({ series, before, measure, order, stacks, title, compare, charges }) {
    const format = this.#format;
    if (series.length === 0) {
      const none = h("p", { class: "empty" }, "Nothing was used in this time.");
      return setChildren(this.element, none);
    }
    const earlier = new Map(before.map((one) => [one.name, one.sums]));
    const own = order.length > stacks + 1 ? stacks : stacks + 1;
    const write = (/** @type {any} */ sums) => format.number(`${sums?.[measure] ?? 0}`);
    const names = new Map(charges);
    const counted = measure === "calls" && charges
      && h("p", { class: "quiet counted" }, "A call with more than one counts with its first.");
    const rows = series.map(({ name, sums }) => {
      const place = order.indexOf(name);
      const ink = place < own ? `ink-${place}` : "ink-rest";
      const lesser = [
        charges && !isZero(sums.quantity) ? `${format.number(sums.quantity)} units` : "",
        measure === "calls" ? `${format.number(sums.credits)} credits` : "",
        measure === "credits" && !charges ? `${format.count(sums.calls)} calls` : "",
      ].filter(Boolean).join(" · ");
      return h("tr", {},
        h("td", { class: "of" }, h("i", { class: `swatch ${ink}` }),
          h("span", { class: name ? "name" : "name quiet" }, names.get(name) ?? (name || "none")),
          h("span", { class: "quiet lesser" }, lesser)),
        h("td", { class: "number" }, write(sums),
          compare && h("span", { class: "quiet lesser" }, write(earlier.get(name)))));
    });
    setChildren(this.element, h("table", {},
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, title),
        h("th", { scope: "col", class: "number" }, measure === "calls" ? "Calls" : "Credits",
          compare && h("span", { class: "lesser" }, "before")))),
      h("tbody", { id: "parts-rows" }, ...rows)), counted);
  }
}
