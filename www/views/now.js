/**
 * What is left, what it is spent on, and how long it will last: live.
 *
 *   live ─▶ balance · last minute · recent calls, each a card that paints itself
 */

import { h, setText } from "../dom.js";
import { BalanceCard } from "./now/balance.js";
import { GateNotice } from "./now/gate.js";
import { LOOK } from "./now/look.js";
import { MinuteCard } from "./now/minute.js";
import { RecentCard } from "./now/recent.js";

/** @typedef {import("../pkg/edgemeter.js").View} Live */

const SPOKEN_EVERY_MS = 15_000;

export class NowView {
  static look = LOOK;

  #parts;
  #spoken = h("p", { id: "spoken", class: "unseen", role: "status" });
  #said = { at: 0, text: "", gate: "open" };
  element;

  /** @param {import("./index.js").Context} context */
  constructor({ format }) {
    const gate = new GateNotice();
    const cards = [new BalanceCard(), new MinuteCard(format), new RecentCard(format)];
    this.#parts = [gate, ...cards];
    this.element = h("div", { class: "now" },
      gate.element,
      h("div", { class: "grid" }, ...cards.map(({ element }) => element)),
      this.#spoken);
  }

  show() {}

  hide() {}

  live(/** @type {Live} */ live) {
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
