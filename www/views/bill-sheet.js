/**
 * One bill on one sheet: a preview, a projection or a finalized invoice, all by the same code.
 *
 *   head     whose, which period, where it stands, what is due
 *   lines    each opens into its explanation; what is open stays open when the sheet is renewed
 *   sums     subtotal, discounts, tax, credits, due: each only if there is something to say
 *   grants   who paid for use in credits, in the order they burned, and why in that order
 */

import { h, setChildren } from "../dom.js";
import { isZero, negated } from "./decimals.js";
import { explained, formula, sumRow } from "./explanation.js";
import { grantDetail, kindWords } from "./grant-words.js";
import { statusTag } from "./status.js";
import { withoutMoney } from "./without-money.js";
import { orderWords } from "./words.js";

/** @typedef {{title: string, note?: string, hash?: string}} About */

/** @type {Record<string, string>} */
const FORMULAS = {
  fee: "Price of the period",
  fee_ahead: "Price of the period ahead",
  fee_correction: "What it should have been",
  overage: "Credits that no grant has paid",
  true_up: "Minimum, less what counts towards it",
};

export class BillSheet {
  /** Keys of the lines that are open. @type {Set<string>} */
  #open = new Set();
  #format;
  #element = h("article", { class: "sheet", part: "sheet" });
  /** What a file of it is called. */
  name = "";

  /** @param {import("./index.js").Context} context */
  constructor({ format }) {
    this.#format = format;
  }

  get element() {
    return this.#element;
  }

  /**
   * @param {import("../pkg/bill.js").Bill} bill
   * @param {any} statement what it is a function of, as JSON
   * @param {About} about
   */
  show(bill, statement, about) {
    const focused = this.#focused();
    const invoice = bill.invoice ?? withoutMoney(bill, statement);
    this.name = `${about.title} ${invoice.account} ${invoice.period?.first ?? ""}`.trim();
    setChildren(this.#element,
      this.#head(invoice, about),
      this.#lines(invoice),
      invoice.totals && this.#sums(invoice),
      this.#credits(invoice, bill.grants, statement.grants),
      about.hash && this.#hash(about.hash));
    if (focused) this.#button(focused)?.focus();
  }

  /** The key of the line whose button has the focus. */
  #focused() {
    const root = /** @type {ShadowRoot | Document} */ (this.#element.getRootNode());
    const { activeElement } = root;
    return activeElement && this.#element.contains(activeElement)
      ? activeElement.getAttribute("data-line")
      : null;
  }

  #button(/** @type {string} */ key) {
    const buttons = [...this.#element.querySelectorAll("[data-line]")];
    const found = buttons.find((button) => button.getAttribute("data-line") === key);
    return /** @type {HTMLElement | undefined} */ (found);
  }

  #head(
    /** @type {any} */ { account, period, zone, currency, totals, credits, status },
    /** @type {About} */ { title, note },
  ) {
    const format = this.#format;
    const [words, value, text] = totals
      ? [totals.due.startsWith("-") ? "You are owed" : "Amount due", totals.due,
        format.money(totals.due, currency)]
      : ["Credits used", credits.used, format.number(credits.used)];
    return h("div", { class: "sheet-head" },
      h("div", {},
        h("h2", {}, title, " ", statusTag(status.state)),
        h("p", { class: "quiet" },
          h("span", { class: "name" }, account), " · ",
          period ? `${format.days(period.first, period.until)} · ${zone}` : zone),
        note && h("p", { class: "quiet note" }, note)),
      h("p", { class: "due" },
        h("span", { class: "quiet" }, words),
        h("data", { value, "data-sum": "due" }, text)));
  }

