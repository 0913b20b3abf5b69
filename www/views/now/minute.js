/**
 * The last minute, second by second, as bars and as a table.
 */

import { BarChart, roundUp } from "../../bars.js";
import { h, s, setChildren, setText } from "../../dom.js";

/** @typedef {import("../../pkg/edgemeter.js").View} Live */

export class MinuteCard {
  #format;
  /** @type {Live | undefined} */ #live;
  #calls = h("b", { id: "minute-calls" }, "–");
  #credits = h("b", { id: "minute-credits" }, "–");
  #unit = h("span", { "data-unit": true });
  #burn = h("b", { id: "burn" }, "–");
  #readout = h("span", { id: "readout", class: "quiet" });
  #top = h("p", { id: "chart-top", class: "axis", "aria-hidden": "true" });
  #rows = h("tbody", { id: "seconds-rows" });
  #chart;
  #details;
  element;

  /** @param {import("../../locale.js").Format} format */
  constructor(format) {
    this.#format = format;
    const svg = s("svg", {
      id: "chart", viewBox: "0 0 60 100", preserveAspectRatio: "none", "aria-hidden": "true",
    });
    this.#chart = new BarChart(svg, () => this.#point());
    this.#details = h("details", { id: "seconds", ontoggle: () => this.#list() },
      h("summary", {}, "As a table"),
      h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Calls by second" },
        h("table", {},
          h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Second"),
            h("th", { scope: "col", class: "number" }, "Calls"),
            h("th", { scope: "col", class: "number" }, "Cost"))),
          this.#rows)));
    this.element = h("section", { class: "card stale major minute", "aria-labelledby": "minute-title" },
      h("h2", { id: "minute-title" }, "Last minute"),
      h("p", { class: "figures" },
        h("span", {}, this.#calls, " calls"), h("span", {}, this.#credits, " ", this.#unit),
        h("span", {}, this.#burn, " a second"),
        this.#readout),
      h("figure", {}, this.#top, svg,
        h("figcaption", { class: "axis", "aria-hidden": "true" },
          h("span", {}, "1 minute ago"), h("span", {}, "calls per second"), h("span", {}, "now"))),
      this.#details);
  }

  paint(/** @type {Live} */ live) {
    this.#live = live;
    const { minute } = live;
    setText(this.#calls, minute.calls);
    setText(this.#credits, minute.credits);
    setText(this.#unit, live.unit);
    setText(this.#burn, live.runways.find(({ over }) => over === "minute")?.per_second ?? "0");
    const top = roundUp(minute.peak);
    this.#chart.draw(minute.seconds.map(({ calls }) => calls), top);
    setText(this.#top, minute.peak === 0 ? "" : this.#format.count(top));
    this.#point();
    this.#list();
  }

  #point() {
    const index = this.#chart.pointed;
    const second = index === undefined ? undefined : this.#live?.minute.seconds[index];
    const { calls_text: calls, credits, at } = second ?? {};
    const unit = this.#live?.unit;
    const text = at === undefined ? "" : `${this.#format.time(at)}: ${calls} calls, ${credits} ${unit}`;
    setText(this.#readout, text);
  }

  /** The seconds with calls as rows, newest first; built only while somebody looks. */
  #list() {
    if (!this.#live || !this.#details.open) return;
    const busy = this.#live.minute.seconds.filter(({ calls }) => calls > 0).reverse();
    const cells = busy.map(({ at, calls_text: calls, credits }) =>
      [this.#format.time(at), calls, credits]);
    if (cells.length === 0) cells.push(["none", "0", "0"]);
    setChildren(this.#rows, ...cells.map(([time, calls, credits]) => h("tr", {},
      h("td", {}, time), h("td", { class: "number" }, calls),
      h("td", { class: "number" }, credits))));
  }
}
