/**
 * The look: tokens, and the classes that all views share.
 *
 *   host page ─ --edge-meter-accent, -font, -radius, color-scheme ─▶ tokens ─▶ classes
 *
 * Sizes stand on a grid of 4 px. One accent; grey for what is past; amber and red only where
 * something is wrong. Both schemes come from one set of names by `light-dark()`, so that a host
 * page chooses with `color-scheme`. Widths are those of the element, not of the window.
 *
 * | class                    | what                                                          |
 * |--------------------------|---------------------------------------------------------------|
 * | grid, span               | cards beside each other; over the whole width                 |
 * | card                     | one subject: an h2, then what it says                         |
 * | figure                   | the number that a card is about                               |
 * | toolbar, segments        | controls above a view; a choice of few (aria-pressed)         |
 * | button, primary, plain   | a button; the main one; one that looks like a link            |
 * | tag, good, bad           | a short word about a thing                                    |
 * | notice, bad              | something to know, with a way out                             |
 * | number, quiet, unseen    | right-aligned figures; lesser text; for screen readers only   |
 * | scroll                   | a box that scrolls by itself (give it tabindex 0 and a name)  |
 * | wide, narrow             | shown where there is room; shown where there is none          |
 * | bone, empty              | a shape while loading; nothing there yet                      |
 */

const TOKENS = `
:host { display: block; container-type: inline-size; color-scheme: inherit; }
:host, :root {
  --accent: var(--edge-meter-accent, light-dark(#077a55, #45d19b));
  --font: var(
    --edge-meter-font, Inter, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto,
    "Noto Sans", sans-serif
  );
  --radius: var(--edge-meter-radius, 16px);
  --page: var(--edge-meter-page, light-dark(#f6f7f5, #0d1210));
  --card: var(--edge-meter-card, light-dark(#fff, #151b18));
  --line: light-dark(#e3e7e2, #27302b);
  --ink: light-dark(#141c18, #ecf2ee);
  --quiet: light-dark(#586560, #9aa8a1);
  --bar: light-dark(
    oklch(from var(--accent) calc(l + .11) calc(c * 1.2) h),
    oklch(from var(--accent) calc(l - .08) c h)
  );
  --held: color-mix(in oklab, var(--bar) 45%, var(--card));
  --spent: light-dark(#c5cdc8, #46524c);
  --lost: light-dark(#dfe3df, #313b36);
  --good: var(--accent);
  --fresh: color-mix(in oklab, var(--accent) 11%, var(--card));
  --bad: light-dark(#b3261e, #ff9d92);
  --bad-page: light-dark(#fdf0ee, #331b18);
  --warn: light-dark(#7a5600, #f0cc74);
  --warn-page: light-dark(#fdf5df, #2b2412);
  --shadow: 0 1px 2px light-dark(#141c180a, #0000), 0 4px 16px light-dark(#141c180a, #0000);
}
`;

const BASE = `
* { box-sizing: border-box; margin: 0; }
[hidden] { display: none !important; }
.meter {
  color: var(--ink);
  font: 15px/1.5 var(--font);
  font-variant-numeric: tabular-nums;
  -webkit-font-smoothing: antialiased;
}
h1, h2, h3 { font-size: 13px; font-weight: 600; color: var(--quiet); }
b, dd { font-weight: 600; }
p { text-wrap: pretty; }
button, select, input { font: inherit; color: inherit; }
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 6px; }
.quiet, dt, th { color: var(--quiet); font-size: 13px; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.narrow { display: none; }
.number { text-align: right; }
`;

