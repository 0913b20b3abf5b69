/**
 * What is left, and where the rest of what was granted went.
 */

import { h, setText } from "../../dom.js";

/** @typedef {import("../../pkg/edgemeter.js").View} Live */

/** From so many characters on, the balance is set smaller. @type {[number, string][]} */
const SIZES = [
  [22, "small"],
  [12, "middle"],
  [9, "long"],
];

/** @type {["available" | "held" | "burned" | "expired", string][]} */
const PARTS = [
  ["available", "Free"],
  ["held", "Held for calls"],
  ["burned", "Burned"],
  ["expired", "Expired"],
];

export class BalanceCard {
  #balance = h("data", { id: "balance" }, "–");
  #granted = h("span", { id: "granted" }, "–");
  #unit = h("span", { "data-unit": true });
  #shares = PARTS.map(([part]) => h("i", { "data-share": part, hidden: true }));
  #amounts = PARTS.map(([part]) => h("dd", { id: part }, "–"));
  element = h("section", { class: "card stale major balance", "aria-labelledby": "balance-title" },
    h("h2", { id: "balance-title" }, "Balance"),
    h("p", { class: "amount" }, this.#balance, " ", this.#unit),
    h("p", { class: "quiet" }, "of ", this.#granted, " granted"),
    h("div", { class: "parts", "aria-hidden": "true" }, ...this.#shares),
    h("dl", {}, ...PARTS.map(([part, name], index) =>
      h("div", {}, h("dt", { "data-part": part }, name), this.#amounts[index]))));

  paint(/** @type {Live} */ { amounts, shares, unit }) {
    setText(this.#balance, amounts.balance);
    setText(this.#granted, amounts.granted);
    setText(this.#unit, unit);
    const size = SIZES.find(([length]) => amounts.balance.length >= length);
    this.#balance.dataset.size = size?.[1] ?? "large";
    PARTS.forEach(([part], index) => {
      setText(this.#amounts[index], amounts[part]);
      this.#shares[index].style.flexGrow = `${shares[part]}`;
      this.#shares[index].hidden = shares[part] === 0;
    });
  }
}
