/**
 * What if: the period's real use, more or less of it, under another plan or commit, beside today's
 * plan; answered by the core while a slider is dragged.
 *
 *   input ── at most one answer a frame ──▶ statement.what_if(scenario) ──▶ texts of cells
 *
 * Each answer is a measure of its own, "edge-meter:what-if": from the frame's start to the last
 * text.
 */

import { h, setChildren } from "../dom.js";
import { readStatement } from "../statement.js";
import { Comparison } from "./comparison.js";
import { plus } from "./decimals.js";
import { FactorSlider } from "./factor-slider.js";
import { failureNotice } from "./failure.js";
import { fitted } from "./fit.js";
import { LOOK } from "./look.js";
import { PlanChoice } from "./plan-choice.js";

export class WhatIfView {
  static look = LOOK;

  #context;
  /** @type {import("../statement.js").Read | undefined} */
  #read;
  /** @type {FactorSlider | undefined} */
  #all;
  /** @type {Map<string, FactorSlider>} by charge */
  #each = new Map();
  #choice;
  #comparison;
  #projected = true;
  /** The frame that will answer, if one is due. */
  #frame = 0;
  /** What is being read; an older reading is given up. @type {AbortController | undefined} */
  #reading;
  /** Whether it was asked for and has no answer: what was given up is asked again. */
  #isStale = true;
  /** The plans to fit, until an answer says which one does. @type {any[] | undefined} */
  #unfitted;
  #parts;

  constructor(/** @type {import("./index.js").Context} */ context) {
    this.#context = context;
    this.#comparison = new Comparison(context);
    this.#choice = new PlanChoice({ onChange: () => this.#answerSoon() });
    this.#parts = this.#build();
  }

  get element() {
    return this.#parts.element;
  }

  show() {
    if (this.#isStale) void this.#load();
    else if (this.#unfitted) void this.#reads((signal) => this.#fit(signal));
  }

  hide() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#reading?.abort();
  }

  /** Numbers that move by themselves would hide what the sliders do. */
  live() {}

  close() {
    this.#reading?.abort();
    this.#read?.statement.free();
    this.#read = undefined;
  }

  #build() {
    const so = (/** @type {string} */ text, /** @type {boolean} */ projected) =>
      h("button", {
        type: "button",
        "aria-pressed": `${projected === this.#projected}`,
        onclick: () => this.#project(projected),
      }, text);
    const uses = [so("To the period's end", true), so("So far", false)];
    const again = h("button", { class: "button", type: "button", onclick: () => void this.#load() },
      "Refresh");
    const sliders = h("fieldset", { class: "sliders" });
    const controls = h("section", { class: "card controls minor", "aria-label": "Scenario" });
    const result = h("section", { class: "card major", "aria-labelledby": "compared-title" },
      h("h2", { id: "compared-title" }, "The same use, two ways"), this.#comparison.element);
    const fit = h("section", { class: "card fit", "aria-labelledby": "fit-title" });
    const body = h("div", { class: "grid what-if" }, controls, result, fit);
    setChildren(controls, sliders, ...this.#choice.elements);
    const place = h("div", { "aria-busy": "true" },
      h("p", { class: "empty", role: "status" }, "Reading your use …"));
    const element = h("div", {},
      h("div", { class: "toolbar" },
        h("div", { class: "segments", role: "group", "aria-label": "Use" }, ...uses), again),
      place);
    return { element, place, body, uses, sliders, fit };
  }

  #project(/** @type {boolean} */ projected) {
    this.#projected = projected;
    this.#parts.uses.forEach((button, at) =>
      button.setAttribute("aria-pressed", `${(at === 0) === projected}`));
    this.#answerSoon();
  }

  #load() {
    const { api } = this.#context;
    const { place } = this.#parts;
    this.#isStale = true;
    return this.#reads(async (signal) => {
      const [read, offers] =
        await Promise.all([readStatement(this.#context, signal), offered(api, signal)]);
      if (signal.aborted) return read.statement.free();
      this.#read?.statement.free();
      this.#read = read;
      this.#unfitted = offers;
      this.#slide(read.json);
      this.#choice.show(lastStretch(read.json).plan, offers);
      this.#answer();
      this.#isStale = false;
      this.#fill();
      place.removeAttribute("aria-busy");
      await this.#fit(signal);
    });
  }

  /** Shows what there is, in the place of what was said instead. */
  #fill() {
    const { place, body } = this.#parts;
    if (place.firstChild !== body) setChildren(place, body);
  }

