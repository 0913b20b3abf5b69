/**
 * What was used: by hour or by day over the period, told apart by meter, model, route or key, next
 * to the period before.
 *
 *   periods ─▶ usage report of both ─▶ chart, parts beside it, buckets below ─▶ CSV, JSON
 */

import { h, setChildren, setText } from "../dom.js";
import { failureNotice } from "./failure.js";
import { UsageChart } from "./usage/chart.js";
import { csv, json, save } from "./usage/export.js";
import { LOOK } from "./usage/look.js";
import { PartsTable } from "./usage/parts.js";
import { readPeriods, starts } from "./usage/periods.js";
import { bucketsOf, NOTHING, readUsage, seriesOf, totals } from "./usage/read.js";
import { TimesTable } from "./usage/times.js";

/** Use goes on while somebody looks; the report follows, but calmly. */
const RENEW_EVERY_MS = 60_000;
/** Parts that have a colour of their own; the others share one. */
const STACKS_MAX = 5;

const STEPS = { day: "By day", hour: "By hour" };
const MEASURES = { credits: "Credits", calls: "Calls" };
const BY = { charge: "Meter", model: "Model", route: "Route", key: "Key" };

/** @typedef {import("./usage/read.js").Row} Row */
/** @typedef {import("./usage/periods.js").Periods} Periods */
/** @typedef {"day" | "hour"} Step */
/** @typedef {{now: Row[], before: Row[], periods: Periods, step: Step, by: string}} Answer with the
 *   question: what is shown is of the one that was answered, not of the one that was asked since */

export class UsageView {
  static look = LOOK;

  #context;
  #asked = { step: /** @type {Step} */ ("day"), by: "charge" };
  /** @type {keyof typeof MEASURES} */ #measure = "credits";
  #compare = true;
  /** @type {Answer | undefined} */ #answer;
  /** The question that has no answer yet. @type {AbortController | undefined} */ #running;
  #renewed = 0;
  #burned = "";
  #chart;
  #parts;
  #times;
  #dom;

