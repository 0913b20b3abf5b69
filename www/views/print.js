/**
 * Prints one sheet on a page of its own, also where the element is a small part of somebody else's
 * page: a copy of its nodes in a blank frame of the same origin, with its styles as objects, so
 * that no policy has to allow a text that becomes markup or style.
 */

import { SHEET } from "../styles.js";
import { LOOK } from "./look.js";

/** A blank document has no doctype: there a table would take nothing from what is around it. */
const PAGE = `
@page { margin: 16mm; }
:root { color-scheme: only light; background: #fff; }
body { margin: 0; }
.meter { font-size: 13px; }
table { font: inherit; font-variant-numeric: inherit; color: inherit; }
.quiet, dt, th, .sums { font-size: 12px; }
`;
/** What the host page chose for the element, and paper takes as well. */
const CHOSEN = ["--edge-meter-font", "--edge-meter-accent"];

/** The frame of the last print, until it is over. @type {HTMLIFrameElement | undefined} */
let last;

/**
 * @param {HTMLElement} sheet
 * @param {ShadowRoot} root where the frame may stand meanwhile
 * @param {string} name what a file of it is called
 */
export function printSheet(sheet, root, name) {
  last?.remove();
  const frame = document.createElement("iframe");
  last = frame;
  frame.title = name;
  frame.tabIndex = -1;
  frame.setAttribute("aria-hidden", "true");
  Object.assign(frame.style, { position: "fixed", width: "0", height: "0", border: "0" });
  root.append(frame);
  const view = /** @type {Window & typeof globalThis} */ (frame.contentWindow);
  const { document: paper } = view;
  const { documentElement: page } = paper;
  page.lang = "en";
  paper.title = name;
  const chosen = getComputedStyle(root.host);
  for (const one of CHOSEN) page.style.setProperty(one, chosen.getPropertyValue(one));
  const style = new view.CSSStyleSheet();
  style.replaceSync(SHEET + LOOK + PAGE);
  paper.adoptedStyleSheets = [style];
  const meter = paper.createElement("main");
  meter.className = "meter invoice";
  meter.append(paper.importNode(sheet, true));
  paper.body.replaceChildren(meter);
  view.addEventListener("afterprint", () => frame.remove());
  view.print();
}
