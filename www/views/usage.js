/** What was used, by hour and by day. */

import { h } from "../dom.js";

export class UsageView {
  element = h("section", { class: "card" }, h("p", { class: "empty" }, "What was used, by hour and by day."));

  show() {}

  hide() {}

  live() {}
}
