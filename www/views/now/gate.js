/**
 * What is said when nothing is left, with the way out.
 */

import { h, setText, webAddress } from "../../dom.js";

/** @typedef {import("../../pkg/edgemeter.js").View} Live */

const ASK = "Ask your provider for credits";

/**
 * @typedef {{title: string, bad: boolean, text: (live: Live, way: string) => string}} Notice
 * @type {Record<Live["gate"], Notice | undefined>}
 */
const GATES = {
  open: undefined,
  closed: {
    title: "No credits left: the gate is closed",
    bad: true,
    text: (_, way) => "Calls are answered with 402 and reach nothing, so nothing more is charged. "
      + `${way}: calls then pass again within a second.`,
  },
  unfunded: {
    title: "No credits yet",
    bad: true,
    text: (_, way) => "This account has never been granted credits, so calls are answered with "
      + `402. ${way} for the first grant: calls then pass within a second.`,
  },
  grace: {
    title: "No credits left: calls pass on grace",
    bad: false,
    text: ({ zero, unit }, way) => `${zero.used ?? "0"} ${unit} are owed, and the next credits pay `
      + `them. After ${zero.left} more the gate closes. ${way}.`,
  },
  overage: {
    title: "No credits left: calls go onto the invoice",
    bad: false,
    text: ({ zero, unit }, way) => `${zero.used ?? "0"} ${unit} of overage so far`
      + `${zero.left === null ? "" : `; after ${zero.left} more the gate closes`}. ${way}.`,
  },
  restricted: {
    title: "No credits left: service is reduced",
    bad: false,
    text: (_, way) => `Calls pass and cost nothing, but are served with less. ${way}.`,
  },
};

export class GateNotice {
  #title = h("h2", { id: "gate-title" });
  #text = h("p", { id: "gate-text" });
  #way = h("a", {
    id: "gate-way", class: "button primary", target: "_blank", rel: "noopener noreferrer",
    hidden: true, part: "top-up",
  }, "Top up");
  /** Only the title is announced: what is owed, below it, changes with every call. */
  element = h("section", {
    id: "gate", class: "notice", "aria-labelledby": "gate-title", hidden: true,
  }, h("div", { role: "alert" }, this.#title), this.#text, this.#way);

  paint(/** @type {Live} */ live) {
    const notice = GATES[live.gate];
    this.element.hidden = !notice;
    if (!notice) return;
    const way = webAddress(live.zero.topup_url);
    this.element.classList.toggle("bad", notice.bad);
    this.#way.hidden = !way;
    if (way && this.#way.href !== way) this.#way.href = way;
    setText(this.#title, notice.title);
    const ask = live.gate === "unfunded" ? "Ask your provider" : ASK;
    setText(this.#text, notice.text(live, way && live.gate !== "unfunded" ? "Top up" : ask));
  }
}
