/**
 * What is left, what it is spent on, and how long it will last: live.
 *
 *   live ─▶ balance · runway · last minute · grants · by route · by key · recent calls
 *
 * Each is a card that paints itself. The day's rate comes from the usage report, asked for when
 * somebody looks and every five minutes while they do.
 */

import { h, setText } from "../dom.js";
import { BalanceCard } from "./now/balance.js";
import { GateNotice } from "./now/gate.js";
import { GrantsCard } from "./now/grants.js";
import { LOOK } from "./now/look.js";
import { MinuteCard } from "./now/minute.js";
import { RecentCard } from "./now/recent.js";
import { RunwayCard } from "./now/runway.js";
import { TallyCard } from "./now/tallies.js";
import { readUsage, total } from "./usage/read.js";

/** @typedef {import("../pkg/edgemeter.js").View} Live */

const SPOKEN_EVERY_MS = 15_000;
const TODAY_EVERY_MS = 300_000;

/** What stands in a card until its first rows do. */
const bones = () => h("div", { class: "bones", "aria-hidden": "true" },
  ...["short", "wide", "wide"].map((name) => h("span", { class: `bone ${name}` })));

export class NowView {
  static look = LOOK;

  #context;
  #parts;
  #dayAsked = 0;
  /** @type {AbortController | undefined} */ #asking;
  #spoken = h("p", { id: "spoken", class: "unseen", role: "status" });
  #said = { at: 0, text: "", gate: "open" };
  element;

  /** @param {import("./index.js").Context} context */
  constructor(context) {
    this.#context = context;
    const { format } = context;
    const gate = new GateNotice();
    const cards = [
      new BalanceCard(), new RunwayCard(format), new MinuteCard(format), new GrantsCard(format),
      new TallyCard("route"), new TallyCard("key"), new RecentCard(format),
    ];
    for (const { element } of cards.slice(1).filter((card) => !(card instanceof MinuteCard))) {
      element.append(bones());
    }
    this.#parts = [gate, ...cards];
    this.element = h("div", { class: "now" },
      gate.element,
      h("div", { class: "grid" }, ...cards.map(({ element }) => element)),
      this.#spoken);
  }

  show() {}

  /** The day of this account is not told of the next one. */
  hide() {
    this.#asking?.abort();
  }

  /** What was burned today; without an answer there is one span less to judge by. */
  async #day() {
    const { api, format, state } = this.#context;
    this.#dayAsked = Date.now();
    const to = state.now();
    const from = format.midnight(to);
    if (to - from < TODAY_EVERY_MS) return;
    const { signal } = this.#asking = new AbortController();
    const day = readUsage(api, { from, to, step: "all", by: [] }, signal);
    const rows = await day.catch(() => undefined);
    if (signal.aborted) this.#dayAsked = 0;
    else if (rows) state.today(from, to, total(rows, "credits"));
  }

  live(/** @type {Live} */ live) {
    // Not before: a token that does not open the account is not tried twice.
    if (Date.now() - this.#dayAsked > TODAY_EVERY_MS) void this.#day();
    for (const part of this.#parts) part.paint(live);
    this.#speak(live);
  }

  /** Tells a screen reader, now and then; a gate that closes or opens at once. */
  #speak(/** @type {Live} */ { amounts, minute, unit, gate }) {
    const text = `Balance ${amounts.balance} ${unit}, ${minute.calls} calls in the last minute`;
    const due = Date.now() - this.#said.at >= SPOKEN_EVERY_MS || gate !== this.#said.gate;
    if (!due || text === this.#said.text) return;
    this.#said = { at: Date.now(), text, gate };
    setText(this.#spoken, text);
  }
}