const FRAME = `
header { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 16px; padding: 24px 0 16px; }
.brand { display: flex; align-items: center; gap: 8px; font-weight: 650; letter-spacing: -.01em; }
.brand svg { width: 24px; fill: none; stroke-width: 2.6; stroke-linecap: round; }
.arc { stroke: var(--accent); }
.needle { stroke: var(--ink); }
#who {
  display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 8px; padding-left: 16px;
  border-left: 1px solid var(--line); overflow-wrap: anywhere;
}
.state {
  margin-left: auto; padding: 4px 12px 4px 10px; border-radius: 99px; background: var(--card);
  box-shadow: inset 0 0 0 1px var(--line); font-size: 13px; line-height: 20px; color: var(--quiet);
}
.state::before {
  content: ""; display: inline-block; width: 8px; height: 8px; margin-right: 8px;
  border-radius: 50%; background: var(--warn);
}
[data-state=live] .state { color: var(--accent); }
[data-state=live] .state::before { background: var(--accent); }
:is([data-state=offline], [data-state=expired], [data-state=unlisted], [data-state=broken])
  .state::before {
  background: var(--bad);
}
.bar { margin-bottom: 24px; border-bottom: 1px solid var(--line); }
.tabs { display: flex; gap: 4px; margin: 0 -12px -1px; overflow-x: auto; scrollbar-width: none; }
.tabs button {
  position: relative; flex: none; padding: 10px 12px 12px; border: 0; background: none;
  color: var(--quiet); font-weight: 550; cursor: pointer;
}
.tabs button:hover { color: var(--ink); }
.tabs [aria-selected=true] { color: var(--ink); }
.tabs [aria-selected=true]::after {
  content: ""; position: absolute; inset: auto 12px 0; height: 2px; background: var(--accent);
}
.tabs :focus-visible { outline-offset: -4px; border-radius: 8px; }
:is([data-state=unopened], [data-state=expired], [data-state=unlisted]) :is(.panels, .bar) {
  display: none;
}
:is([data-state=unopened], [data-state=expired], [data-state=unlisted]) #notice {
  margin: 12vh auto; max-width: 520px; padding: 32px;
}
:is([data-state=reconnecting], [data-state=offline], [data-state=broken]) .stale {
  filter: grayscale(1);
}
`;

