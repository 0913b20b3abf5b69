/**
 * Bars: one a second, the last one still growing. Knows counts and pixels, nothing of billing.
 */

import { s } from "./dom.js";

const HEIGHT = 100; // viewBox units
const GAP = 0.22; // of a bar's slot
const SILENT = 1.2; // height of a second without calls: the baseline

/** @typedef {{at: number, calls: number, calls_text: string, credits: string}} Bar */

export class BarChart {
  #svg;
  /** @type {SVGRectElement[]} */ #rects = [];
  /** @type {number | undefined} */ #pointed;

  /**
   * @param {SVGSVGElement} svg
   * @param {(index: number | undefined) => void} onPoint the bar under the pointer, if any
   */
  constructor(svg, onPoint) {
    this.#svg = svg;
    const point = (/** @type {number | undefined} */ index) => {
      if (index === this.#pointed) return;
      this.#pointed = index;
      this.#rects.forEach((rect, at) => rect.classList.toggle("pointed", at === index));
      onPoint(index);
    };
    svg.addEventListener("pointermove", (event) => {
      const { left, width } = svg.getBoundingClientRect();
      const index = Math.floor(((event.clientX - left) / width) * this.#rects.length);
      point(Math.min(Math.max(index, 0), this.#rects.length - 1));
    });
    svg.addEventListener("pointerleave", () => point(undefined));
  }

  /** The bar under the pointer, if any. */
  get pointed() {
    return this.#pointed;
  }

  /** @param {number[]} counts oldest first @param {number} top the count of a full-height bar */
  draw(counts, top) {
    while (this.#rects.length < counts.length) this.#add();
    counts.forEach((count, index) => {
      const height = count === 0 ? SILENT : Math.max((count / top) * HEIGHT, 3);
      const rect = this.#rects[index];
      rect.setAttribute("y", `${HEIGHT - height}`);
      rect.setAttribute("height", `${height}`);
      rect.classList.toggle("silent", count === 0);
    });
  }

  #add() {
    const rect = s("rect", { x: this.#rects.length + GAP / 2, width: 1 - GAP });
    this.#rects.push(rect);
    this.#svg.append(rect);
  }
}

const ROUND = [1, 2, 3, 4, 5, 6, 8];

/** The next round number, for the top of an axis: 1 to 6, 8, 10, 20, 30, … */
export function roundUp(/** @type {number} */ count) {
  for (let step = 1; ; step *= 10) {
    const round = ROUND.find((digit) => count <= digit * step);
    if (round) return round * step;
  }
}
