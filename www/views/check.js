/**
 * Check my bill: the journal of the period, row by row, in the customer's own browser. It says what
 * will be checked, how far it is, and at the end one sentence, or what was found.
 */

import { loadBill } from "../core.js";
import { h, setChildren, setText } from "../dom.js";
import { checkJournal, rowsFor } from "../journal-check.js";
import { lastSeen, remember } from "../seen.js";
import { failureNotice } from "./failure.js";
import { found } from "./findings.js";
import { LOOK } from "./look.js";

/** @typedef {import("../pkg/bill.js").Verdict} Verdict */
/** @typedef {import("../dom.js").Child} Child */

/** The choice of the open period's bill. */
const NOW = "now";
/** So often the bill and the statement are asked for, until they are of the same rows. */
const TRIES = 3;

export class CheckView {
  static look = LOOK;

  #context;
  #parts;
  /** @type {AbortController | undefined} */
  #running;

  constructor(/** @type {import("./index.js").Context} */ context) {
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

  /** But not once the account is another one. */
  close() {
    this.#running?.abort();
  }

  #build() {
    const bill = h("select", { id: "check-bill" },
      h("option", { value: NOW }, "This period, so far"));
    const start = h("button", {
      class: "button primary", type: "button", onclick: () => void this.#check(),
    }, "Check this bill");
    const stop = h("button", {
      class: "button", type: "button", hidden: true, onclick: () => this.#running?.abort(),
    }, "Stop");
    const seen = h("p", { class: "quiet" });
    const bar = h("progress", { max: 1, value: 0, "aria-label": "Journal checked" });
    const count = h("p", { class: "quiet count" });
    const progress = h("div", { class: "check-progress", hidden: true }, bar, count);
    const outcome = h("div", { class: "outcome", role: "status" });
    const element = h("div", { class: "check" },
      h("section", { class: "card", "aria-labelledby": "check-title" },
        h("h2", { id: "check-title" }, "Check my bill"),
        h("p", { class: "lead" },
          "Your browser downloads the journal of the period and checks its chain of fingerprints, "
          + "so that no row can be changed, dropped, repeated or moved unseen."),
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
    const written = invoices.map(({ index, first, until }) =>
      h("option", { value: `${index}` }, format.days(first, until)));
    setChildren(bill, bill.options[0], ...written);
    bill.value = chosen;
  }

  #remembered() {
    const { format } = this.#context;
    const seen = this.#seen();
    setText(this.#parts.seen, seen
      ? `This browser saw row ${format.count(seen.row)} of your journal at `
        + `${format.instant(seen.at)}. If anybody has rewritten it since, this check says so.`
      : "This browser will remember the last row that it sees, so that a journal that is "
        + "rewritten later does not pass the next check.");
  }

  #seen() {
    return lastSeen(this.#context.api.url(""));
  }

  /**
   * What is to be checked: a statement, and the bill that the gateway says it leads to. While use
   * goes on, the two may be of different rows; then the bill is the core's own, of that statement.
   */
  async #question(/** @type {AbortSignal} */ signal) {
    const { api } = this.#context;
    const { value } = this.#parts.bill;
    if (value !== NOW) {
      const { statement, bill, row } = await api.get(`invoices/${value}`, signal);
      // Closed while nobody could read its plans: there is nothing to check yet.
      if (!statement) throw new Error(bill.no_invoice.message);
      return { statement, bill, sealed: row };
    }
    let statement = await api.get("statement", signal);
    for (let tries = 0; tries < TRIES; tries += 1) {
      const bill = await api.get("invoices/preview", signal);
      const after = await api.get("statement", signal);
      if (after.journal.hash === statement.journal.hash) return { statement, bill };
      statement = after;
    }
    return { statement, bill: undefined };
  }

