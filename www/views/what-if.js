/**
 * What if: the period's real use under other factors, another plan, another commit, beside today's
 * plan, answered by the core while a slider is dragged.
 *
 *   input events ── one frame ──▶ statement.what_if(scenario) ──▶ numbers that are already there
 *
 * Each answer is a measure of its own ("edge-meter:what-if"), from the frame's start to the last
 * number written.
 */

import { h } from "../dom.js";
import { readStatement } from "../statement.js";
import { Comparison } from "./comparison.js";
import { FactorSlider } from "./factor-slider.js";
import { failureNotice } from "./failure.js";
import { fitList } from "./fit.js";
import { PlanChoice } from "./plan-choice.js";

export class WhatIfView {
  #context;
  /** @type {import("../statement.js").Read | undefined} */
  #read;
  /** @type {{all: FactorSlider, each: Map<string, FactorSlider>}} */
  #sliders;
  #choice;
  #comparison;
  #projected = true;
  /** The frame that will answer, if one is due. */
  #frame = 0;
  #parts;

  constructor(context) {
    this.#context = context;
    this.#comparison = new Comparison(context);
    this.#parts = this.#build();
  }

  get element() {
    return this.#parts.element;
  }

  show() {
    void this.#load();
  }

  hide() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }

  /** Numbers that move by themselves would hide what the sliders do. */
  live() {}
}
