/**
 * The look of the invoice, the what-if and the check, on the tokens and classes of styles.js.
 */

const LINES = `
.sheet {
  padding: 32px; border-radius: var(--radius); background: var(--card);
  box-shadow: inset 0 0 0 1px var(--line), var(--shadow);
}
.sheet-head {
  display: flex; flex-wrap: wrap; justify-content: space-between; gap: 16px 32px;
  margin-bottom: 24px;
}
.sheet-head > div { flex: 1 1 320px; min-width: 0; }
.sheet-head h2 { font-size: 20px; font-weight: 650; letter-spacing: -.01em; color: var(--ink); }
.sheet-head .tag { margin-left: 4px; letter-spacing: 0; vertical-align: 2px; }
.sheet-head .name { color: var(--ink); overflow-wrap: anywhere; }
.note { max-width: 60ch; }
.due { text-align: right; line-height: 1.2; }
.due data {
  display: block; font-size: 36px; font-weight: 650; letter-spacing: -.02em;
  overflow-wrap: anywhere;
}
.lines th[scope=row], .compared th[scope=row], .candidates th[scope=row], .burned th[scope=row],
.past th[scope=row] {
  padding-block: 8px; border-top: 1px solid var(--line); font-size: inherit; font-weight: 500;
  color: var(--ink); white-space: normal; overflow-wrap: anywhere;
}
.candidates thead th { white-space: normal; vertical-align: bottom; }
.lines th[scope=row] { width: 100%; }
.lines .line > * { padding-block: 10px; }
.lines .number { padding-left: 16px; }
.disclose {
  position: relative; padding: 0 0 0 24px; border: 0; background: none; font-weight: 500;
  text-align: left; cursor: pointer; overflow-wrap: anywhere;
}
.disclose::before {
  content: ""; position: absolute; left: 4px; top: .5em; width: 6px; height: 6px;
  border: solid var(--quiet); border-width: 0 2px 2px 0; transform: rotate(-45deg);
  transition: transform .15s;
}
.disclose[aria-expanded=true]::before { transform: translateY(-2px) rotate(45deg); }
.disclose:hover { color: var(--accent); }
.ahead { margin-left: 8px; }
.opened > td { padding: 0 0 16px 24px; border: 0; white-space: normal; overflow-wrap: anywhere; }
.opened > td > p { margin-top: 8px; }
.sums {
  display: grid; grid-template-columns: 240px minmax(0, 1fr) auto; gap: 0 24px;
  padding: 12px 16px; border-radius: 10px; background: var(--page); list-style: none;
  font-size: 13px;
}
.sums + .sums { margin-top: 8px; }
.sums li { display: grid; grid-column: 1 / -1; grid-template-columns: subgrid; padding: 3px 0; }
.sums .part .rule { padding-left: 16px; color: var(--quiet); }
.sums .part .result { color: var(--quiet); font-weight: 400; }
.sums .formula { color: var(--quiet); overflow-wrap: anywhere; }
.sums .result { text-align: right; font-weight: 600; overflow-wrap: anywhere; }
.equals { font-weight: 400; color: var(--quiet); }
.totals { display: block; margin-top: 12px; padding-top: 12px; border-top: 1px solid var(--line); }
.totals .sum { display: flex; justify-content: flex-end; gap: 32px; padding: 3px 0; }
.totals dt { font-size: inherit; overflow-wrap: anywhere; }
.totals dd { min-width: 112px; text-align: right; font-weight: 400; }
.totals .within :is(dt, dd) { color: var(--quiet); font-size: 13px; }
.totals .total dd { font-weight: 600; }
.totals .final { margin-top: 4px; font-size: 17px; }
.totals .final :is(dt, dd) { font-weight: 650; color: var(--ink); }
.sheet-grants { margin-top: 32px; }
.sheet-grants h3 { margin-bottom: 8px; font-size: 15px; color: var(--ink); }
.facts { display: flex; flex-wrap: wrap; gap: 8px 32px; }
.facts .long { flex: 1 1 100%; }
.burned { margin-top: 16px; }
caption { padding: 8px 0 4px; text-align: left; }
.burned .name { margin: 0 8px; }
.burned th .quiet { font-weight: 400; }
.burned .why { white-space: normal; }
.rank {
  display: inline-block; min-width: 20px; border-radius: 10px; background: var(--line);
  text-align: center; font-size: 12px; line-height: 20px; color: var(--quiet);
}
.seal { margin-top: 24px; padding-top: 12px; border-top: 1px solid var(--line); }
.hash {
  font: 12px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
  overflow-wrap: anywhere;
}
.past { margin-top: 16px; padding-inline: 32px; }
.past h2 { margin-bottom: 8px; }
.past th[scope=row] { width: 100%; }
.push { margin-left: auto; }
`;

