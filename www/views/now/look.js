/**
 * The look of the view Now, on the tokens of styles.js.
 */

export const LOOK = `
/* before the first number: bars where numbers will be */
[data-gate=unknown] .now :is(data, dd, b, #granted) {
  display: inline-block; width: 5ch; border-radius: 6px; background: var(--line);
  color: transparent !important; line-height: 1.2;
}
[data-gate=unknown] .now data { width: 4ch; height: .8em; }
.bones { display: none; padding-top: 8px; }
[data-gate=unknown] .now .bones { display: block; }
[data-gate=unknown] .now :is(.empty, .runway > p) { display: none; }

.amount {
  margin-top: 4px; font-size: 17px; line-height: 1.15; color: var(--quiet); overflow-wrap: anywhere;
}
.amount data {
  margin-right: 4px; font-size: 64px; font-weight: 650; letter-spacing: -.035em; color: var(--ink);
}
.amount data[data-size=middle] { font-size: 36px; }
.amount data[data-size=small] { font-size: 24px; letter-spacing: -.01em; }
:is([data-gate=closed], [data-gate=unfunded]) .amount data { color: var(--bad); }
.balance .quiet { margin-bottom: 20px; }
.balance dl { grid-template-columns: repeat(4, minmax(0, 1fr)); }
.parts {
  display: flex; gap: 2px; height: 12px; margin: auto 0 16px; border-radius: 6px; overflow: hidden;
  background: var(--line);
}
.parts i { flex: 0 0 0; min-width: 3px; }
[data-share=available], [data-part=available]::before { background: var(--bar); }
[data-share=held], [data-part=held]::before { background: var(--held); }
[data-share=burned], [data-part=burned]::before { background: var(--spent); }
[data-share=expired], [data-part=expired]::before { background: var(--lost); }
[data-part]::before {
  content: ""; display: inline-block; width: 8px; height: 8px; margin-right: 6px;
  border-radius: 2px;
}

.figures { display: flex; flex-wrap: wrap; gap: 0 20px; margin: 4px 0 12px; }
#readout { margin-left: auto; }
#chart {
  display: block; width: 100%; height: 124px; border-bottom: 1px solid var(--line);
  fill: var(--bar);
}
.silent { fill: var(--line); }
.pointed { fill: var(--ink); }
.axis { display: flex; justify-content: space-between; font-size: 12px; color: var(--quiet); }
#chart-top { height: 19px; border-bottom: 1px dashed var(--line); }
#chart-top:empty { border-color: transparent; }
figcaption { padding-top: 4px; }
.minute summary { margin-top: 8px; }

.runway .figure { margin: 8px 0 4px; }
.runway .figure::first-letter { text-transform: uppercase; }
.runway .quiet { margin-bottom: 16px; }
.runway .last { margin-top: auto; }
.runway .last td { padding-block: 6px; font-size: 13px; }
.runway .last th:first-child { white-space: normal; }
.runway .last td:first-child { width: 100%; white-space: normal; color: var(--quiet); }
.pair > :last-child { margin-left: auto; white-space: nowrap; }
.pair { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 16px; }
.now .name { overflow-wrap: anywhere; }
.grants { padding: 0; list-style: none; }
.grants li { padding: 12px 0; border-top: 1px solid var(--line); }
.grants li:first-child { padding-top: 4px; border: 0; }
.share {
  display: block; height: 4px; margin: 4px 0; border-radius: 2px; background: var(--line);
  overflow: hidden;
}
.share i { display: block; height: 100%; border-radius: 2px; background: var(--bar); }
.tallies .of { width: 100%; white-space: normal; }
.tallies .share { max-width: 240px; background: none; }
.tallies table, #recent { margin-top: 8px; }
.recent td { padding-block: 6px; }
.call { width: 100%; white-space: normal; overflow-wrap: anywhere; }
.call .route { margin-right: 12px; }
.new { animation: arrive 1.6s ease-out; }
@keyframes arrive { from { background: var(--fresh); } }
@container (max-width: 959px) {
  .amount data { font-size: 52px; }
  .runway .last td { white-space: normal; }
  .runway .last td:first-child { width: auto; }
  .balance dl { grid-template-columns: repeat(2, minmax(0, 1fr)); }
}
@container (max-width: 480px) {
  .amount data { font-size: 48px; }
  .amount data[data-size=long] { font-size: 40px; }
  .amount data[data-size=middle] { font-size: 30px; }
  .call .route { display: block; }
}
@media (forced-colors: active) { .parts i, #chart rect { forced-color-adjust: none; } }
`;
