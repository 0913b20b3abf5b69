/** What this period would cost under other terms. */

import { h } from "../dom.js";

export class WhatIfView {
  element = h("section", { class: "card" }, h("p", { class: "empty" }, "What this period would cost under other terms."));

  show() {}

  hide() {}

  live() {}
}
