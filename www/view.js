/**
 * Paints what the wasm side says. Every text of the account goes in as text: nothing here, or
 * anywhere on the page, builds markup.
 */

import { BarChart, roundUp } from "./chart.js";

/** @typedef {import("./pkg/edgemeter.js").View} View */
/** @typedef {import("./pkg/edgemeter.js").CallView} CallView */

const SPOKEN_EVERY_MS = 15_000;

/** From this many characters on, the balance is set smaller. */
const AMOUNT_SIZES = [
  [22, "small"],
  [12, "middle"],
];

const GATES = {
  open: undefined,
  closed: {
    title: "No credits left: the gate is closed",
    text: "Calls are answered with 402 and reach nothing, so nothing more is charged. Ask your "
      + "provider for credits; calls pass again within a second of the grant.",
  },
  unfunded: {
    title: "No credits yet",
    text: "This account has never been granted credits, so calls are answered with 402. Ask your "
      + "provider for the first grant; calls pass within a second of it.",
  },
};

/** @returns {HTMLElement} */
const element = (/** @type {string} */ id) => {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return found;
};

/** Sets a text only if it changed: no layout, no announcement for nothing. */
export function setText(/** @type {Element} */ node, /** @type {string} */ text) {
  if (node.textContent !== text) node.textContent = text;
}

export class Painter {
  #clock;
  #chart;
  /** @type {View | undefined} */ #view;
  /** @type {Map<string, HTMLTableRowElement>} */ #calls = new Map();
  #spoken = { at: 0, text: "", gate: "open" };

  /** @param {(millis: number) => string} clock */
  constructor(clock) {
    this.#clock = clock;
    const svg = /** @type {any} */ (element("chart"));
    this.#chart = new BarChart(svg, () => this.#readout());
    element("seconds").addEventListener("toggle", () => this.#seconds());
  }

  /** @param {View} view */
  paint(view) {
    this.#view = view;
    document.body.dataset.gate = view.gate;
    element("who").hidden = false;
    setText(element("account"), view.account);
    setText(element("plan"), `${view.plan} v${view.version}`);
    for (const node of document.querySelectorAll("[data-unit]")) setText(node, view.unit);
    this.#balance(view);
    this.#gate(view);
    this.#minute(view);
    this.#seconds();
    this.#recent(view.recent);
    this.#speak(view);
  }

  /** @param {View} view */
  #balance({ amounts, shares }) {
    for (const [part, text] of Object.entries(amounts)) setText(element(part), text);
    const size = AMOUNT_SIZES.find(([length]) => amounts.balance.length >= length);
    element("balance").dataset.size = `${size?.[1] ?? "large"}`;
    for (const bar of document.querySelectorAll("[data-share]")) {
      const part = /** @type {keyof typeof shares} */ (bar.getAttribute("data-share"));
      /** @type {HTMLElement} */ (bar).style.flexGrow = `${shares[part]}`;
      bar.toggleAttribute("hidden", shares[part] === 0);
    }
  }

  /** @param {View} view */
  #gate({ gate }) {
    const notice = GATES[gate];
    element("gate").hidden = !notice;
    if (!notice) return;
    setText(element("gate-title"), notice.title);
    setText(element("gate-text"), notice.text);
  }

  /** @param {View} view */
  #minute({ minute }) {
    setText(element("minute-calls"), minute.calls);
    setText(element("minute-credits"), minute.credits);
    const top = roundUp(minute.peak);
    this.#chart.draw(minute.seconds.map(({ calls }) => calls), top);
    setText(element("chart-top"), minute.peak === 0 ? "" : `${top}`);
    this.#readout();
  }

  #readout() {
    const index = this.#chart.pointed;
    if (index === undefined || !this.#view) return setText(element("readout"), "");
    const { at, calls_text: calls, credits } = this.#view.minute.seconds[index];
    const text = `${this.#clock(at)}: ${calls} calls, ${credits} ${this.#view.unit}`;
    setText(element("readout"), text);
  }

  /** The seconds with calls as rows, newest first; built only while somebody looks. */
  #seconds() {
    const details = /** @type {HTMLDetailsElement} */ (element("seconds"));
    if (!this.#view || !details.open) return;
    const busy = this.#view.minute.seconds.filter(({ calls }) => calls > 0).reverse();
    const rows = busy.map((second) => row([
      cell(this.#clock(second.at)),
      cell(second.calls_text, "number"),
      cell(second.credits, "number"),
    ]));
    const none = () => row([cell("none"), cell("0", "number"), cell("0", "number")]);
    element("seconds-rows").replaceChildren(...(rows.length > 0 ? rows : [none()]));
  }

  /** Rows keep their element while their call is listed, so that only new ones light up. */
  #recent(/** @type {CallView[]} */ calls) {
    element("recent-none").hidden = calls.length > 0;
    element("recent").hidden = calls.length === 0;
    const body = element("recent-rows");
    const first = this.#calls.size === 0;
    const listed = new Map();
    calls.forEach((call, index) => {
      const made = this.#calls.get(call.operation) ?? callRow(call, this.#clock, first);
      listed.set(call.operation, made);
      if (body.children[index] !== made) body.insertBefore(made, body.children[index] ?? null);
    });
    while (body.children.length > calls.length) body.lastElementChild?.remove();
    this.#calls = listed;
  }

  /** Tells a screen reader, now and then; a gate that closes or opens at once. */
  #speak(/** @type {View} */ { amounts, minute, unit, gate }) {
    const text = `Balance ${amounts.balance} ${unit}, ${minute.calls} calls in the last minute`;
    const due = Date.now() - this.#spoken.at >= SPOKEN_EVERY_MS || gate !== this.#spoken.gate;
    if (!due || text === this.#spoken.text) return;
    this.#spoken = { at: Date.now(), text, gate };
    setText(element("spoken"), text);
    document.title = `${amounts.balance} ${unit} · edgemeter`;
  }
}

/**
 * @param {CallView} call
 * @param {(millis: number) => string} clock
 * @param {boolean} known it was listed when the page opened
 */
function callRow(call, clock, known) {
  const time = document.createElement("time");
  time.dateTime = new Date(call.at).toISOString();
  time.textContent = clock(call.at);
  // On a narrow screen there is no column for the time: it stands beside the key.
  const key = span(`key ${call.key}`, "quiet");
  key.append(span(` · ${time.textContent}`, "narrow"));
  const status = call.status === 0
    ? span("sent", "quiet") // charged before its answer: the status is not on record
    : span(`${call.status}`, call.status < 400 ? "code" : "code bad");
  const made = row([
    cell(time, "wide"),
    cell([span(call.route, "route"), key], "call"),
    cell(status),
    cell(call.cost, "number"),
  ]);
  if (!known) made.className = "new";
  return made;
}

/** @param {string} text @param {string} className */
function span(text, className) {
  const made = document.createElement("span");
  made.textContent = text;
  made.className = className;
  return made;
}

/** @param {HTMLTableCellElement[]} cells */
function row(cells) {
  const made = document.createElement("tr");
  made.append(...cells);
  return made;
}

/** @param {string | Node | Node[]} content @param {string} [className] */
function cell(content, className) {
  const made = document.createElement("td");
  made.append(...[content].flat());
  if (className) made.className = className;
  return made;
}