const SCENARIO = `
.what-if { align-items: start; }
@container (max-width: 959px) { .what-if > * { grid-column: span 12; } }
@container (min-width: 960px) { .what-if .major { position: sticky; top: 16px; } }
.controls { gap: 24px; }
fieldset { min-width: 0; padding: 0; border: 0; }
legend { padding: 0; margin-bottom: 8px; font-size: 13px; font-weight: 600; color: var(--quiet); }
.factor {
  display: grid; grid-template-columns: minmax(0, 1fr) auto auto; gap: 0 8px;
  align-items: baseline;
}
.factor + .factor { margin-top: 12px; }
.factor label { overflow-wrap: anywhere; }
.factor.strong label { font-weight: 600; }
.factor output { grid-column: 3; min-width: 5ch; text-align: right; font-weight: 600; }
.factor .reset { margin: 0; padding: 0 4px; font-size: 13px; }
.factor input {
  grid-column: 1 / -1; width: 100%; height: 28px; margin: 0; accent-color: var(--accent);
  cursor: pointer;
}
.factor input:focus-visible { outline-offset: 0; }
.ticks {
  position: relative; grid-column: 1 / -1; height: 16px; margin: 0 8px; font-size: 12px;
  line-height: 16px; color: var(--quiet);
}
.ticks span { position: absolute; transform: translateX(-50%); }
.choice {
  display: flex; gap: 8px; align-items: baseline; padding: 8px 12px; border-radius: 10px;
  box-shadow: inset 0 0 0 1px var(--line); cursor: pointer;
}
.choice + .choice { margin-top: 8px; }
.choice:has(:checked) { box-shadow: inset 0 0 0 2px var(--accent); }
.choice input[type=radio] { accent-color: var(--accent); margin: 0; transform: translateY(1px); }
.choice .name { overflow-wrap: anywhere; }
.choice .quiet { margin-left: auto; white-space: nowrap; }
.choice input[type=number] {
  flex: 1; min-width: 0; padding: 0 4px; border: 0; border-bottom: 1px solid var(--line);
  background: none; text-align: right;
}
textarea {
  display: block; margin-top: 8px; width: 100%; padding: 8px 12px; border: 0; border-radius: 10px;
  background: var(--page); box-shadow: inset 0 0 0 1px var(--line); color: inherit;
  font: 12px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; resize: vertical;
}
.error:not(:empty) { margin-top: 8px; }
.error { color: var(--bad); font-size: 13px; overflow-wrap: anywhere; }
.versus { display: flex; flex-wrap: wrap; align-items: end; gap: 16px 24px; margin-top: 12px; }
/* Beside each other if both numbers have room in one piece; names of plans may wrap. */
.versus > div { flex: 1 1 0; min-width: max-content; max-width: 100%; }
.versus h3 { contain: inline-size; overflow-wrap: anywhere; }
.versus .figure { display: block; margin-top: 2px; white-space: nowrap; }
.track {
  height: 8px; margin-top: 8px; border-radius: 4px;
  background: color-mix(in oklab, var(--line) 50%, transparent);
}
.track i {
  display: block; height: 100%; min-width: 2px; border-radius: 4px; background: var(--spent);
}
.track .other { background: var(--accent); }
.difference { margin: 12px 0 20px; font-weight: 600; }
.difference[data-way=less] { color: var(--good); }
.difference[data-way=more] { color: var(--bad); }
.remark {
  margin-bottom: 16px; padding: 8px 12px; border-radius: 10px; background: var(--warn-page);
  color: var(--warn); font-size: 13px;
}
.compared th .quiet, .candidates th .quiet { display: block; font-weight: 400; }
.compared :is(th, td) { padding-right: 12px; }
.compared :is(th, td):last-child { padding-right: 0; }
.compared :is(th[scope=row], td) { font-size: 14px; }
.compared th[scope=row] { overflow-wrap: break-word; }
.compared th .quiet { font-size: 12px; white-space: nowrap; }
.compared .first > :is(th, td) { border-top: 2px solid var(--line); }
.compared td { vertical-align: top; }
.compared td .quiet { display: block; font-size: 12px; }
@container (max-width: 600px) { .compared .wide { display: none; } }
.models { padding: 0; list-style: none; }
.model { padding: 12px 0; border-top: 1px solid var(--line); }
.model h3 {
  display: flex; flex-wrap: wrap; gap: 0 8px; align-items: baseline; font-size: 15px;
  color: var(--ink);
}
.model h3 .quiet { font-weight: 400; }
.model:first-child { padding-top: 0; border: 0; }
.model ul { padding-left: 20px; list-style: disc; }
.model li { color: var(--ink); }
.fit h2 { margin-bottom: 12px; }
.fit .candidates { margin-top: 12px; }
`;

