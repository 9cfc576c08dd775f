// Style sheet of the HTML page: light and dark, wide and narrow, screen and paper.
import { ARM_COLOURS, STEP_COLOURS } from '../charts/theme.ts';
import { PHASE_COLOURS, PHASE_COLOURS_DARK } from '../tables/phases.ts';

const variables = (kind: 'arm' | 'phase' | 'step', colours: readonly string[] | Record<string, string>) =>
  Object.entries(colours)
    .map(([key, colour]) => `--${kind}-${key}: ${colour};`)
    .join(' ');

/** Colours on a light background, as declarations of style sheets. */
export const LIGHT = `--paper: #fff; --panel: #f6f8fa; --ink: #1b1f24; --muted: #59636e; --grid: #e3e7eb; --line: #d5dae0;
  --accent: #0062a8; --good: #00694a; --bad: #b3261e; --unsure: #7a5500; --good-bg: #e3f4ed; --bad-bg: #fdeceb; --unsure-bg: #fcf2d9;
  ${variables('arm', ARM_COLOURS.light)} ${variables('step', STEP_COLOURS.light)} ${variables('phase', PHASE_COLOURS)}`;

const DARK = `--paper: #14181d; --panel: #1c2229; --ink: #e8ecf0; --muted: #a3adb8; --grid: #2a313a; --line: #37404a;
  --accent: #6cb6f5; --good: #5fd3a6; --bad: #ff9389; --unsure: #f0c35c; --good-bg: #17352b; --bad-bg: #45211f; --unsure-bg: #3b3116;
  ${variables('arm', ARM_COLOURS.dark)} ${variables('step', STEP_COLOURS.dark)} ${variables('phase', PHASE_COLOURS_DARK)}`;

