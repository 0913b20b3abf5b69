/**
 * How long the credits last: until when at the rate of late, and what other spans would say.
 */

import { h, setText } from "../../dom.js";
import { Rows } from "./rows.js";

/** @typedef {import("../../pkg/edgemeter.js").View} Live */
/** @typedef {import("../../pkg/edgemeter.js").RunwayView} Runway */

/** Nine minutes and the one that is not over are called ten. */
const FULL_MS = 540_000;
const NO_END = "no end in sight";

export class RunwayCard {
  #format;
  /** How the locale writes no rate at all. */
  #zero;
  #until = h("p", { id: "runway", class: "figure" }, "–");
  #words = h("p", { id: "runway-words", class: "quiet" });
  #rows;
  #table;
  element;

  /** @param {import("../../locale.js").Format} format */
  constructor(format) {
    this.#format = format;
    this.#zero = format.number("0");
    const body = h("tbody", { id: "runway-rows" });
    this.#rows = new Rows(body, () => new RunwayRow());
    this.#table = h("table", { class: "last", hidden: true },
      h("thead", {}, h("tr", {},
        h("th", { scope: "col" }, "At the rate of"),
        h("th", { scope: "col", class: "number" }, "A second"),
        h("th", { scope: "col", class: "number" }, "Until"))),
      body);
    this.element = h("section", {
      class: "card stale minor runway", "aria-labelledby": "runway-title",
    },
      h("h2", { id: "runway-title" }, "At this rate until"),
      this.#until, this.#words, this.#table);
  }

  paint(/** @type {Live} */ { runways, unit, gate, now }) {
    const burning = runways.filter(({ per_second: rate }) => rate !== this.#zero);
    const chosen = burning.find(({ over }) => over === "lately") ?? burning[0];
    this.#table.hidden = burning.length === 0;
    this.#rows.paint(burning.map((one) => [
      this.#span(one, now), one.per_second, this.#when(one, now),
    ]));
    if (gate === "unfunded" || gate === "closed") {
      setText(this.#until, gate === "closed" ? "Used up" : "Not started");
      setText(this.#words, "Until credits are granted, nothing is burned.");
    } else if (!chosen) {
      setText(this.#until, runways[0] ? this.#when(runways[0], now) : NO_END);
      setText(this.#words, runways[0]?.until
        ? "Nothing is burning. What is left then ends unspent."
        : "Nothing is burning.");
    } else {
      setText(this.#until, this.#when(chosen, now));
      setText(this.#words, this.#range(chosen, burning, unit, now));
    }
  }

  /** Where the answer comes from, and how far others are from it. */
  #range(/** @type {Runway} */ chosen, /** @type {Runway[]} */ all, /** @type {string} */ unit,
    /** @type {number} */ now) {
    const rate = `${chosen.per_second} ${unit} a second in ${this.#span(chosen, now)}`;
    const how = chosen.unspent ? "What is left then ends unspent. " : "";
    const ends = all.map(({ until }) => until ?? Infinity);
    const [first, last] = [Math.min(...ends), Math.max(...ends)];
    const say = (/** @type {number} */ at) => this.#when({ ...chosen, until: at }, now);
    const range = first === last || say(first) === say(last)
      ? ""
      : `; at other rates from ${say(first)} to ${say(last)}`;
    return `${how}${rate}${range}`;
  }

  /** @param {Runway} runway @param {number} now */
  #when({ until }, now) {
    if (until === null || until === Infinity) return NO_END;
    return this.#format.ahead(until, now);
  }

  /** @param {Runway} runway @param {number} now */
  #span({ over, since }, now) {
    if (over === "minute") return "the last minute";
    if (over === "today") return "today";
    if (now - since > FULL_MS) return "the last ten minutes";
    return `the time since ${this.#format.time(since)}`;
  }
}

class RunwayRow {
  #cells = [h("td"), h("td", { class: "number" }), h("td", { class: "number" })];
  element = h("tr", {}, ...this.#cells);

  paint(/** @type {string[]} */ texts) {
    texts.forEach((text, index) => setText(this.#cells[index], text));
  }
}
