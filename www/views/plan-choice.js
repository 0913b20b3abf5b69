/**
 * Which plan and which commit: today's, one that the operator offers, or one that is pasted in.
 */

import { h } from "../dom.js";

/** As many plans on one page have radios of one name each. */
let count = 0;

export class PlanChoice {
  #onChange;
  #group = ++count;
  /** JSON by the radio's value. @type {Map<string, string>} */
  #plans = new Map();
  #list = h("fieldset", {});
  #pasted = h("textarea", { "aria-label": "Plan as JSON", spellcheck: "false", rows: 8 });
  #amount = h("input", {
    type: "number", min: 0, step: "any", inputmode: "decimal", "aria-label": "Minimum a period",
  });
  #commits;
  #error = h("p", { class: "error", role: "alert" });

  constructor(/** @type {{onChange: () => void}} */ { onChange }) {
    this.#onChange = onChange;
    this.#commits = this.#commitChoices();
    this.#pasted.addEventListener("input", onChange);
    this.#list.addEventListener("change", () => this.#reveal());
    this.#amount.addEventListener("input", () => {
      this.#radio("commit", "other").checked = true;
      onChange();
    });
  }

  get elements() {
    return [this.#list, this.#commits];
  }

  /**
   * @param {{id: string, version: number, name: string}} today
   * @param {Array<{id: string, version: number, name: string}>} offers
   */
  show(today, offers) {
    const others = offers.filter(({ id, version }) => id !== today.id || version !== today.version);
    this.#plans = new Map(others.map((plan, index) => [`${index}`, JSON.stringify(plan)]));
    const version = (plan) => `${plan.id} v${plan.version}`;
    this.#list.replaceChildren(
      h("legend", {}, "Plan"),
      this.#option("plan", "today", today.name || today.id, "today's", true),
      ...others.map((plan, at) =>
        this.#option("plan", `${at}`, plan.name || plan.id, version(plan))),
      this.#option("plan", "pasted", "Another one, as JSON", ""),
      this.#pasted, this.#error);
    this.#reveal();
  }

  /** The place for a plan's text, while there is to be one. */
  #reveal() {
    this.#pasted.hidden = this.#chosen("plan") !== "pasted";
  }

  /** A plan's JSON; nothing for today's. */
  get plan() {
    const value = this.#chosen("plan");
    if (value === "today") return undefined;
    return value === "pasted" ? this.#pasted.value : this.#plans.get(value);
  }

  /** Nothing: as the plan says. */
  get commit() {
    const value = this.#chosen("commit");
    if (value === "plan") return undefined;
    return value === "none" ? "0" : this.#amount.value || "0";
  }

  /** What is wrong with what was typed in, or nothing. */
  complain(/** @type {string} */ text) {
    if (this.#error.textContent !== text) this.#error.textContent = text;
  }

  #commitChoices() {
    const other = this.#option("commit", "other", "At least", "");
    other.append(this.#amount);
    return h("fieldset", { class: "commits" },
      h("legend", {}, "Minimum commit"),
      this.#option("commit", "plan", "As the plan says", "", true),
      this.#option("commit", "none", "None", ""),
      other);
  }

  #option(group, value, name, detail, checked = false) {
    const input = h("input", { type: "radio", name: `${group}-${this.#group}`, value });
    input.checked = checked;
    input.addEventListener("change", this.#onChange);
    return h("label", { class: "choice" }, input,
      h("span", { class: "name" }, name), detail ? h("span", { class: "quiet" }, detail) : "");
  }

  #radios(/** @type {string} */ group) {
    const place = group === "plan" ? this.#list : this.#commits;
    return /** @type {HTMLInputElement[]} */ ([...place.querySelectorAll("input[type=radio]")]);
  }

  #radio(/** @type {string} */ group, /** @type {string} */ value) {
    return this.#radios(group).find((radio) => radio.value === value) ?? this.#radios(group)[0];
  }

  #chosen(/** @type {string} */ group) {
    return this.#radios(group).find(({ checked }) => checked)?.value ?? "";
  }
}