const CHECK = `
.check h2 { font-size: 20px; font-weight: 650; letter-spacing: -.01em; color: var(--ink); }
.lead { max-width: 68ch; margin-top: 8px; }
.check .toolbar { margin: 20px 0 12px; }
.check-progress { margin-top: 20px; }
progress {
  display: block; width: 100%; height: 8px; border: 0; border-radius: 4px; appearance: none;
  overflow: hidden; background: var(--line);
}
progress::-webkit-progress-bar { background: var(--line); }
progress::-webkit-progress-value { background: var(--accent); }
progress::-moz-progress-bar { background: var(--accent); }
.count { margin-top: 8px; }
.verdict { margin-top: 20px; padding: 20px 24px; border-radius: 12px; background: var(--fresh); }
.verdict .sentence { max-width: 68ch; font-size: 17px; font-weight: 600; }
.verdict .facts { margin-top: 16px; }
.verdict.found { background: var(--bad-page); }
.verdict.found .sentence { color: var(--bad); }
.verdict p { overflow-wrap: anywhere; }
.verdict .sentence + p { margin-top: 4px; }
.others { margin-top: 16px; }
.others ol { padding-left: 24px; }
.others li { margin-top: 12px; }
`;

const NARROW = `
@container (max-width: 560px) {
  .sheet { padding: 20px 16px; }
  .past { padding-inline: 16px; }
  .due { text-align: left; }
  .sums { grid-template-columns: minmax(0, 1fr) auto; }
  .sums .formula { grid-row: 2; grid-column: 1 / -1; }
  .sums .part .formula { padding-left: 16px; }
  .sums .formula:empty { display: none; }
  .opened > td { padding-left: 0; }
  .totals .sum { justify-content: space-between; gap: 16px; }
  .totals dd { min-width: 0; }
  .verdict { padding: 16px; }
}
@container (max-width: 480px) {
  .lines th :is(.narrow, .ahead) { display: block; margin: 0; padding-left: 24px; }
  .lines th .narrow:empty { display: none; }
  .compared :is(th, td) { padding-right: 8px; }
  .compared :is(th[scope=row], td) { font-size: 13px; }
  .burned .why { display: none; }
  .burned th[scope=row] { position: relative; padding-left: 28px; }
  .burned th[scope=row] .quiet { display: block; }
  .burned .rank { position: absolute; left: 0; top: 9px; }
  .burned .name { margin: 0; }
}
@media print {
  :host, :root { color-scheme: light; }
  .past { display: none; }
  .sheet { padding: 0; background: none; box-shadow: none; }
  .line, .sums li, .sum, .burned tr { break-inside: avoid; }
  .disclose { padding-left: 0; }
  .disclose::before { display: none; }
  .opened > td { padding-left: 0; }
  .sums { background: none; box-shadow: inset 0 0 0 1px var(--line); }
}
`;

export const LOOK = LINES + SCENARIO + CHECK + NARROW;
