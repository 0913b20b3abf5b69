/**
 * Check my bill: the journal of the period, row by row, in the customer's own browser. It says what
 * will be checked, how far it is, and at the end one sentence, or what was found.
 */

import { h } from "../dom.js";
import { checkJournal } from "../journal-check.js";
import { lastSeen, remember } from "../seen.js";
import { failureNotice } from "./failure.js";
import { found } from "./findings.js";
import { LOOK } from "./look.js";
import { withoutMoney } from "./without-money.js";

export class CheckView {
  static look = LOOK;

  #context;
  #parts;
  /** @type {AbortController | undefined} */
  #running;

  constructor(context) {
    this.#context = context;
    this.#parts = this.#build();
  }

  get element() {
    return this.#parts.element;
  }

  show() {
    this.#remembered();
    void this.#offer();
  }

  /** A check that nobody looks at goes on. */
  hide() {}

  live() {}

  #build() {
    const bill = /** @type {HTMLSelectElement} */ (h("select", { id: "check-bill" },
      h("option", { value: "now" }, "This period, so far")));
    const start = h("button", { type: "button", class: "button primary" }, "Check this bill");
    start.addEventListener("click", () => void this.#check());
    const stop = h("button", { class: "button", type: "button", hidden: true }, "Stop");
    stop.addEventListener("click", () => this.#running?.abort());
    const seen = h("p", { class: "quiet" });
    const bar = /** @type {HTMLProgressElement} */ (h("progress", {
      max: 1, value: 0, "aria-label": "Journal checked",
    }));
    const count = h("p", { class: "quiet count" });
    const progress = h("div", { class: "check-progress", hidden: true }, bar, count);
    const outcome = h("div", { class: "outcome", role: "status" });
    const element = h("div", { class: "check" },
      h("section", { class: "card", "aria-labelledby": "check-title" },
        h("h2", { id: "check-title" }, "Check my bill"),
        h("p", { class: "lead" },
          "Your browser downloads the journal of the period and checks its chain of fingerprints, "
          + "so that no row can be changed, dropped, repeated or moved."),
        h("p", { class: "lead" },
          "Then it prices every operation again by your plan, adds all of them up, and compares "
          + "the result with the bill to the last digit."),
        h("div", { class: "toolbar" },
          h("label", { for: "check-bill" }, "Bill"), bill, start, stop),
        seen, progress, outcome));
    return { element, bill, start, stop, seen, bar, count, progress, outcome };
  }

  /** Which bills there are to check. */
  async #offer() {
    const { bill } = this.#parts;
    const { api, format } = this.#context;
    const { invoices } = await api.get("invoices").catch(() => ({ invoices: [] }));
    const chosen = bill.value;
    const [now] = bill.options;
    const written = invoices.map(({ index, first, until }) =>
      h("option", { value: `${index}` }, format.days(first, until)));
    bill.replaceChildren(now, ...written);
    bill.value = chosen;
  }

  #remembered() {
    const { format } = this.#context;
    const seen = this.#seen();
    this.#parts.seen.textContent = seen
      ? `This browser saw row ${format.count(seen.row)} of your journal at `
        + `${format.instant(seen.at)}. If anybody has rewritten it since, this check says so.`
      : "This browser will remember the last row that it sees, so that a journal that is "
        + "rewritten later does not pass the next check.";
  }

  #seen() {
    return lastSeen(this.#context.api.url(""));
  }

  /** What is to be checked: the statement and the bill that the gateway says it leads to. */
  async #question() {
    const { api } = this.#context;
    const { value } = this.#parts.bill;
    if (value !== "now") {
      const text = await api.text(`invoices/${value}`);
      const { statement, bill } = JSON.parse(text);
      return { statement, bill };
    }
    const statement = await api.get("statement");
    const bill = await api.get("invoices/preview");
    return { statement, bill };
  }

  async #check() {
    const { parts, running } = this.#begin();
    const started = performance.now();
    try {
      const { statement, bill } = await this.#question();
      const seen = this.#seen();
      const check = new this.#context.core.BillCheck(JSON.stringify(statement), JSON.stringify(bill), seen);
      const verdict = await checkJournal({
        api: this.#context.api,
        check,
        journal: statement.journal,
        signal: running.signal,
        onProgress: (progress) => this.#progress(progress),
      });
      if (!verdict) return this.#stopped();
      performance.measure("edge-meter:check", { start: started });
      this.#tell(verdict, statement, bill, performance.now() - started);
    } catch (error) {
      if (running.signal.aborted) return this.#stopped();
      parts.outcome.replaceChildren(failureNotice(error, () => void this.#check()));
    } finally {
      parts.start.hidden = false;
      parts.stop.hidden = true;
      parts.bill.disabled = false;
      this.#running = undefined;
    }
  }

  #begin() {
    const parts = this.#parts;
    const running = new AbortController();
    this.#running = running;
    parts.start.hidden = true;
    parts.stop.hidden = false;
    parts.bill.disabled = true;
    parts.progress.hidden = false;
    parts.bar.value = 0;
    parts.count.textContent = "Asking for the journal …";
    parts.outcome.replaceChildren();
    parts.stop.focus();
    return { parts, running };
  }

  #progress({ rows, operations, part }) {
    const { bar, count } = this.#parts;
    const { format } = this.#context;
    bar.value = part;
    count.textContent = `${Math.floor(part * 100)} % · ${format.count(rows)} rows · `
      + `${format.count(operations)} operations`;
  }

  #stopped() {
    this.#parts.outcome.replaceChildren(h("p", { class: "quiet" }, "Stopped: nothing was decided."));
  }

  #tell(verdict, statement, bill, ms) {
    const { outcome, start } = this.#parts;
    const made = verdict.findings.length > 0
      ? found(verdict.findings, this.#context.format)
      : this.#sound(verdict, statement, bill, ms);
    outcome.replaceChildren(made);
    start.hidden = false;
    start.focus();
  }

  /** Nothing was found: one sentence, and what it stands on. */
  #sound({ rows, operations }, statement, bill, ms) {
    const { journal, period, at } = statement;
    const { api, format } = this.#context;
    const number = (/** @type {string} */ decimal) => format.number(decimal);
    remember(api.url(""), { row: journal.rows, hash: journal.hash, at });
    this.#remembered();
    const sum = bill.invoice
      ? format.money(bill.invoice.totals.due, bill.invoice.currency)
      : `${number(withoutMoney(bill, statement).credits.used)} credits`;
    const fact = (words, value) => h("div", {}, h("dt", {}, words), h("dd", {}, value));
    return h("section", { class: "verdict sound" },
      h("p", { class: "sentence" },
        `Sound: ${format.count(rows)} rows and ${format.count(operations)} operations of `
        + `${format.days(period.first, period.until)} are unbroken, every price is your plan's, `
        + `and they come to exactly the bill's ${sum}.`),
      h("dl", { class: "facts" },
        fact("Rows", format.count(rows)),
        fact("Operations", format.count(operations)),
        fact("Took", `${number((ms / 1000).toFixed(2))} s`),
        h("div", { class: "long" }, h("dt", {}, "Last row's fingerprint"),
          h("dd", {}, h("code", { class: "hash" }, journal.hash)))));
  }
}
