/**
 * The invoice: of this period as it would be written now, or projected to its end; and the ones
 * that were written. All are computed or read as bills of one shape and shown on one sheet.
 */

import { h, setChildren } from "../dom.js";
import { readStatement } from "../statement.js";
import { BillSheet } from "./bill-sheet.js";
import { failureNotice } from "./failure.js";
import { LOOK } from "./look.js";
import { printSheet } from "./print.js";
import { statusTag } from "./status.js";

/** Use goes on while somebody looks; the sheet follows, but calmly. */
const RENEW_EVERY_MS = 5000;

export class InvoiceView {
  static look = LOOK;

  #context;
  #sheet;
  /** When it was first looked at; nothing once the first sheet is there. @type {number | null} */
  #awaited = performance.now();
  #projected = false;
  /** The finalized invoice that is looked at, if any. @type {number | undefined} */
  #index;
  /** What was used when the account last said something. @type {string | undefined} */
  #used;
  /** Whether more was used since the sheet was asked for. */
  #isBehind = false;
  #renewed = 0;
  /** @type {number | undefined} */
  #timer;
  /** The question that is asked for the sheet; older ones are given up. @type {AbortController
   *   | undefined} */
  #asking;
  /** That for the list. @type {AbortController | undefined} */
  #listing;
  #parts;

  constructor(/** @type {import("./index.js").Context} */ context) {
    this.#context = context;
    this.#sheet = new BillSheet(context);
    this.#parts = this.#build();
  }

  get element() {
    return this.#parts.element;
  }

  show() {
    void this.#renew();
    void this.#list();
  }

