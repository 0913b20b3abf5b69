/** The bill, checked in the customer's own browser. */

import { h } from "../dom.js";

export class CheckView {
  element = h("section", { class: "card" }, h("p", { class: "empty" }, "The bill, checked in the customer's own browser."));

  show() {}

  hide() {}

  live() {}
}