  async #check() {
    const running = this.#begin();
    const { api } = this.#context;
    const start = performance.now();
    let check;
    try {
      const [{ statement, bill, sealed }, { BillCheck }] =
        await Promise.all([this.#question(running.signal), loadBill()]);
      const seen = this.#seen();
      const texts = [statement, bill].map((json) => json && JSON.stringify(json));
      const known = seen && { row: seen.row, hash: seen.hash };
      check = new BillCheck(texts[0], texts[1], known);
      const verdict = await checkJournal({
        api,
        check,
        rows: rowsFor(check.after, statement.journal.rows, { sealed, seen }),
        onProgress: (progress) => this.#progress(progress),
        signal: running.signal,
      });
      const took = performance.measure("edge-meter:check", { start });
      this.#tell(verdict, statement, took.duration);
    } catch (error) {
      this.#failed(running.signal.aborted ? undefined : error);
    } finally {
      check?.free();
      this.#end();
    }
  }

  #begin() {
    const { start, stop, bill, progress, bar, count, outcome } = this.#parts;
    const running = new AbortController();
    this.#running = running;
    start.hidden = true;
    stop.hidden = false;
    bill.disabled = true;
    progress.hidden = false;
    bar.value = 0;
    setText(count, "Asking for the bill …");
    setChildren(outcome);
    stop.focus();
    return running;
  }

  #end() {
    const { start, stop, bill } = this.#parts;
    this.#running = undefined;
    // Whoever went on to something else meanwhile stays there.
    const waited = this.#context.root.activeElement === stop;
    stop.hidden = true;
    start.hidden = false;
    bill.disabled = false;
    if (waited) start.focus();
  }

  #progress(/** @type {import("../journal-check.js").Progress} */ { rows, operations, part }) {
    const { bar, count } = this.#parts;
    const { format } = this.#context;
    bar.value = part;
    const percent = format.percent(`${Math.floor(part * 100)}`);
    setText(count, `${percent} · ${format.count(rows)} rows · `
      + `${format.count(operations)} operations`);
  }

  /** Nothing was decided: it was stopped, or could not go on. */
  #failed(/** @type {unknown} */ error) {
    setChildren(this.#parts.outcome, error === undefined
      ? h("p", { class: "quiet" }, "Stopped: nothing was decided.")
      : failureNotice(error, () => void this.#check()));
  }

  #tell(/** @type {Verdict} */ verdict, statement, /** @type {number} */ ms) {
    const { api, format } = this.#context;
    this.#progress({ ...verdict, of: verdict.rows, part: 1 });
    setChildren(this.#parts.outcome, verdict.clean
      ? sound(verdict, statement, ms, format)
      : found(verdict, format));
    if (!verdict.clean) return;
    remember(api.url(""), { row: verdict.last, hash: verdict.hash, at: statement.at });
    this.#remembered();
  }
}

const come = (/** @type {string} */ sum, /** @type {boolean} */ billed) =>
  billed ? `come to exactly the bill's ${sum}` : `come to ${sum} by the account's statement`;

/** Nothing was found: one sentence, and what it stands on. */
function sound(
  /** @type {Verdict} */
  { rows, operations, earlier, unrated, hash, total, currency, billed, seen },
  { period },
  /** @type {number} */ ms,
  /** @type {import("../locale.js").Format} */ format,
) {
  const sum = total !== undefined && currency !== undefined
    ? come(format.money(total, currency), billed)
    : `burned exactly the credits that the ${billed ? "bill" : "statement"} says`;
  const fact = (/** @type {string} */ words, /** @type {Child} */ value, long = false) =>
    h("div", { class: long && "long" }, h("dt", {}, words), h("dd", {}, value));
  return h("section", { class: "verdict sound" },
    h("p", { class: "sentence" },
      `Sound: ${format.count(rows)} rows of ${format.days(period.first, period.until)} are `
      + `unbroken, and ${format.count(operations)} operations, each at your plan's price, ${sum}.`),
    !billed && h("p", {},
      "The bill itself was not compared: each time it was asked for, use had gone on since. "
      + "Check again when it is calmer."),
    earlier > 0 && h("p", {},
      `${format.count(earlier)} of them, for ${format.number(unrated)} credits, were served before `
      + "the period: who paid is checked, and their price only by the whole journal."),
    seen && h("p", {}, "The row that this browser saw before is still the same."),
    h("dl", { class: "facts" },
      fact("Rows", format.count(rows)),
      fact("Operations", format.count(operations)),
      fact("Took", `${format.number((ms / 1000).toFixed(2))} s`),
      fact("Last row's fingerprint", h("code", { class: "hash" }, hash), true)));
}
