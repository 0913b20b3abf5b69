/**
 * A slider of factors, a tenth to ten times: dragged, by the arrow keys, or back to 1 by a button.
 */

import { h } from "../dom.js";
import { factorAt, LAST, positionOf, UNCHANGED } from "./factors.js";

const TICKS = ["0.1", "0.2", "0.5", "1", "2", "5", "10"];

let count = 0;

export class FactorSlider {
  #format;
  #onInput;
  #input;
  #output;
  #reset;
  element;

  /**
   * @param {{name: string, strong?: boolean, format: import("../locale.js").Format,
   *   onInput: () => void}} options
   */
  constructor({ name, strong = false, format, onInput }) {
    this.#format = format;
    this.#onInput = onInput;
    const id = `factor-${++count}`;
    this.#input = h("input", {
      id, type: "range", min: 0, max: LAST, step: 1, value: UNCHANGED,
    });
    this.#output = h("output", { for: id });
    this.#reset = h("button", {
      type: "button", class: "plain reset", "aria-label": `Reset ${name}`,
    }, "Reset");
    this.#input.addEventListener("input", () => this.#moved());
    this.#reset.addEventListener("click", () => {
      this.factor = "1";
      this.#onInput();
      this.#input.focus();
    });
    const ticks = TICKS.map((factor) => {
      const tick = h("span", {}, this.#format.number(factor));
      tick.style.left = `${(positionOf(factor) / LAST) * 100}%`;
      return tick;
    });
    this.element = h("div", { class: strong ? "factor strong" : "factor" },
      h("label", { for: id }, name),
      this.#reset, this.#output, this.#input,
      h("div", { class: "ticks", "aria-hidden": "true" }, ...ticks));
    this.#write();
  }

  /** The factor, as a decimal. */
  get factor() {
    return factorAt(Number(this.#input.value));
  }

  set factor(/** @type {string} */ factor) {
    this.#input.value = `${positionOf(factor)}`;
    this.#write();
  }

  #moved() {
    this.#write();
    this.#onInput();
  }

  #write() {
    const factor = this.#format.number(this.factor);
    this.#output.textContent = `× ${factor}`;
    this.#input.setAttribute("aria-valuetext", `${factor} times`);
    this.#reset.hidden = this.factor === "1";
  }
}
