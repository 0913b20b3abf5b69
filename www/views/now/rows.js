/**
 * Rows that stay: ten times a second a list changes some texts, and none of its elements.
 */

/**
 * @template Item
 * @template {{element: HTMLElement, paint: (item: Item) => void}} Row
 */
export class Rows {
  #list;
  #make;
  /** @type {Row[]} */ #rows = [];

  /** @param {HTMLElement} list @param {() => Row} make */
  constructor(list, make) {
    this.#list = list;
    this.#make = make;
  }

  paint(/** @type {Item[]} */ items) {
    while (this.#rows.length < items.length) {
      const row = this.#make();
      this.#rows.push(row);
      this.#list.append(row.element);
    }
    for (const row of this.#rows.splice(items.length)) row.element.remove();
    items.forEach((item, index) => this.#rows[index].paint(item));
  }
}