  #lines({ lines, currency, period }) {
    if (lines.length === 0) return h("p", { class: "empty" }, "Nothing is billed yet.");
    const inCredits = lines.some(({ credits }) => credits !== undefined);
    const shown = { currency, inCredits, inMoney: currency !== null, end: period?.window?.end };
    const head = (/** @type {string} */ text, wide = true) =>
      h("th", { scope: "col", class: wide ? "number wide" : "number" }, text);
    return h("table", { class: "lines" },
      h("thead", {}, h("tr", {},
        h("th", { scope: "col" }, "Line"), head("Quantity"),
        inCredits && head("Credits", shown.inMoney), shown.inMoney && head("Amount", false))),
      h("tbody", {}, ...lines.flatMap((line, index) => this.#line(line, index, shown))));
  }

  /** A row, and the row that it opens. */
  #line(line, /** @type {number} */ index, { currency, inCredits, inMoney, end }) {
    const format = this.#format;
    const key = `${index} ${line.id}`;
    const cell = h("td", { colspan: 2 + Number(inCredits) + Number(inMoney) });
    const opened = h("tr", { class: "opened", id: `line-${index}` }, cell);
    const button = h("button", {
      type: "button", class: "disclose", "data-line": key, "aria-controls": opened.id,
    }, line.name);
    const open = (/** @type {boolean} */ isOpen) => {
      button.setAttribute("aria-expanded", `${isOpen}`);
      opened.hidden = !isOpen;
      if (isOpen && !cell.hasChildNodes()) setChildren(cell, ...this.#details(line, currency));
    };
    button.addEventListener("click", () => {
      const isOpen = !this.#open.delete(key);
      if (isOpen) this.#open.add(key);
      open(isOpen);
    });
    open(this.#open.has(key));
    const [quantity, credits] = [line.quantity, line.credits].map((decimal) =>
      decimal === undefined ? "" : format.number(decimal));
    const { start } = line.service;
    const ahead = start >= end && `ahead, from ${format.date(start)}`;
    const narrow = [
      line.quantity !== "1" && quantity, inMoney && credits && `${credits} credits`,
    ].filter(Boolean);
    return [
      h("tr", { class: "line" },
        h("th", { scope: "row" }, button,
          ahead && h("span", { class: "quiet ahead" }, ahead),
          h("span", { class: "narrow quiet" }, narrow.join(" · "))),
        h("td", { class: "number wide" }, quantity),
        inCredits && h("td", { class: inMoney ? "number wide" : "number" },
          credits && h("data", { value: line.credits }, credits)),
        inMoney && h("td", { class: "number" },
          h("data", { value: line.amount }, format.money(line.amount, currency)))),
      opened,
    ];
  }

  /** What a line opens into. */
  #details(line, currency) {
    const format = this.#format;
    const money = (/** @type {string} */ text) => format.money(text, currency);
    const found = [];
    if (line.explanation) found.push(explained(line.explanation, format));
    if (line.formula) {
      const result = line.credits === undefined ? money(line.amount) : format.number(line.credits);
      found.push(formula(FORMULAS[line.kind] ?? line.kind, line.formula, result, format));
    }
    const shares = [
      ...line.discounts.map(({ id, amount }) =>
        sumRow(`Discount ${id}`, "", money(negated(amount)))),
      ...line.taxes.map(({ id, amount }) => sumRow(`Tax ${id}`, "", money(amount))),
    ];
    if (shares.length > 0) {
      shares.push(sumRow("This line in all", "", money(line.total)));
      found.push(h("ol", { class: "sums" }, ...shares));
    }
    if (!isZero(line.paid_by_credits)) {
      found.push(h("p", { class: "quiet" }, `Paid before: ${money(line.paid_by_credits)}.`));
    }
    if (line.credits !== undefined && currency !== null) {
      const words = "Paid with credits as it was used: no money is due for it.";
      found.push(h("p", { class: "quiet" }, words));
    }
    const service = `${format.instant(line.service.start)} – ${format.instant(line.service.end)}`;
    found.push(h("p", { class: "quiet" },
      `${line.id} of plan ${line.plan}, version ${line.version} · ${service}`));
    return found;
  }

  #sums({ totals, lines, currency, credit_ids: sources }) {
    const money = (/** @type {string} */ text) => this.#format.money(text, currency);
    const row = (words, amount, name, key = "") =>
      h("div", { class: name ? `sum ${name}` : "sum" },
        h("dt", {}, words),
        h("dd", {}, h("data", { value: amount, "data-sum": key }, money(amount))));
    const trueUp = lines.filter(({ kind }) => kind === "true_up");
    return h("dl", { class: "totals" },
      row("Subtotal", totals.subtotal, "", "subtotal"),
      ...trueUp.map(({ amount, name }) => row(`of which ${name}`, amount, "within")),
      ...totals.discounts.map(({ id, amount }) => row(`Discount ${id}`, negated(amount))),
      ...totals.taxes.map(({ id, amount }) => row(`Tax ${id}`, amount)),
      row("Total", totals.total, "total", "total"),
      ...totals.credits.map((amount, index) => row(`Paid by ${sources[index]}`, negated(amount)))
        .filter((_, index) => !isZero(totals.credits[index])),
      row("Amount due", totals.due, "final"));
  }

  /** Nothing, if the period had nothing in credits. */
  #credits({ credits }, grants, given) {
    if (isZero(credits.used) && grants.length === 0) return undefined;
    const write = (/** @type {string} */ decimal) => this.#format.number(decimal);
    const known = new Map(given.map((grant) => [grant.id, grant]));
    const fact = (words, amount) => h("div", {}, h("dt", {}, words), h("dd", {}, write(amount)));
    const rows = grants.map(({ id, burned, left, why }, index) => {
      const { kind = "", expires_at: end } = known.get(id) ?? {};
      const ends = end ? `ends ${this.#format.date(end)}` : "does not end";
      const reason = orderWords(why, `no. ${index}`);
      return h("tr", {},
        h("th", { scope: "row", title: id },
          h("span", { class: "rank" }, `${index + 1}`),
          h("span", { class: "name" }, kindWords(kind)),
          h("span", { class: "quiet" }, [grantDetail(id), ends].filter(Boolean).join(" · ")),
          h("span", { class: "narrow quiet" }, reason)),
        h("td", { class: "why quiet" }, reason),
        h("td", { class: "number" }, write(burned)),
        h("td", { class: "number wide" }, write(left)));
    });
    return h("section", { class: "sheet-grants", "aria-labelledby": "sheet-grants" },
      h("h3", { id: "sheet-grants" }, "Credits of the period"),
      h("dl", { class: "facts" },
        fact("Used", credits.used), fact("Paid by grants", credits.covered),
        fact("On this invoice", credits.overage)),
      rows.length > 0 && h("table", { class: "burned" },
        h("caption", { class: "quiet" }, "Grants in the order in which they burn"),
        h("thead", {}, h("tr", {},
          h("th", { scope: "col" }, "Grant"), h("th", { scope: "col", class: "why" }, "Why here"),
          h("th", { scope: "col", class: "number" }, "Burned"),
          h("th", { scope: "col", class: "number wide" }, "Left"))),
        h("tbody", {}, ...rows)));
  }

  #hash(/** @type {string} */ hash) {
    return h("p", { class: "quiet seal" },
      "The journal holds the fingerprint of this invoice, so that it cannot change: ",
      h("code", { class: "hash" }, hash));
  }
}
