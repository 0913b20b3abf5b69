/**
 * The look of the view Usage, on the tokens of styles.js. One accent: parts are shades of it.
 */

export const LOOK = `
.ink-0 { color: var(--bar); }
.ink-1 { color: color-mix(in oklab, var(--bar) 72%, var(--card)); }
.ink-2 { color: color-mix(in oklab, var(--bar) 50%, var(--card)); }
.ink-3 { color: color-mix(in oklab, var(--bar) 34%, var(--card)); }
.ink-4 { color: color-mix(in oklab, var(--bar) 20%, var(--card)); }
.ink-5 { color: var(--spent); }
.ink-rest { color: var(--spent); }
.ink-quiet { color: var(--quiet); }
.ink-line { color: var(--line); }

.usage .files { display: flex; gap: 8px; margin-left: auto; }
.option { display: flex; align-items: center; gap: 8px; color: var(--quiet); cursor: pointer; }
.option input { width: 16px; height: 16px; margin: 0; accent-color: var(--accent); }
.option i { width: 16px; border-top: 2px dashed var(--quiet); }
.usage .head {
  display: flex; justify-content: space-between; align-items: baseline; gap: 16px;
}
.usage .head .plain { margin: -6px -8px; }
.usage .figure small { font-size: 15px; font-weight: 500; letter-spacing: 0; color: var(--quiet); }
.readout { min-height: 20px; margin-top: 4px; }
.bone.block { height: 240px; border-radius: 12px; }
.scroll.tall { max-height: 420px; margin-top: 8px; }
.usage .of {
  position: relative; width: 100%; padding-left: 20px; white-space: normal; overflow-wrap: anywhere;
}
.swatch {
  position: absolute; left: 0; top: 13px; width: 12px; height: 12px; border-radius: 3px;
  background: currentColor;
}
.counted { margin-top: 8px; }
.lesser { display: block; font-size: 13px; font-weight: 400; }
.usage[aria-busy=true] .card { opacity: .6; transition: opacity .2s .3s; }

.chart { margin-top: 16px; border-radius: 8px; touch-action: pan-y; }
.plot { position: relative; min-height: 264px; }
.uplot, .uplot *, .uplot *::before, .uplot *::after { box-sizing: border-box; }
.uplot { width: min-content; line-height: 1.5; }
.u-wrap { position: relative; user-select: none; }
.u-over, .u-under { position: absolute; }
.u-under { overflow: hidden; }
.uplot canvas { display: block; position: relative; width: 100%; height: 100%; }
.u-axis { position: absolute; }
.u-select {
  position: absolute; background: color-mix(in oklab, var(--accent) 16%, transparent);
  pointer-events: none;
}
.u-cursor-x, .u-cursor-y {
  position: absolute; left: 0; top: 0; pointer-events: none; will-change: transform;
}
.u-cursor-x { height: 100%; border-right: 1px solid var(--quiet); }
.u-hz .u-cursor-y { display: none; }
.u-cursor-pt, .u-off { display: none; }
@container (max-width: 480px) { .usage .files { margin-left: 0; } }
@container (min-width: 860px) {
  .eight { grid-column: span 8; }
  .four { grid-column: span 4; }
}
@media (forced-colors: active) { .swatch { forced-color-adjust: none; } }
`;
