/**
 * The last minute's calls by route or by key, the dearest first, with what one of them costs.
 */

import { h, setText } from "../../dom.js";
import { Rows } from "./rows.js";

/** @typedef {import("../../pkg/edgemeter.js").View} Live */
/** @typedef {import("../../pkg/edgemeter.js").TallyView} Tally */

const SIDES = {
  route: { title: "By route", others: "other routes", none: "no route" },
  key: { title: "By key", others: "other keys", none: "no key" },
};

export class TallyCard {
  #side;
  #rows;
  #none;
  #table;
  element;

  /** @param {keyof typeof SIDES} side */
  constructor(side) {
    this.#side = side;
    const { title } = SIDES[side];
    const body = h("tbody", { id: `${side}-rows` });
    this.#rows = new Rows(body, () => new TallyRow(SIDES[side]));
    this.#none = h("p", { class: "empty" }, "No calls in the last minute.");
    this.#table = h("table", { hidden: true },
      h("thead", {}, h("tr", {},
        h("th", { scope: "col" }, side === "route" ? "Route" : "Key"),
        h("th", { scope: "col", class: "number" }, "Calls"),
        h("th", { scope: "col", class: "number wide" }, "A call"),
        h("th", { scope: "col", class: "number" }, "Cost"))),
      body);
    this.element = h("section", { class: "card stale half tallies", "aria-labelledby": `${side}-title` },
      h("h2", { id: `${side}-title` }, title), this.#none, this.#table);
  }

  paint(/** @type {Live} */ live) {
    const tallies = this.#side === "route" ? live.by_route : live.by_key;
    this.#none.hidden = tallies.length > 0;
    this.#table.hidden = tallies.length === 0;
    this.#rows.paint(tallies);
  }
}

class TallyRow {
  #words;
  #name = h("span", { class: "name" });
  #bar = h("i");
  #cells = ["number", "number wide", "number"].map((name) => h("td", { class: name }));
  element = h("tr", {},
    h("td", { class: "of" }, this.#name, h("span", { class: "share" }, this.#bar)),
    ...this.#cells);

  /** @param {{others: string, none: string}} words */
  constructor(words) {
    this.#words = words;
  }

  paint(/** @type {Tally} */ { name, calls, per_call: perCall, credits, share }) {
    this.#name.classList.toggle("quiet", !name);
    setText(this.#name, name ?? this.#words.others);
    if (name === "") setText(this.#name, this.#words.none);
    this.#bar.style.width = `${share / 10}%`;
    [calls, perCall, credits].forEach((text, index) => setText(this.#cells[index], text));
  }
}