  /** Says so if it fails, unless nobody waits for it any more. */
  async #reads(/** @type {(signal: AbortSignal) => Promise<void>} */ read) {
    this.#reading?.abort();
    const { signal } = this.#reading = new AbortController();
    try {
      await read(signal);
    } catch (error) {
      if (signal.aborted) return;
      const { place } = this.#parts;
      setChildren(place, failureNotice(error, () => void this.#load()));
      place.removeAttribute("aria-busy");
    }
  }

  /** Which model fits: the days are counted from the journal, which may take a moment. */
  async #fit(/** @type {AbortSignal} */ signal) {
    if (!this.#read || !this.#unfitted) return;
    const { json, statement } = this.#read;
    const { fit } = this.#parts;
    const title = h("h2", { id: "fit-title" }, "Which pricing model fits");
    setChildren(fit, title, h("p", { class: "empty", role: "status" }, "Counting your days …"));
    fit.setAttribute("aria-busy", "true");
    const days = await daysOf(this.#context.api, json.period, signal);
    signal.throwIfAborted();
    const fits = statement.fit(this.#unfitted.map((offer) => JSON.stringify(offer)), days);
    const { currency } = lastStretch(json).plan;
    setChildren(fit, title, ...fitted(fits, this.#context.format, currency));
    fit.removeAttribute("aria-busy");
    this.#unfitted = undefined;
    this.#fill();
  }

  /** One slider for everything, one for each charge; positions stay over a reload of the use. */
  #slide(/** @type {any} */ statement) {
    const { format } = this.#context;
    const charges = new Map(statement.stretches.flatMap(({ plan }) =>
      plan.charges.map(({ id, name }) => [id, name || id])));
    if ([...charges.keys()].join() === [...this.#each.keys()].join()) return;
    const all = new FactorSlider({
      name: "All use",
      strong: true,
      format,
      onInput: () => {
        for (const slider of this.#each.values()) slider.factor = all.factor;
        this.#answerSoon();
      },
    });
    this.#all = all;
    this.#each = new Map([...charges].map(([id, name]) =>
      [id, new FactorSlider({ name, format, onInput: () => this.#answerSoon() })]));
    const each = this.#each.size > 1 ? [...this.#each.values()] : [];
    setChildren(this.#parts.sliders, h("legend", {}, "How much is used"),
      all.element, ...each.map(({ element }) => element));
  }

  #answerSoon() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#answer();
    });
  }

  /** The answer; with a plan that is none, that of today's plan, and why. */
  #answer() {
    if (!this.#read || !this.#all) return;
    const start = performance.now();
    const { json, statement } = this.#read;
    const scenario = this.#scenario(json);
    try {
      this.#comparison.show(statement.what_if(scenario));
      this.#choice.complain("");
    } catch (error) {
      this.#choice.complain(reason(error));
      this.#comparison.show(statement.what_if({ ...scenario, plan: undefined, commit: undefined }));
    }
    performance.measure("edge-meter:what-if", { start });
  }

  #scenario(/** @type {any} */ { at }) {
    const all = this.#all?.factor ?? "1";
    const factors = [...this.#each].map(([id, slider]) => [id, slider.factor]);
    return {
      plan: this.#choice.plan,
      commit: this.#choice.commit,
      all,
      factors: this.#each.size > 1 ? Object.fromEntries(factors) : {},
      projected: this.#projected ? at : undefined,
    };
  }
}

const lastStretch = (/** @type {any} */ { stretches }) => stretches[stretches.length - 1];

/** The core's words, without a place that has no name. */
const reason = (/** @type {any} */ error) => `${error?.message ?? error}`.replace(/^: /, "");

/** The plans that the operator offers. @returns {Promise<any[]>} */
const offered = async (
  /** @type {import("../api.js").Api} */ api,
  /** @type {AbortSignal} */ signal,
) => (await api.get("offers", signal)).plans;

/**
 * Use of each day of the period, all charges together; the answer comes in pages, to be added up.
 *
 * @param {import("../api.js").Api} api
 * @param {{start: number, end: number}} period
 * @param {AbortSignal} signal
 */
async function daysOf(api, { start, end }, signal) {
  /** @type {Map<number, string>} */
  const days = new Map();
  let after;
  do {
    const page = after === undefined ? "" : `&after=${after}`;
    const { rows, next } = await api.get(`usage?step=day&from=${start}&to=${end}${page}`, signal);
    for (const { at, quantity } of rows) days.set(at, plus(days.get(at) ?? "0", quantity));
    after = next ?? undefined;
  } while (after !== undefined);
  return [...days.values()];
}