const SHARED = `
.grid { display: grid; grid-template-columns: repeat(12, minmax(0, 1fr)); gap: 16px; }
.grid > * { grid-column: span 12; }
.card {
  display: flex; flex-direction: column; min-width: 0; padding: 20px 24px 24px;
  border-radius: var(--radius); background: var(--card);
  box-shadow: inset 0 0 0 1px var(--line), var(--shadow);
}
.figure {
  font-size: 28px; font-weight: 650; line-height: 1.2; letter-spacing: -.02em;
  overflow-wrap: anywhere;
}
#busy:not(:empty) { margin-bottom: 16px; }
.empty { padding: 16px 0 0; color: var(--quiet); }
.notice {
  display: grid; grid-template-columns: 1fr auto; gap: 0 16px; margin-bottom: 16px;
  padding: 16px 24px; border-radius: var(--radius); background: var(--warn-page);
}
.notice > :not(a, button) { grid-column: 1; max-width: 72ch; }
.notice h2 { font-size: 15px; color: var(--warn); }
.notice > :is(a, button) { grid-area: 1 / 2 / 3; align-self: center; }
.notice.bad, [data-state=broken] #notice { background: var(--bad-page); }
.notice.bad h2, [data-state=broken] #notice h2 { color: var(--bad); }
.button, .segments button {
  padding: 7px 16px; border: 0; border-radius: 10px; background: var(--card);
  box-shadow: inset 0 0 0 1px var(--line); color: var(--ink); font-weight: 550;
  text-decoration: none; cursor: pointer;
}
.button:hover { box-shadow: inset 0 0 0 1px var(--spent); }
.button:disabled { opacity: .5; cursor: default; }
.notice .button { background: none; box-shadow: inset 0 0 0 1px currentColor; color: var(--warn); }
.notice.bad .button, [data-state=broken] #notice .button { color: var(--bad); }
.primary, .notice .primary {
  background: var(--accent); box-shadow: none; color: light-dark(#fff, #0a120e);
}
.notice.bad .primary { background: var(--bad); color: light-dark(#fff, #1d0b09); }
.plain {
  padding: 4px 8px; margin-left: -8px; border: 0; background: none; color: var(--accent);
  cursor: pointer;
}
.plain:hover { text-decoration: underline; }
.toolbar {
  display: flex; flex-wrap: wrap; align-items: center; gap: 8px 16px; margin-bottom: 16px;
}
.segments { display: inline-flex; padding: 2px; border-radius: 12px; background: var(--line); }
.segments button { padding: 5px 14px; background: none; box-shadow: none; color: var(--quiet); }
.segments [aria-pressed=true] {
  background: var(--card); color: var(--ink); box-shadow: 0 1px 2px #0002;
}
select {
  padding: 7px 32px 7px 12px; border: 0; border-radius: 10px; appearance: none;
  background:
    linear-gradient(45deg, #0000 40%, var(--quiet) 41% 59%, #0000 60%)
      right 18px center / 6px 6px no-repeat,
    linear-gradient(-45deg, #0000 40%, var(--quiet) 41% 59%, #0000 60%)
      right 13px center / 6px 6px no-repeat,
    var(--card);
  box-shadow: inset 0 0 0 1px var(--line);
}
.tag {
  display: inline-block; padding: 0 8px; border-radius: 6px;
  background: color-mix(in oklab, var(--line) 60%, transparent); color: var(--quiet);
  font-size: 13px; font-weight: 500;
}
.tag.good { background: var(--fresh); color: var(--accent); }
.tag.bad { background: var(--bad-page); color: var(--bad); }
summary, .more { width: fit-content; font-size: 13px; color: var(--accent); cursor: pointer; }
.scroll { max-height: 280px; overflow: auto; }
dl {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(104px, 1fr)); gap: 8px 16px;
  overflow-wrap: anywhere;
}
table { width: 100%; border-collapse: collapse; }
th { padding: 4px 16px 4px 0; text-align: left; font-weight: 500; white-space: nowrap; }
th.number { text-align: right; }
td { padding: 8px 16px 8px 0; border-top: 1px solid var(--line); white-space: nowrap; }
.scroll thead th { position: sticky; top: 0; background: var(--card); }
:is(th, td):last-child { padding-right: 0; }
.bone {
  display: block; width: 100%; height: 12px; margin: 8px 0; border-radius: 6px;
  background: var(--line);
}
.bone.short { width: 30%; }
.bone.wide { display: block; }
.bone.tall { width: 55%; height: 48px; margin: 12px 0; }

@container (min-width: 720px) {
  .half { grid-column: span 6; }
  .third { grid-column: span 4; }
  .major { grid-column: span 7; }
  .minor { grid-column: span 5; }
}
@container (max-width: 480px) {
  header { padding: 16px 0 12px; }
  #who { order: 3; width: 100%; padding: 0; border: 0; }
  .bar { margin-bottom: 16px; }
  .tabs { gap: 0; margin-inline: -6px; }
  .tabs button { padding-inline: 6px; font-size: 14px; }
  .tabs [aria-selected=true]::after { inset-inline: 6px; }
  .toolbar { gap: 8px; }
  .segments button { padding-inline: 10px; }
  .button { padding-inline: 12px; }
  .card { padding: 16px; }
  .notice { grid-template-columns: 1fr; padding: 16px; }
  .notice > :is(a, button) { grid-area: auto; justify-self: start; margin-top: 12px; }
  .wide { display: none; }
  .narrow { display: inline; }
  :is(th, td) { padding-right: 12px; }
  :is(th, td):has(+ .wide:last-child) { padding-right: 0; }
}
@media (prefers-reduced-motion: reduce) {
  * { animation: none !important; transition: none !important; scroll-behavior: auto !important; }
}
@media print {
  header .state, .bar, .toolbar, #notice { display: none; }
  .card { box-shadow: none; padding-inline: 0; break-inside: avoid; }
}
`;

/** What all views share: for a document of its own as well, with `:root` in the element's place. */
export const SHEET = TOKENS + BASE + FRAME + SHARED;

/** One sheet for all elements of a page. @type {Map<string, CSSStyleSheet>} */
const sheets = new Map();

/** Adopts the shared sheet, or a view's own, once. */
export function adopt(/** @type {ShadowRoot} */ root, text = SHEET) {
  let sheet = sheets.get(text);
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    sheets.set(text, sheet);
  }
  if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet);
}