  hide() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#asking?.abort();
    this.#asking = undefined;
    this.#listing?.abort();
  }

  /** Follows what is used: it is on the invoice too. */
  live(/** @type {import("./index.js").Live} */ { exact, recent }) {
    const used = `${exact.burned} ${recent[0]?.operation}`;
    if (this.#used !== undefined && used !== this.#used) this.#isBehind = true;
    this.#used = used;
    this.#renewSoon();
  }

  /** Not before an answer is here: the gateway may have asked to wait for it. */
  #renewSoon() {
    if (!this.#isBehind || this.#asking || this.#index !== undefined) return;
    if (this.#timer !== undefined) return;
    const wait = this.#renewed + RENEW_EVERY_MS - Date.now();
    this.#timer = setTimeout(() => void this.#renew(), Math.max(0, wait));
  }

  #build() {
    const choice = (/** @type {string} */ text, /** @type {boolean} */ projected) =>
      h("button", {
        type: "button", "aria-pressed": `${!projected}`, onclick: () => this.#choose(projected),
      }, text);
    const now = choice("So far", false);
    const end = choice("At the period's end", true);
    const back = h("button", {
      class: "plain", type: "button", hidden: true, onclick: () => this.#look(undefined),
    }, "← This period");
    const print = h("button", {
      class: "button push", type: "button", onclick: () => this.#print(),
    }, "Print");
    const which = h("div", { class: "segments", role: "group", "aria-label": "Use" }, now, end);
    const bones = ["short", "tall", "wide", "wide", "wide"];
    const body = h("div", { "aria-busy": "true" },
      h("div", { class: "sheet", "aria-hidden": "true" },
        ...bones.map((name) => h("span", { class: `bone ${name}` }))));
    const list = h("section", { class: "card past", "aria-labelledby": "past-title" });
    const element = h("div", { class: "invoice" },
      h("div", { class: "toolbar" }, which, back, print), body, list);
    return { element, now, end, which, back, body, list };
  }

  #choose(/** @type {boolean} */ projected) {
    this.#projected = projected;
    this.#parts.now.setAttribute("aria-pressed", `${!projected}`);
    this.#parts.end.setAttribute("aria-pressed", `${projected}`);
    void this.#renew();
  }

  /** Opens a finalized invoice, or the preview again. */
  #look(/** @type {number | undefined} */ index) {
    this.#index = index;
    const isFinal = index !== undefined;
    this.#parts.which.hidden = isFinal;
    // The one that was pressed goes: the focus is where it leads to.
    if (!isFinal) this.#parts[this.#projected ? "end" : "now"].focus();
    this.#parts.back.hidden = !isFinal;
    void this.#renew().then(() => {
      this.#sheet.element.scrollIntoView({ block: "nearest" });
      if (isFinal) this.#parts.back.focus();
    });
  }

  async #renew() {
    this.#asking?.abort();
    const asking = new AbortController();
    const { signal } = asking;
    this.#asking = asking;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#renewed = Date.now();
    this.#isBehind = false;
    const { body } = this.#parts;
    try {
      const index = this.#index;
      const made = await (index === undefined ? this.#preview(signal) : this.#final(index, signal));
      if (signal.aborted) return;
      this.#sheet.show(made.bill, made.statement, made.about);
      if (body.firstChild !== this.#sheet.element) setChildren(body, this.#sheet.element);
      this.#measured();
    } catch (error) {
      if (signal.aborted) return;
      setChildren(body, failureNotice(error, () => void this.#renew()));
    } finally {
      if (asking === this.#asking) {
        this.#asking = undefined;
        body.removeAttribute("aria-busy");
        this.#renewSoon();
      }
    }
  }

  /** The sheet alone, as it is open here. */
  #print() {
    const { element } = this.#sheet;
    if (element.isConnected) printSheet(element, this.#context.root, this.#sheet.name);
  }

  /** From the view's making to the first sheet. */
  #measured() {
    if (this.#awaited === null) return;
    performance.measure("edge-meter:first-preview", { start: this.#awaited });
    this.#awaited = null;
  }

  async #preview(/** @type {AbortSignal} */ signal) {
    const { json, statement } = await readStatement(this.#context, signal);
    const { format } = this.#context;
    try {
      const bill = this.#projected ? statement.projected(json.at) : statement.bill();
      const about = this.#projected
        ? { title: "Invoice, projected", note: projectedNote(json, format) }
        : {
          title: "Invoice, so far",
          note: `As it would be written now, ${format.instant(json.at)}.`,
        };
      return { bill, statement: json, about };
    } finally {
      statement.free();
    }
  }

  async #final(/** @type {number} */ index, /** @type {AbortSignal} */ signal) {
    const { bill, statement, hash } = await this.#context.api.get(`invoices/${index}`, signal);
    // Closed while nobody could read its plans.
    if (!statement) throw new Error(bill.no_invoice.message);
    return { bill, statement, about: { title: `Invoice ${index + 1}`, hash } };
  }

  /** The invoices that were written, newest first. */
  async #list() {
    this.#listing?.abort();
    const { signal } = this.#listing = new AbortController();
    const { list } = this.#parts;
    const title = h("h2", { id: "past-title" }, "Earlier invoices");
    try {
      const { invoices } = await this.#context.api.get("invoices", signal);
      const empty = h("p", { class: "empty" },
        "None yet: the first one is written when this period ends.");
      setChildren(list, title, invoices.length === 0 ? empty : this.#table(invoices));
    } catch (error) {
      if (signal.aborted) return;
      setChildren(list, title, failureNotice(error, () => void this.#list()));
    }
  }

  #table(invoices) {
    const { format } = this.#context;
    const money = (/** @type {string | null} */ text, /** @type {string} */ currency) =>
      text === null ? "–" : format.money(text, currency);
    const rows = invoices.map(({ index, first, until, total, due, status, currency }) => {
      const open = h("button", { type: "button", class: "plain", onclick: () => this.#look(index) },
        format.days(first, until));
      return h("tr", {},
        h("th", { scope: "row" }, open),
        h("td", {}, statusTag(status)),
        h("td", { class: "number wide" }, money(total, currency)),
        h("td", { class: "number" }, money(due, currency)));
    });
    return h("table", {},
      h("thead", {}, h("tr", {},
        h("th", { scope: "col" }, "Period"), h("th", { scope: "col" }, "Status"),
        h("th", { scope: "col", class: "number wide" }, "Total"),
        h("th", { scope: "col", class: "number" }, "Due"))),
      h("tbody", {}, ...rows));
  }
}

/** How much of the period has passed, in the words of whoever redoes the sum. */
function projectedNote({ at, period }, format) {
  const [until, from] = [format.instant(period.end), format.instant(at)];
  return `If use goes on until ${until} as it did until ${from}: `
    + "every quantity times the whole period over what has passed of it, rounded to 6 places.";
}