  /** @param {import("./index.js").Context} context */
  constructor(context) {
    this.#context = context;
    const { format } = context;
    this.#chart = new UsageChart(format, {
      onPoint: (index) => this.#point(index),
      onZoom: () => this.#list(),
    });
    this.#parts = new PartsTable(format);
    this.#times = new TimesTable(format);
    this.#dom = this.#build();
  }

  get element() {
    return this.#dom.element;
  }

  show() {
    if (Date.now() - this.#renewed > RENEW_EVERY_MS) void this.#load();
  }

  hide() {
    this.#running?.abort();
    if (this.#running) this.#renewed = 0;
  }

  live(/** @type {import("../pkg/edgemeter.js").View} */ { exact }) {
    const stale = exact.burned !== this.#burned && Date.now() - this.#renewed > RENEW_EVERY_MS;
    this.#burned = exact.burned;
    if (stale) void this.#load();
    this.#chart.recolor();
  }

  close() {
    this.#chart.close();
  }

  #build() {
    const segments = (/** @type {string} */ label, /** @type {Record<string, string>} */ choices,
      /** @type {string} */ chosen, /** @type {(value: any) => void} */ choose) => {
      const buttons = Object.entries(choices).map(([value, text]) =>
        h("button", {
          type: "button", "aria-pressed": `${value === chosen}`, "data-value": value,
        }, text));
      for (const button of buttons) {
        button.addEventListener("click", () => {
          for (const one of buttons) one.setAttribute("aria-pressed", `${one === button}`);
          choose(button.dataset.value);
        });
      }
      return h("div", { class: "segments", role: "group", "aria-label": label }, ...buttons);
    };
    const by = h("select", { id: "usage-by", "aria-label": "Told apart by" },
      ...Object.entries(BY).map(([value, text]) => h("option", { value }, text)));
    by.addEventListener("change", () => this.#ask({ by: by.value }));
    const compare = h("input", { id: "usage-compare", type: "checkbox", checked: true });
    compare.addEventListener("change", () => {
      this.#compare = compare.checked;
      this.#draw();
    });
    const file = (/** @type {"csv" | "json"} */ kind) => h("button", {
      type: "button", class: "button", id: `usage-${kind}`, onclick: () => this.#save(kind),
    }, kind.toUpperCase());
    const toolbar = h("div", { class: "toolbar" },
      segments("Step", STEPS, "day", (step) => this.#ask({ step })),
      segments("Measure", MEASURES, "credits", (measure) => {
        this.#measure = measure;
        this.#draw();
      }),
      by,
      h("label", { class: "option" }, compare, "Period before", h("i", { "aria-hidden": "true" })),
      h("span", { class: "files" }, file("csv"), file("json")));
    const head = {
      period: h("h2", { id: "usage-title" }),
      total: h("p", { id: "usage-total", class: "figure" }, "–"),
      words: h("p", { id: "usage-words", class: "quiet" }),
      readout: h("p", { id: "usage-readout", class: "quiet readout" }),
      none: h("p", { id: "usage-none", class: "empty", hidden: true },
        "Nothing was used in this period yet. The first call shows here within a minute."),
      parts: h("h2", { id: "parts-title" }),
      whole: h("button", {
        type: "button", class: "plain", hidden: true, onclick: () => this.#chart.zoom(undefined),
      }, "Show all"),
    };
    const main = h("div", { class: "grid", hidden: true },
      h("section", { class: "card eight", "aria-labelledby": "usage-title" },
        h("div", { class: "head" }, head.period, head.whole), head.total, head.words,
        this.#chart.element, head.readout, head.none),
      h("section", { class: "card four", "aria-labelledby": "parts-title" },
        head.parts, this.#parts.element),
      h("section", { class: "card", "aria-labelledby": "times-title" },
        h("h2", { id: "times-title" }, "In numbers"), this.#times.element));
    const bones = h("div", { class: "card", "aria-hidden": "true" },
      ...["short", "tall", "wide", "block"].map((name) => h("span", { class: `bone ${name}` })));
    const said = h("div", { role: "status" });
    const element = h("div", { class: "usage" }, toolbar, said, bones, main);
    return { element, main, bones, said, ...head };
  }

  #ask(/** @type {Partial<{step: Step, by: string}>} */ change) {
    this.#asked = { ...this.#asked, ...change };
    void this.#load();
  }

  async #load() {
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    this.#renewed = Date.now();
    const { main, said, bones, element } = this.#dom;
    element.setAttribute("aria-busy", "true");
    try {
      const answer = await this.#read(running.signal);
      if (running.signal.aborted) return;
      this.#answer = answer;
      setChildren(said);
      bones.hidden = true;
      main.hidden = false;
      this.#draw();
    } catch (error) {
      if (running.signal.aborted) return;
      this.#renewed = 0;
      bones.hidden = true;
      main.hidden = !this.#answer;
      setChildren(said, failureNotice(error, () => void this.#load()));
    } finally {
      if (running === this.#running) {
        this.#running = undefined;
        element.removeAttribute("aria-busy");
      }
    }
  }

  /** @param {AbortSignal} signal @returns {Promise<Answer>} */
  async #read(signal) {
    const { api } = this.#context;
    const periods = await readPeriods(this.#context, signal);
    const { step, by } = this.#asked;
    const [now, before] = await Promise.all([periods.now, periods.before].map((stretch) =>
      readUsage(api, { ...stretch, step, by: [by] }, signal)));
    return { now, before, periods, step, by };
  }

  #draw() {
    if (!this.#answer) return;
    const { format } = this.#context;
    const { now: rows, before, periods, step } = this.#answer;
    const at = starts(periods.now, step, format);
    const measure = this.#measure;
    const value = (/** @type {any} */ sums) => Number((sums ?? NOTHING)[measure]);
    const all = seriesOf(rows, measure);
    const named = all.slice(0, all.length > STACKS_MAX + 1 ? STACKS_MAX : STACKS_MAX + 1);
    const rest = all.slice(named.length);
    const stacks = named.map((one, index) => ({
      name: one.name, ink: `ink-${index}`, values: at.map((start) => value(one.at.get(start))),
    }));
    if (rest.length > 0) {
      const values = at.map((start) =>
        rest.reduce((sum, one) => sum + value(one.at.get(start)), 0));
      stacks.push({ name: "others", ink: "ink-rest", values });
    }
    const earlier = bucketsOf(before);
    const atBefore = starts(periods.before, step, format);
    const line = at.map((_, index) => value(earlier.get(atBefore[index])));
    const ends = periods.now.to;
    const time = this.#context.state.now();
    const used = at.findLastIndex((_, index) => stacks.some(({ values }) => values[index] !== 0));
    const latest = Math.max(used, at.findLastIndex((start) => start <= time));
    const compared = this.#compared ? line : undefined;
    const isEmpty = used < 0 && !compared?.some((value) => value !== 0);
    const { none, readout } = this.#dom;
    none.hidden = !isEmpty;
    readout.hidden = isEmpty;
    setText(readout, "");
    this.#chart.element.hidden = isEmpty;
    this.#chart.draw({ starts: at, stacks, before: compared, ends, latest });
    this.#list();
  }

  /** Whether there is something to compare with, and somebody wants it. */
  get #compared() {
    return this.#compare && (this.#answer?.before.length ?? 0) > 0;
  }

  /** Numbers beside and below the chart: of what it shows. */
  #list() {
    if (!this.#answer) return;
    const { format } = this.#context;
    const { now, before, periods, step, by } = this.#answer;
    const [at, atBefore] = [periods.now, periods.before].map((one) => starts(one, step, format));
    const [first, last] = this.#chart.shown ?? [0, at.length - 1];
    const from = at[first];
    const to = at[last + 1] ?? periods.now.to;
    const time = this.#context.state.now();
    const shown = now.filter((row) => row.at >= from && row.at < to);
    const fromBefore = atBefore[first] ?? periods.before.to;
    const toBefore = atBefore[last + 1] ?? periods.before.to;
    const earlier = before.filter((row) => row.at >= fromBefore && row.at < toBefore);
    // A period that runs is compared with as much of the one before.
    const running = at.findLastIndex((start) => start <= time);
    const byNow = time < to ? atBefore[running + 1] ?? toBefore : toBefore;
    const sums = totals(shown);
    const sumsBefore = totals(earlier.filter((row) => row.at < byNow));
    const { period, total, words, whole, parts } = this.#dom;
    const title = BY[/** @type {keyof typeof BY} */ (by)];
    setText(parts, `By ${title.toLowerCase()}`);
    setText(period, `${format.date(from)} – ${format.date(to - 1)}`);
    const measure = this.#measure;
    const write = (/** @type {any} */ of) => format.number(`${of[measure]}`);
    const unit = measure === "calls" ? "calls" : "credits";
    setChildren(total, write(sums), " ", h("small", {}, unit));
    const other = measure === "calls"
      ? `${format.number(sums.credits)} credits` : `${format.count(sums.calls)} calls`;
    const then = time < to ? "by this time in the period before" : "in the period before";
    const compare = this.#compared;
    const earlierWords = compare ? `${write(sumsBefore)} ${unit} ${then}`
      : this.#compare && "nothing in the period before";
    setText(words, [other, earlierWords].filter(Boolean).join("; "));
    whole.hidden = !this.#chart.shown;
    this.#parts.paint({
      series: seriesOf(shown, measure), before: seriesOf(earlier, measure), measure,
      order: seriesOf(now, measure).map(({ name }) => name), stacks: STACKS_MAX,
      title, compare,
      charges: by === "charge" ? periods.names : undefined,
    });
    this.#times.paint({
      buckets: bucketsOf(shown), before: bucketsOf(earlier), step, compare,
      now: time, starts: at.slice(first, last + 1), startsBefore: atBefore.slice(first, last + 1),
    });
  }

  #point(/** @type {number | undefined} */ index) {
    const { readout } = this.#dom;
    if (!this.#answer || index === undefined) return setText(readout, "");
    const { format } = this.#context;
    const { now, periods, step } = this.#answer;
    const start = starts(periods.now, step, format)[index];
    const sums = totals(now.filter(({ at }) => at === start));
    const when = step === "day" ? format.date(start) : format.instant(start);
    const used = `${format.number(sums.credits)} credits, ${format.count(sums.calls)} calls`;
    setText(readout, `${when}: ${used}`);
  }

  #save(/** @type {"csv" | "json"} */ kind) {
    if (!this.#answer) return;
    const { now, periods, step, by } = this.#answer;
    const question = { ...periods.now, step, by: [by] };
    const day = new Date(periods.now.from).toISOString().slice(0, 10);
    const name = `usage-${day}-${question.step}-${question.by}.${kind}`;
    if (kind === "csv") save(name, "text/csv;charset=utf-8", csv(question.by, now));
    else save(name, "application/json", json(question, now));
  }
}
