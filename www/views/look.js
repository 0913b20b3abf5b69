/**
 * The look of the invoice, the what-if and the check, on the tokens of styles.js.
 */

export const LOOK = `
.toolbar { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 12px; margin-bottom: 16px; }
.toolbar .print { margin-left: auto; }
.segments { display: inline-flex; padding: 2px; border-radius: 10px; background: var(--line); }
.segments button { padding: 6px 14px; border: 0; border-radius: 8px; background: none; color: var(--quiet); }
.segments [aria-pressed=true] { background: var(--card); color: var(--ink); box-shadow: 0 1px 2px #0002; }
.plain { padding: 4px 8px; margin-left: -8px; border: 0; background: none; color: var(--accent); text-align: left; }
.plain:hover { text-decoration: underline; }
.empty { padding: 24px 0; color: var(--quiet); }
.tag { display: inline-block; padding: 0 8px; border-radius: 6px; background: var(--line); color: var(--quiet); font-size: 13px; font-weight: 500; vertical-align: 1px; }
.tag[data-status=paid] { background: var(--fresh); color: var(--accent); }
.tag[data-status=void] { text-decoration: line-through; }

/* the sheet */
.sheet { padding: 32px; border: 1px solid var(--line); border-radius: 16px; background: var(--card); }
.sheet-head { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 16px 32px; margin-bottom: 28px; }
.sheet-head > div { flex: 1 1 320px; }
.sheet-head h2 { font-size: 20px; font-weight: 650; letter-spacing: -.01em; color: var(--ink); }
.sheet-head .tag { margin-left: 6px; letter-spacing: 0; }
.sheet-head .name { color: var(--ink); overflow-wrap: anywhere; }
.note { max-width: 60ch; }
.due { display: grid; text-align: right; line-height: 1.2; }
.due data { font-size: 36px; font-weight: 650; letter-spacing: -.02em; overflow-wrap: anywhere; }

/* lines */
.lines th[scope=row] { width: 100%; font-weight: 500; white-space: normal; color: var(--ink); font-size: inherit; }
.lines .line > * { padding-block: 10px; border-top: 1px solid var(--line); }
.disclose { position: relative; padding: 0 0 0 24px; border: 0; background: none; font: inherit; font-weight: 500; color: inherit; text-align: left; cursor: pointer; overflow-wrap: anywhere; }
.disclose::before { content: ""; position: absolute; left: 5px; top: .5em; width: 6px; height: 6px; border: solid var(--quiet); border-width: 0 2px 2px 0; transform: rotate(-45deg); transition: transform .15s; }
.disclose[aria-expanded=true]::before { transform: rotate(45deg); }
.disclose:hover { color: var(--accent); }
.lines th .narrow { padding-left: 24px; }
.lines th .narrow:empty { display: none; }
.opened > td { padding: 0 0 16px 24px; border: 0; white-space: normal; }
.opened > td > p { margin-top: 8px; }
.sums { display: grid; grid-template-columns: minmax(120px, auto) minmax(0, 1fr) auto; gap: 0 24px; margin: 0; padding: 12px 16px; border-radius: 10px; background: var(--page); list-style: none; font-size: 13px; }
.sums + .sums { margin-top: 8px; }
.sums li { display: grid; grid-column: 1 / -1; grid-template-columns: subgrid; padding: 3px 0; }
.sums .part .rule { padding-left: 16px; color: var(--quiet); }
.sums .part .result { color: var(--quiet); font-weight: 400; }
.sums .formula { color: var(--quiet); overflow-wrap: anywhere; }
.sums .result { text-align: right; font-weight: 600; overflow-wrap: anywhere; }
.equals { font-weight: 400; color: var(--quiet); }

/* sums */
.totals { display: block; margin: 12px 0 0 auto; padding-top: 12px; border-top: 1px solid var(--line); }
.totals .sum { display: flex; justify-content: flex-end; gap: 32px; padding: 3px 0; }
.totals dt { font-size: inherit; overflow-wrap: anywhere; }
.totals dd { min-width: 112px; text-align: right; font-weight: 400; }
.totals .within { color: var(--quiet); font-size: 13px; }
.totals .total dd { font-weight: 600; }
.totals .final { margin-top: 6px; font-size: 17px; }
.totals .final :is(dt, dd) { font-weight: 650; color: var(--ink); }

/* credits */
.grants { margin-top: 32px; }
.grants h3, .card h3 { margin: 0 0 8px; font-size: 15px; font-weight: 600; }
.facts { display: flex; flex-wrap: wrap; gap: 8px 32px; }
.facts dd { overflow-wrap: anywhere; }
.facts .long { flex: 1 1 100%; }
.burned { margin-top: 16px; }
.burned caption { padding-bottom: 4px; text-align: left; }
.burned th[scope=row] { padding-block: 7px; border-top: 1px solid var(--line); font-weight: 500; font-size: inherit; color: inherit; }
.burned .name { margin: 0 8px; overflow-wrap: anywhere; }
.burned .why { white-space: normal; }
.rank { display: inline-block; min-width: 20px; border-radius: 10px; background: var(--line); text-align: center; font-size: 12px; color: var(--quiet); }
.sheet > footer { margin-top: 28px; padding-top: 12px; border-top: 1px solid var(--line); }
.hash { font: 12px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.past { margin-top: 16px; }
.past th[scope=row] { width: 100%; }

/* what if */
.what-if { display: grid; grid-template-columns: minmax(280px, 360px) minmax(0, 1fr); gap: 16px; align-items: start; }
.controls { display: grid; gap: 24px; }
.controls fieldset { min-width: 0; margin: 0; padding: 0; border: 0; }
.controls legend { padding: 0; margin-bottom: 8px; font-size: 13px; font-weight: 600; color: var(--quiet); }
.factor { display: grid; grid-template-columns: minmax(0, 1fr) auto auto; gap: 0 8px; align-items: baseline; }
.factor + .factor { margin-top: 12px; }
.factor label { overflow-wrap: anywhere; }
.factor label .quiet { margin-left: 8px; }
.factor.strong label .name { font-weight: 600; }
.factor output { min-width: 4.5ch; text-align: right; font-weight: 600; }
.factor input { grid-column: 1 / -1; width: 100%; height: 28px; margin: 0; accent-color: var(--accent); cursor: pointer; }
.ticks { position: relative; grid-column: 1 / -1; height: 16px; margin: 0 8px; font-size: 11px; color: var(--quiet); }
.ticks span { position: absolute; transform: translateX(-50%); }
.choice { display: flex; gap: 8px; align-items: baseline; padding: 8px 12px; border: 1px solid var(--line); border-radius: 10px; cursor: pointer; }
.choice + .choice { margin-top: 8px; }
.choice:has(:checked) { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); }
.choice input { accent-color: var(--accent); margin: 0; transform: translateY(1px); }
.choice .name { overflow-wrap: anywhere; }
.choice .quiet { margin-left: auto; white-space: nowrap; }
textarea { width: 100%; min-height: 140px; padding: 8px; border: 1px solid var(--line); border-radius: 8px; background: var(--page); color: inherit; font: 12px/1.5 ui-monospace, Menlo, Consolas, monospace; }
.versus { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1px; margin-bottom: 8px; }
.versus > div { padding-right: 16px; }
.versus data { display: block; font-size: 32px; font-weight: 650; letter-spacing: -.02em; line-height: 1.25; overflow-wrap: anywhere; }
.bar { height: 8px; margin-top: 8px; border-radius: 4px; background: var(--spent); transform-origin: 0; }
.bar.new { background: var(--bar); animation: none; }
.difference { margin: 8px 0 20px; font-weight: 600; }
.difference[data-way=less] { color: var(--accent); }
.difference[data-way=more] { color: var(--bad); }
.fit ol { margin: 0; padding: 0; list-style: none; }
.fit li.model { padding: 12px 0; border-top: 1px solid var(--line); }

/* check */
.lead { max-width: 68ch; margin-top: 8px; }
.check-view .toolbar { margin: 20px 0 8px; }
.check-progress { margin-top: 20px; }
progress { width: 100%; height: 8px; border: 0; border-radius: 4px; overflow: hidden; background: var(--line); accent-color: var(--accent); }
progress::-webkit-progress-bar { background: var(--line); }
progress::-webkit-progress-value { background: var(--bar); }
progress::-moz-progress-bar { background: var(--bar); }
.count { margin-top: 4px; }
.verdict { margin-top: 20px; padding: 20px 24px; border-radius: 12px; background: var(--fresh); }
.verdict .sentence { max-width: 68ch; font-size: 17px; font-weight: 600; }
.verdict .facts { margin-top: 16px; }
.verdict.found { background: var(--bad-page); }
.verdict.found h3 { color: var(--bad); }

@media (max-width: 860px) { .what-if { grid-template-columns: minmax(0, 1fr); } }
@media (max-width: 560px) {
  .sheet { padding: 20px 16px; }
  .due { text-align: left; }
  .sums { grid-template-columns: minmax(0, 1fr) auto; }
  .sums .formula { grid-row: 2; grid-column: 1 / -1; }
  .opened > td { padding-left: 0; }
  .lines th .narrow { display: block; }
  .sums .part .formula { padding-left: 16px; }
  .totals .sum { justify-content: space-between; gap: 16px; }
  .totals dd { min-width: 0; }
}
@media (prefers-reduced-motion: reduce) { .disclose::before { transition: none; } }
@media print {
  .toolbar, .past { display: none !important; }
  .sheet { padding: 0; border: 0; border-radius: 0; }
  .line, .sums li, .sum, .grants tr { break-inside: avoid; }
  .sums { background: none; border: 1px solid var(--line); }
}
`;
