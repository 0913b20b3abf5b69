/**
 * Stacked bars over time, and a line for the time before. Lengths only: what is written anywhere
 * comes from the exact sums.
 *
 *   drag, or + and −    zoom            double click, or 0    all of it
 *   ← →                 one bucket on   Escape                no bucket
 */

import uPlot from "../../pkg/uplot.js";
import { h } from "../../dom.js";

const HEIGHT = 264;
const NARROW = 480;
const BUCKETS_MIN = 3;
/** The height of an axis on which nothing stands. */
const NO_USE = 1;

/**
 * @typedef {{
 *   starts: number[],
 *   stacks: {name: string, values: number[], ink: string}[],
 *   before: number[] | undefined,
 *   ends: number,
 *   latest: number,
 * }} Drawing `starts` in ms, one value per start; `ends` is where the last bucket does; `latest`:
 *   the index of the one that the arrow keys begin with
 */

export class UsageChart {
  #format;
  #onPoint;
  #onZoom;
  /** @type {Drawing | undefined} */ #drawing;
  /** @type {any} */ #plot;
  /** What its colors went with. */
  #ink = "";
  #closed = new AbortController();
  /** @type {[number, number] | undefined} */ #zoom;
  #box = h("div", { class: "plot" });
  #observer = new ResizeObserver(() => this.#resize());
  element = h("div", {
    class: "chart", tabindex: 0, role: "group", "aria-roledescription": "chart",
    "aria-label": "Usage over time. Arrow keys choose a bar, plus and minus zoom, 0 shows all.",
  }, this.#box);

  /**
   * @param {import("../../locale.js").Format} format
   * @param {{onPoint: (index: number | undefined) => void,
   *   onZoom: () => void}} options `onZoom`: when `shown` is changed from here, not by a drawing
   */
  constructor(format, { onPoint, onZoom }) {
    this.#format = format;
    this.#onPoint = onPoint;
    this.#onZoom = onZoom;
    this.element.addEventListener("keydown", (event) => this.#pressed(event));
    this.#observer.observe(this.#box);
    const { signal } = this.#closed;
    matchMedia("(prefers-color-scheme: dark)")
      .addEventListener("change", () => this.recolor(), { signal });
  }

  /** Indexes of the first and the last bucket in sight; nothing if all are. */
  get shown() {
    return this.#zoom;
  }

  close() {
    this.#closed.abort();
    this.#observer.disconnect();
    this.#plot?.destroy();
    this.#plot = undefined;
  }

  /** Draws again if a canvas of other colors is due: a host page says so to nobody. */
  recolor() {
    if (this.#plot && getComputedStyle(this.#box).color !== this.#ink) this.#redraw();
  }

  /** @param {Drawing} drawing */
  draw(drawing) {
    const { starts } = this.#drawing ?? { starts: [] };
    const same = starts[0] === drawing.starts[0] && starts.length === drawing.starts.length;
    this.#drawing = drawing;
    if (!same) this.#zoom = undefined;
    this.#redraw();
  }

  /** Shows these buckets only, or all. */
  zoom(/** @type {[number, number] | undefined} */ range) {
    const last = (this.#drawing?.starts.length ?? 1) - 1;
    const whole = !range || (range[0] <= 0 && range[1] >= last);
    this.#zoom = whole ? undefined : [Math.max(range[0], 0), Math.min(range[1], last)];
    this.#scale();
    this.#onZoom();
  }

  #redraw() {
    const drawing = this.#drawing;
    this.#plot?.destroy();
    this.#plot = undefined;
    if (!drawing || this.#box.clientWidth === 0) return;
    this.#ink = getComputedStyle(this.#box).color;
    this.#plot = new uPlot(this.#options(drawing), this.#data(drawing), this.#box);
    this.#scale();
  }

  /** Bars stand on each other: the first series is the highest, and drawn first. @returns {any} */
  #data(/** @type {Drawing} */ { starts, stacks, before }) {
    const sums = starts.map(() => 0);
    const stacked = stacks.map(({ values }) => values.map((value, index) => {
      sums[index] += value;
      return sums[index];
    }));
    return [starts.map((at) => at / 1000), ...stacked.reverse(), ...(before ? [before] : [])];
  }

  #color(/** @type {string} */ name) {
    const probe = h("i", { class: name });
    this.#box.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  }

  /** @returns {import("uplot").Options} */
  #options(/** @type {Drawing} */ { starts, stacks, before, ends }) {
    const [quiet, line] = [this.#color("ink-quiet"), this.#color("ink-line")];
    const bars = uPlot.paths.bars?.({ size: [0.8, 40], align: 1 });
    const series = [...stacks].reverse().map(({ name, ink }) => {
      const fill = this.#color(ink);
      return { label: name, paths: bars, fill, stroke: fill, width: 0, points: { show: false } };
    });
    const earlier = {
      label: "before", stroke: quiet, width: 1, dash: [3, 3], points: { show: false },
      paths: uPlot.paths.stepped?.({ align: 1 }),
    };
    const axis = { stroke: quiet, font: `12px ${getComputedStyle(this.#box).fontFamily}` };
    const count = (/** @type {number} */ value) => this.#format.about(value);
    return {
      width: this.#box.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      padding: [8, 16, 0, 0],
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), this.#format.zone),
      scales: {
        x: { time: true, range: (_, min, max) => [min, max] },
        y: { range: (_, __, max) => [0, max > 0 ? max * 1.06 : NO_USE] },
      },
      axes: [
        {
          ...axis, grid: { show: false }, ticks: { show: false }, gap: 8, size: 36,
          space: this.#box.clientWidth < NARROW ? 64 : 88,
          values: (/** @type {any} */ _, /** @type {number[]} */ splits) =>
            this.#times(splits, ends),
        },
        {
          ...axis, grid: { stroke: line, width: 1 }, ticks: { show: false }, gap: 8,
          size: (/** @type {any} */ plot, /** @type {string[] | null} */ values) =>
            16 + 7.2 * Math.max(...(values ?? ["0"]).map((text) => text.length)),
          // Where nothing was used there is nothing to measure.
          values: (/** @type {any} */ plot, /** @type {number[]} */ splits) =>
            splits.map((at) => (at === 0 || plot.scales.y.max !== NO_USE ? count(at) : "")),
        },
      ],
      series: [{}, ...series, ...(before ? [earlier] : [])],
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: true, y: false, setScale: false },
        bind: { dblclick: () => () => this.zoom(undefined) },
      },
      hooks: {
        setCursor: [(/** @type {any} */ plot) => this.#onPoint(this.#at(plot, starts, ends))],
        setSelect: [(/** @type {any} */ plot) => this.#selected(plot, starts)],
      },
    };
  }

  /** The bucket that the cursor is in: bars stand right of where they start. */
  #at(/** @type {any} */ plot, /** @type {number[]} */ starts, /** @type {number} */ ends) {
    const { left } = plot.cursor;
    if (left === undefined || left === null || left < 0) return undefined;
    return indexAt(plot.posToVal(left, "x") * 1000, starts, ends);
  }

  #selected(/** @type {any} */ plot, /** @type {number[]} */ starts) {
    const { left, width } = plot.select;
    if (width < 4) return;
    const ends = this.#drawing?.ends ?? Infinity;
    const value = (/** @type {number} */ x) => indexAt(plot.posToVal(x, "x") * 1000, starts, ends);
    const range = [value(left) ?? 0, value(left + width) ?? starts.length - 1];
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    this.zoom(/** @type {[number, number]} */ (range));
  }

