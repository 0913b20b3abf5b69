/**
 * What has something left, in the order in which it burns, and when it ends.
 */

import { h, setText } from "../../dom.js";
import { grantDetail, kindWords } from "../grant-words.js";
import { Rows } from "./rows.js";

/** @typedef {import("../../pkg/edgemeter.js").View} Live */
/** @typedef {import("../../pkg/edgemeter.js").GrantView} Grant */

export class GrantsCard {
  #rows;
  #none = h("p", { class: "empty" }, "No grant has anything left.");
  #more = h("p", { class: "quiet", hidden: true });
  element;

  /** @param {import("../../locale.js").Format} format */
  constructor(format) {
    const list = h("ol", { id: "grants", class: "grants" });
    this.#rows = new Rows(list, () => new GrantRow(format));
    this.element = h("section", { class: "card stale minor", "aria-labelledby": "grants-title" },
      h("h2", { id: "grants-title" }, "Grants, in burn order"), this.#none, list, this.#more);
  }

  paint(/** @type {Live} */ { grants, more_grants: more, now }) {
    this.#none.hidden = grants.length > 0;
    this.#rows.paint(grants.map((grant) => ({ ...grant, now })));
    this.#more.hidden = !more;
    if (more) setText(this.#more, `${more.count} more, with ${more.left} left`);
  }
}

class GrantRow {
  #format;
  #kind = h("span");
  #id = h("span", { class: "quiet name" });
  #name = h("span", { class: "kind" }, this.#kind, " ", this.#id);
  #left = h("b");
  #given = h("span", { class: "quiet" });
  #bar = h("i");
  #when = h("span", { class: "quiet" });
  #next = h("span", { class: "tag good", hidden: true }, "burns now");
  element = h("li", {},
    h("p", { class: "pair" }, this.#name,
      h("span", { class: "number" }, this.#left, " ", this.#given)),
    h("span", { class: "share" }, this.#bar),
    h("p", { class: "pair" }, this.#when, this.#next));

  /** @param {import("../../locale.js").Format} format */
  constructor(format) {
    this.#format = format;
  }

  paint(/** @type {Grant & {now: number}} */ grant) {
    setText(this.#kind, kindWords(grant.kind));
    setText(this.#id, grantDetail(grant.id));
    if (this.#name.title !== grant.id) this.#name.title = grant.id;
    setText(this.#left, grant.left);
    setText(this.#given, `of ${grant.given}`);
    this.#bar.style.width = `${grant.share / 10}%`;
    setText(this.#when, this.#words(grant));
    this.#next.hidden = !grant.burns;
  }

  /** @param {Grant & {now: number}} grant */
  #words({ starts_at: start, ends_at: end, again_at: again, now }) {
    const format = this.#format;
    if (start > now) return `starts ${format.ahead(start, now)}`;
    if (end !== null && end === again) return `comes anew ${format.ahead(end, now)}`;
    return end === null ? "does not end" : `ends ${format.ahead(end, now)}`;
  }
}
