/** The invoice as it would be written now. */

import { h } from "../dom.js";

export class InvoiceView {
  element = h("section", { class: "card" }, h("p", { class: "empty" }, "The invoice as it would be written now."));

  show() {}

  hide() {}

  live() {}
}