export const STYLE = `
:root { color-scheme: light dark; ${LIGHT} }
@media (prefers-color-scheme: dark) { :root:not([data-theme=light]) { ${DARK} } }
:root[data-theme=dark] { color-scheme: dark; ${DARK} }
:root[data-theme=light] { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; overflow-wrap: break-word; }
.page { max-width: 78rem; margin: 0 auto; padding: 0.9rem 1.5rem 4rem; }
h1, h2, h3 { line-height: 1.25; text-wrap: balance; }
h1 { font-size: 1.9rem; font-weight: 650; letter-spacing: -0.015em; margin: 0.4rem 0 0.5rem; text-wrap: pretty; }
h2 { font-size: 1.45rem; margin: 0 0 0.3rem; }
h3 { font-size: 1.05rem; margin: 2.4rem 0 0.5rem; }
.lead + h3 { margin-top: 0.4rem; }
#answer > :is(p, .badges) { max-width: 68rem; margin-block: 0.2rem; }
#answer > .badges { max-width: none; }
#answer > .lead { margin: 0.3rem 0 0; font-size: 1rem; }
.lead + h1 { margin: 0.1rem 0 0.2rem; }
.clients { color: var(--muted); margin: 0.3rem 0; font-size: 0.94rem; }
#answer > .clients { max-width: none; }
.alone > h2 + h3, .alone > h2 + .first h3 { margin-top: 0; }
.question { display: block; color: var(--muted); font-weight: 400; }
h4 { font-size: 0.95rem; margin: 1.4rem 0 0.4rem; }
figcaption h4 { margin: 0; }
p { margin: 0.5rem 0; }
p, .notes, ul { max-width: 56rem; }
.caveats { max-width: none; }
a { color: var(--accent); }
.over { color: var(--muted); font-size: 0.85rem; margin: 0; }
.meta, .note, figcaption p, footer { color: var(--muted); font-size: 0.875rem; }
.lead { font-size: 1.1rem; color: var(--muted); margin: 0 0 0.2rem; }
.remark { font-size: 1.05rem; margin: 0.3rem 0; }
.failed { color: var(--bad); }
.scroll:has(> .limits) { margin: 0.4rem 0; }
.limits :is(th, td) { padding-block: 0.25rem; }
.limits .words { min-width: 0; }
.badges { list-style: none; padding: 0; margin: 0.7rem 0; display: flex; flex-wrap: wrap; gap: 0.35rem 0.5rem; }
.plain { color: var(--muted); background: var(--panel); }
table.overview tbody > tr > * { vertical-align: middle; }
.overview .badges { margin: 0; }
.badges .pill { white-space: normal; }
.badges .limit { font-weight: 450; border-radius: 0.8em; }
.bar { display: flex; align-items: center; gap: 0.6rem; white-space: nowrap; }
.bar svg { flex: none; }
.bar .gain { fill: var(--accent); opacity: 0.45; }
.bar .loss { fill: var(--muted); opacity: 0.45; }
.bar path { fill: none; stroke: var(--ink); stroke-width: 1.5; }
.bar .grid { stroke: var(--line); stroke-width: 1; }
.scale { display: block; overflow: visible; margin-top: 0.2rem; fill: var(--muted); font-size: 11px; font-weight: 400; text-anchor: middle; }
.bar .one { stroke: var(--muted); stroke-dasharray: 3 2; }
section.cell { border-top: 1px solid var(--line); margin-top: 2.5rem; padding-top: 1.5rem; }
section.alone { padding-top: 0.25rem; }
.alone > h2 { position: absolute; width: 1px; height: 1px; margin: 0; overflow: hidden; clip-path: inset(50%); }
.first { display: grid; grid-template-columns: minmax(0, 31rem) minmax(0, 1fr); gap: 0.5rem 1.5rem; align-items: start; }
.first:not(:has(figure)) { grid-template-columns: minmax(0, 1fr); }
.first .picture { max-width: 31rem; margin-top: 0; }
.first .picture svg { font-size: 11.5px; }
.first > * { margin: 0; min-width: 0; }
.first > .all { grid-column: 1 / -1; }
.first h3 { margin: 0 0 0.3rem; }
.first td a { white-space: nowrap; }
.first + .multiples { margin-top: 2rem; }
.first > div th, .first > div td { padding: 0.42rem 0.45rem; }
.first :is(tbody th, .words) { min-width: 0; }
.part { margin-top: 2rem; }
.part > h3, .part > summary h3 { margin: 0; font-size: 1.2rem; display: inline; }
[id] { scroll-margin-top: 3rem; }
nav.top { position: sticky; top: 0; z-index: 1; background: var(--paper); border-bottom: 1px solid var(--line); display: flex; flex-wrap: wrap; align-items: center; gap: 0.2rem 0.8rem; padding: 0.45rem max(1.5rem, calc(50vw - 37.5rem)); }
nav.top ul { list-style: none; display: flex; flex-wrap: wrap; gap: 0.2rem 0.6rem; margin: 0; padding: 0; font-size: 0.875rem; max-width: none; }
nav.top li { overflow-wrap: anywhere; }
.notes { color: var(--muted); font-size: 0.85rem; margin: 0.5rem 0 0; padding: 0; list-style: none; }
.notes li { margin: 0.15rem 0; }
.caveats { background: var(--unsure-bg); border-radius: 6px; padding: 0.7rem 1rem 0.7rem 2rem; margin: 1rem 0; font-size: 0.92rem; }
.pill { display: inline-block; border-radius: 1em; padding: 0 0.65em; font-size: 0.86em; font-weight: 550; }
td .pill { white-space: nowrap; }
.good { color: var(--good); background: var(--good-bg); }
.bad { color: var(--bad); background: var(--bad-bg); }
.unsure { color: var(--unsure); background: var(--unsure-bg); }
.invalid { color: var(--bad); }
.scroll { overflow-x: auto; margin: 0.6rem 0; border: 1px solid var(--line); border-radius: 6px; width: fit-content; max-width: 100%; }
.scroll:has(> .overview), .first:has(figure) > div .scroll { width: auto; }
.scroll.cut::after { content: "More columns: scroll sideways →"; position: sticky; left: 0; display: block; width: fit-content; padding: 0.2rem 0.7rem; color: var(--muted); font-size: 0.8rem; }
.scroll:focus-visible, summary:focus-visible, button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: 0.86rem; font-variant-numeric: tabular-nums; line-height: 1.4; }
th, td { padding: 0.42rem 0.7rem; text-align: left; vertical-align: top; }
thead th { background: var(--panel); font-weight: 600; vertical-align: bottom; border-bottom: 1px solid var(--line); }
thead .unit { display: block; color: var(--muted); font-weight: 400; font-size: 0.92em; white-space: nowrap; }
tbody tr + tr > * { border-top: 1px solid var(--grid); }
tbody th { font-weight: 550; min-width: 6.5rem; background: var(--paper); }
tr > th:first-child { position: sticky; left: 0; }
table.dense { font-size: 0.74rem; }
.dense th, .dense td { padding: 0.42rem 0.26rem; }
td, .figure { text-align: right; white-space: nowrap; }
td.lines { white-space: normal; }
td.words { text-align: left; white-space: normal; }
.words { min-width: 9rem; }
.long { min-width: 18rem; }
.dense :is(td, .figure) { white-space: normal; }
.dense .words, .dense tbody th { min-width: 0; }
.dense thead .unit { white-space: normal; font-size: 0.96em; }
figure { margin: 2.2rem 0 0; }
figcaption h3 { margin: 0; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 29rem), 1fr)); gap: 1.2rem 2rem; }
.pair > * { margin: 0; min-width: 0; max-width: 40rem; }
.multiples { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); gap: 1.6rem 1.5rem; }
.multiples > * { display: grid; grid-template-rows: subgrid; grid-row: span 4; margin: 0; min-width: 0; max-width: 37rem; row-gap: 0; }
.multiples h3 { margin: 0; font-size: 0.95rem; }
.multiples .picture { margin: 0; }
.multiples .picture svg { font-size: 14.5px; }
.fold { border: 1px solid var(--line); border-radius: 6px; padding: 0 1rem; }
.fold > summary { width: auto; padding: 0.6rem 0; color: var(--muted); }
.fold > summary b { color: var(--ink); font-weight: 600; margin-right: 0.4rem; }
.fold section.alone { margin-top: 1rem; padding-top: 0.8rem; }
section.cell { border-top: 1px solid var(--line); margin-top: 0; padding: 1.2rem 0 1rem; }
pre { margin: 0.6rem 0; padding: 0.7rem 1rem; background: var(--panel); border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere; font-size: 0.85rem; line-height: 1.45; }
.picture { margin-top: 0.6rem; max-width: 40rem; }
.picture svg { display: block; width: 100%; height: auto; font-size: 10.5px; }
.picture text { pointer-events: none; }
.beside { display: grid; grid-template-columns: minmax(0, 37rem) minmax(0, 1fr); grid-template-rows: auto auto 1fr; gap: 0 1.5rem; align-items: start; }
.beside > figcaption { grid-area: 1 / 2; }
.beside > .picture { grid-area: 1 / 1 / span 3; margin: 0; }
.beside > .saves { grid-area: 2 / 2; }
.beside > details { grid-area: 4 / 1 / auto / span 2; }
details { margin: 0.5rem 0; }
summary { cursor: pointer; color: var(--accent); font-size: 0.875rem; width: fit-content; }
dl { display: grid; grid-template-columns: minmax(8rem, 14rem) 1fr; gap: 0.3rem 1.2rem; margin: 0.6rem 0; font-size: 0.9rem; }
dt { color: var(--muted); }
dd { margin: 0; overflow-wrap: anywhere; min-width: 0; }
button { font: inherit; font-size: 0.875rem; color: var(--accent); background: none; border: 1px solid var(--line); border-radius: 6px; padding: 0.3rem 0.8rem; cursor: pointer; }
[hidden] { display: none !important; }
#menu { margin: 0 0 0 auto; position: relative; }
#menu > div { position: absolute; right: 0; display: grid; gap: 0.3rem; padding: 0.6rem; width: max-content; background: var(--paper); border: 1px solid var(--line); border-radius: 6px; font-size: 0.875rem; }
.sort { font: inherit; color: inherit; text-align: inherit; border: 0; padding: 0; width: 100%; }
.sort:hover { text-decoration: underline; }
[aria-sort=ascending] .sort::after { content: " ↑"; }
[aria-sort=descending] .sort::after { content: " ↓"; }
.saves { margin: 0.2rem 0 0; display: flex; gap: 0.3rem; }
.saves button { font-size: 0.75rem; padding: 0 0.5rem; }
.picture:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.picture .pointed { outline: 2px solid var(--accent); outline-offset: 2px; }
footer dl { flex-basis: 100%; margin: 0 0 0.5rem; }
footer { border-top: 1px solid var(--line); margin-top: 3rem; padding-top: 1rem; display: flex; gap: 1rem; justify-content: space-between; align-items: center; flex-wrap: wrap; }
.tip { position: fixed; z-index: 2; max-width: min(24rem, calc(100vw - 16px)); background: var(--ink); color: var(--paper); font-size: 0.82rem; border-radius: 4px; padding: 0.25rem 0.55rem; }
@media (max-width: 64rem) {
  .beside { display: block; }
  .beside > .picture { margin-top: 0.6rem; }
  .first { grid-template-columns: minmax(0, 1fr); }
}
@media screen and (max-width: 48rem) {
  .page { padding: 0.8rem 1rem 3rem; }
  nav.top { position: static; padding: 0.45rem 1rem; }
  .scroll { width: auto; }
  .over { flex: 1 1 0; min-width: 12rem; }
  nav.top a, .overview th a { display: inline-block; padding-block: 0.15rem; }
  summary { padding-block: 0.2rem; }
  nav.top ul { row-gap: 0; }
  .saves button { min-height: 1.75rem; padding-inline: 0.8rem; }
  .sort { min-height: 1.5rem; }
  .remark { font-size: 1rem; line-height: 1.45; }
  .meta { font-size: 0.8rem; }
  .first > div :is(th, td) { padding: 0.35rem 0.15rem; }
  .first > div table { font-size: 0.72rem; }
  .first > div .unit { font-size: 1em; }
  .first > div h3 { margin-top: 0.6rem; }
  .first > div .stacked { font-size: 0.8rem; }
  h1 { font-size: 1.4rem; }
  #answer > .lead { margin: 0; font-size: 0.9rem; line-height: 1.4; }
  .words, .long, tbody th { min-width: 0; }
  th, td { padding: 0.42rem 0.4rem; }
  .picture, .multiples .picture, .beside > .picture { margin-inline: -0.75rem; }
  .picture svg, .first .picture svg, .multiples .picture svg { font-size: 14px; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: 0.5rem; }
  .stacked thead tr > :not(:has(.scale)), .stacked thead .unit { display: none; }
  .stacked td::before { content: attr(data-label); }
  .stacked tr, .stacked th, .stacked td { display: block; text-align: left; }
  .stacked th, .stacked td { border: 0 !important; padding: 0.1rem 0.7rem; }
  .stacked tbody tr { padding: 0.5rem 0; }
  :is(#changes .stacked, .stacked.limits) tbody tr { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.1rem 0.8rem; padding: 0.5rem 0.7rem; }
  :is(#changes .stacked, .stacked.limits) :is(th, td) { padding: 0; }
  .stacked .none { display: none !important; }
  .stacked tr + tr { border-top: 1px solid var(--grid); }
}
@media print {
  :root, :root[data-theme=dark] { ${LIGHT} }
  body { font-size: 11pt; }
  .page { max-width: none; padding: 0; }
  .scroll { overflow: visible; border: 0; }
  .scroll.cut::after { content: none; }
  table { font-size: 7.5pt; }
  table.dense { font-size: 6pt; }
  th, td, .dense th, .dense td { padding: 0.15rem 0.2rem; }
  td, .figure, thead .unit { white-space: normal; }
  tbody th { min-width: 0; }
  tr > th:first-child { position: static; }
  .words, .long { min-width: 0; }
  figure, tr, dl { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  summary, button:not(.sort), nav.top { display: none; }
  .fold > summary { display: block; }
}
`;
