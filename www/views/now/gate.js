/**
 * What is said when nothing is left, with the way out.
 */

import { h, setText } from "../../dom.js";

/** @typedef {import("../../pkg/edgemeter.js").View} Live */

/** @type {Record<string, {title: string, text: string} | undefined>} */
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

export class GateNotice {
  #title = h("h2", { id: "gate-title" });
  #text = h("p", { id: "gate-text" });
  element = h("section", { id: "gate", class: "notice bad", role: "alert", hidden: true },
    this.#title, this.#text);

  paint(/** @type {Live} */ { gate }) {
    const notice = GATES[gate];
    this.element.hidden = !notice;
    if (!notice) return;
    setText(this.#title, notice.title);
    setText(this.#text, notice.text);
  }
}
