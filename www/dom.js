/**
 * Builds elements. Whatever the account says goes in as text: there is no way to build markup here,
 * and nothing else on the page builds elements.
 */

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Node | string | undefined | null | false} Child nothing is put in for the last four */
/** @typedef {string | number | boolean | undefined | ((event: any) => void)} Value */

/**
 * An element: `h("p", { class: "quiet", hidden: true }, "No calls yet")`. A function is a listener
 * (`onclick`), `true` an attribute without a value, `false` and `undefined` none.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, Value>} [attributes]
 * @param {Child[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/**
 * An element of a drawing.
 *
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, Value>} [attributes]
 * @param {Child[]} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function s(tag, attributes = {}, ...children) {
  return fill(/** @type {any} */ (document.createElementNS(SVG, tag)), attributes, children);
}

/** Sets a text only if it changed: no layout, no announcement for nothing. */
export function setText(/** @type {Node} */ node, /** @type {string} */ text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Puts these children in the place of all others. */
export function setChildren(/** @type {Element} */ node, /** @type {Child[]} */ ...children) {
  node.replaceChildren(...children.filter(isChild));
}

/** The address if a customer may be sent there, nothing if it is a script or unreadable. */
export function webAddress(/** @type {string | undefined | null} */ text) {
  if (!text || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.protocol === "https:" || url.protocol === "http:" ? url.href : undefined;
}

/**
 * @template {Element} Made
 * @param {Made} made
 * @param {Record<string, Value>} attributes
 * @param {Child[]} children
 */
function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.replace(/^on/, ""), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== undefined) made.setAttribute(name, `${value}`);
  }
  made.append(...children.filter(isChild));
  return made;
}

/** @param {Child} child @returns {child is Node | string} */
function isChild(child) {
  return child !== undefined && child !== null && child !== false && child !== "";
}