  #scale() {
    const { starts, ends } = this.#drawing ?? { starts: [], ends: 0 };
    if (!this.#plot || starts.length === 0) return;
    const [first, last] = this.#zoom ?? [0, starts.length - 1];
    this.#plot.setScale("x", { min: starts[first] / 1000, max: (starts[last + 1] ?? ends) / 1000 });
  }

  /** Where buckets begin; none does where the last one ends. */
  #times(/** @type {number[]} */ splits, /** @type {number} */ ends) {
    const [first, second] = splits;
    const close = second !== undefined && second - first < 86_400;
    const write = (/** @type {number} */ at) => this.#format.custom(at, close
      ? { day: "numeric", hour: "numeric" }
      : { month: "short", day: "numeric" });
    return splits.map((at) => (at * 1000 < ends ? write(at * 1000) : ""));
  }

  #resize() {
    if (!this.#plot) return this.#redraw();
    const { clientWidth: width } = this.#box;
    if (width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height: HEIGHT });
  }

  #pressed(/** @type {KeyboardEvent} */ event) {
    const drawing = this.#drawing;
    if (!drawing || event.ctrlKey || event.metaKey || event.altKey) return;
    const last = drawing.starts.length - 1;
    const [from, to] = this.#zoom ?? [0, last];
    const pointed = this.#at(this.#plot, drawing.starts, drawing.ends);
    const center = pointed ?? Math.round((from + to) / 2);
    // What is to come is empty: nobody begins there.
    const latest = Math.min(Math.max(drawing.latest, from), to);
    const size = to - from + 1;
    const around = (/** @type {number} */ count) => {
      const start = Math.min(Math.max(center - Math.floor(count / 2), 0), last + 1 - count);
      this.zoom([start, start + count - 1]);
    };
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowLeft: () => this.#point(Math.max(pointed === undefined ? latest : pointed - 1, 0)),
      ArrowRight: () => this.#point(Math.min(pointed === undefined ? latest : pointed + 1, last)),
      "+": () => around(Math.max(Math.ceil(size / 2), Math.min(BUCKETS_MIN, last + 1))),
      "-": () => around(Math.min(size * 2, last + 1)),
      0: () => this.zoom(undefined),
      Escape: () => this.#plot?.setCursor({ left: -10, top: -10 }),
    };
    const action = keys[event.key === "=" ? "+" : event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  /** Puts the cursor into a bucket, and the bucket into sight. */
  #point(/** @type {number} */ index) {
    const { starts, ends } = this.#drawing ?? { starts: [], ends: 0 };
    const [from, to] = this.#zoom ?? [0, starts.length - 1];
    if (index < from) this.zoom([index, to - from + index]);
    else if (index > to) this.zoom([index - (to - from), index]);
    const middle = (starts[index] + (starts[index + 1] ?? ends)) / 2000;
    this.#plot?.setCursor({ left: this.#plot.valToPos(middle, "x"), top: 10 });
  }
}

/** The bucket of an instant. */
function indexAt(
  /** @type {number} */ at,
  /** @type {number[]} */ starts,
  /** @type {number} */ ends,
) {
  if (starts.length === 0 || at < starts[0] || at >= ends) return undefined;
  return starts.findLastIndex((start) => start <= at);
}
