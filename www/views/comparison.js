/**
 * The same use under today's plan and otherwise, side by side. The cells are made once for a set of
 * lines; an answer only writes texts, so that a frame is enough for it.
 */

import { h, setChildren, setText } from "../dom.js";
import { isZero, minus, rounded } from "./decimals.js";
import { signed } from "./words.js";

/** @typedef {import("../pkg/bill.js").Side} Side */
/** @typedef {import("../pkg/bill.js").Outcome} Outcome */
/** Cells: today's, the other's, how far apart. @typedef {{name: string, about: string,
 *   cells: string[]}} Row */

/** The row of a line that is on one side only has nothing on the other. */
const NOTHING = "–";

export class Comparison {
  #format;
  /** Keys of the rows that there are. */
  #shape = "";
  /** @type {{name: string, about: HTMLElement, cells: HTMLElement[]}[]} */
  #rows = [];
  #body = h("tbody", {});
  #totals = ["today", "other"].map((side) => h("data", { class: "figure", "data-spend": side }));
  #plans = [h("span", {}), h("span", {})];
  #tracks = [h("i", {}), h("i", { class: "other" })];
  #difference = h("p", { class: "difference" });
  #counted = h("p", { class: "quiet" });
  #notes = h("div", {});
  element;

  /** @param {import("./index.js").Context} context */
  constructor({ format }) {
    this.#format = format;
    const side = (/** @type {string} */ title, /** @type {number} */ at) => h("div", {},
      h("h3", {}, title, " ", this.#plans[at]),
      this.#totals[at],
      h("div", { class: "track", "aria-hidden": "true" }, this.#tracks[at]));
    const head = (/** @type {string} */ text, wide = false) =>
      h("th", { scope: "col", class: wide ? "number wide" : "number" }, text);
    this.element = h("div", { class: "comparison" },
      this.#counted,
      h("div", { class: "versus" }, side("Today:", 0), side("What if:", 1)),
      this.#difference, this.#notes,
      h("table", { class: "compared" },
        h("thead", {}, h("tr", {},
          h("th", { scope: "col" }, "Line"), head("Today", true), head("What if"))),
        this.#body));
  }

  show(/** @type {Outcome} */ outcome) {
    const { today, other } = outcome;
    this.#headline(outcome);
    const rows = this.#lines(today, other);
    const shape = [...rows.keys()].join("\n");
    if (shape !== this.#shape) this.#build(shape, [...rows.values()]);
    [...rows.values()].forEach(({ about, cells }, at) => {
      const row = this.#rows[at];
      setText(row.about, about);
      cells.forEach((text, column) => setText(row.cells[column], text));
    });
    this.#warn(outcome);
  }

  #headline(/** @type {Outcome} */ { today, other, difference }) {
    const sides = [today, other];
    const inMoney = sides.every(({ spend }) => spend !== null);
    setText(this.#counted, inMoney
      ? "Before tax, with the value of bought credits"
      : "In credits: nothing says what they are worth");
    const [left, right] = sides.map(({ spend, credits }) => inMoney ? spend ?? "0" : credits.used);
    const write = this.#nearly(inMoney ? other.currency : null);
    const top = Math.max(Number(left), Number(right), Number.MIN_VALUE);
    [left, right].forEach((amount, at) => {
      setText(this.#plans[at], sides[at].plan.name);
      setText(this.#totals[at], write(amount));
      this.#totals[at].value = amount;
      this.#tracks[at].style.width = `${Math.max(0, (Number(amount) / top) * 100)}%`;
    });
    const by = (inMoney ? difference : null) ?? minus(right, left);
    const way = isZero(by) ? "same" : by.startsWith("-") ? "less" : "more";
    this.#difference.dataset.way = way;
    setText(this.#difference, way === "same"
      ? "The same as today's plan"
      : `${write(by.replace("-", ""))} ${way} than today's plan`);
  }

  /** Rows by their keys: lines of both sides, then sums. @returns {Map<string, Row>} */
  #lines(/** @type {Side} */ today, /** @type {Side} */ other) {
    /** @type {Map<string, Row>} */
    const rows = new Map();
    const lines = [today.lines, other.lines].map((list) =>
      new Map(list.map((line, at) => [`${line.kind} ${line.id} ${sameBefore(list, at)}`, line])));
    for (const key of new Set([...lines[0].keys(), ...lines[1].keys()])) {
      rows.set(key, this.#line(lines[0].get(key), lines[1].get(key), today.currency));
    }
    const sum = (/** @type {string} */ name, left, right, write) =>
      rows.set(`sum ${name}`, { name, about: "", cells: this.#cells(left, right, write) });
    const [before, after] = [today.totals, other.totals];
    if (before && after) {
      const write = this.#money(today.currency);
      const rest = [before, after].map(({ total, subtotal }) => minus(total, subtotal));
      sum("Discounts and tax", rest[0], rest[1], write);
      sum("Invoice", before.total, after.total, write);
    }
    sum("Credits used", today.credits.used, other.credits.used, this.#credits);
    sum("Credits to buy", today.credits.needed, other.credits.needed, this.#credits);
    return rows;
  }

  /** Each side in its own unit: what is in credits today may be in money otherwise. */
  #line(left, right, /** @type {string | null} */ currency) {
    const { name, quantity } = right ?? left;
    const about = quantity === undefined || quantity === "1" ? "" : this.#format.number(quantity);
    const inCredits = (line) => line.credits !== undefined;
    const write = (line) => (inCredits(line) ? this.#credits : this.#money(currency));
    if (left && right && inCredits(left) !== inCredits(right)) {
      const [before, after] = [left, right].map((line) => write(line)(line.credits ?? line.amount));
      return { name, about, cells: [before, after, ""] };
    }
    const [before, after] = [left, right].map((line) => line && (line.credits ?? line.amount));
    return { name, about, cells: this.#cells(before, after, write(left ?? right)) };
  }

  #credits = (/** @type {string} */ text) => `${this.#format.number(text)} cr`;

  #money(/** @type {string | null} */ currency) {
    return (/** @type {string} */ text) =>
      currency === null ? this.#format.number(text) : this.#format.money(text, currency);
  }

  /** For a headline: what is finer than the currency is rounded, and said to be. */
  #nearly(/** @type {string | null} */ currency) {
    const places = currency === null ? 2 : this.#format.minor(currency);
    const write = currency === null ? this.#credits : this.#money(currency);
    return (/** @type {string} */ text) => {
      const short = rounded(text, places);
      return isZero(minus(short, text)) ? write(text) : `≈${write(short)}`;
    };
  }

  #cells(left, right, write) {
    const of = (/** @type {string | undefined} */ text) =>
      text === undefined ? NOTHING : write(text);
    const difference = minus(right ?? "0", left ?? "0");
    return [of(left), of(right), isZero(difference) ? "" : signed(difference, write)];
  }

  #build(/** @type {string} */ shape, /** @type {Row[]} */ rows) {
    this.#shape = shape;
    const sums = shape.split("\n").findIndex((key) => key.startsWith("sum "));
    this.#rows = rows.map(({ name }) => {
      const about = h("span", { class: "quiet" });
      const cells = [h("span"), h("span"), h("span", { class: "quiet" })];
      return { name, about, cells };
    });
    // How far they are apart stands under the other one: exact numbers are long.
    setChildren(this.#body, ...this.#rows.map(({ name, about, cells: [today, ...other] }, at) =>
      h("tr", { class: at === sums ? "sum first" : at > sums ? "sum" : undefined },
        h("th", { scope: "row" }, h("span", { class: "name" }, name), about),
        h("td", { class: "number wide" }, today), h("td", { class: "number" }, ...other))));
  }

  /** What the comparison does not count. */
  #warn(/** @type {Outcome} */ { unpriced, unmeasured }) {
    const notes = [
      unpriced.length > 0 && `The other plan has no price for ${unpriced.join(", ")}: `
        + "that use is left out.",
      unmeasured.length > 0 && `Today's plan counts nothing for ${unmeasured.join(", ")}: `
        + "it stands at zero.",
    ].filter(Boolean).join(" ");
    if (this.#notes.textContent !== notes) {
      setChildren(this.#notes, notes && h("p", { class: "remark" }, notes));
    }
  }
}

/** How many lines of that name stand before: two stretches have one each. */
function sameBefore(list, /** @type {number} */ at) {
  const { kind, id } = list[at];
  return list.slice(0, at).filter((line) => line.kind === kind && line.id === id).length;
}
