// In: a report. Out: one HTML file that works from disk, loads nothing, and runs nothing but its own small script.
import { createHash } from 'node:crypto';
import type { Format } from './format.ts';
import { html, type Markup, nothing, trusted } from '../html/markup.ts';
import { factList, figureMarkup, plainTable, titledTable } from '../html/parts.ts';
import { SCRIPT } from '../html/script.ts';
import { STYLE } from './page.ts';
import { type FoldedCell, sweepMarkup } from '../html/sweep.ts';
import type { CellReport, Figure, JsonValue, Report } from '../model.ts';
import { partsOf, type ReportPart } from '../report-parts.ts';
import { toJson } from './json.ts';

const format: Format = {
  name: 'html',
  fileName: 'report.html',
  render: async report => (await pageMarkup(report)).markup,
};
export default format;

const policy = [
  "default-src 'none'",
  `style-src ${hashOf(STYLE)}`,
  `script-src ${hashOf(SCRIPT)}`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

async function pageMarkup(report: Report): Promise<Markup> {
  const parts = partsOf(report);
  const figures = await figuresMarkup(report.figures, 'f');
  const sections: Markup[] = [];
  for (const [index, part] of parts.entries()) {
    sections.push(await partMarkup(part, { id: `c${index}`, hasSiblings: parts.length > 1 }));
  }
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${report.title}</title>
<style>${trusted(STYLE)}</style>
</head>
<body>
<div class="page">
<header>
<p class="over">${report.title}</p>
<h1>${report.headline}</h1>
${report.verdict === null || report.verdict === report.headline ? nothing : html`<p class="remark"><strong>${report.verdict}</strong></p>`}
${remarks(report.remarks)}
<p class="meta">${report.state === 'complete' ? nothing : html`<span class="pill bad">${report.state}</span> `}${report.subtitle}</p>
${parts.length > 1 ? contents(parts) : nothing}
</header>
<main>
${report.tables.length === 0 ? nothing : html`<section class="cell">${report.tables.map(titledTable)}\n${figures}</section>`}
${sections}
<section class="cell">
<h2>What limits these figures</h2>
<ul>${report.caveats.map(caveat => html`<li>${caveat}</li>`)}</ul>
${report.facts.map(({ title, facts }) => html`<h3>${title}</h3>${factList(facts)}`)}
</section>
</main>
<footer><span>${report.title}, run ${report.runId}</span><button id="download" type="button" data-name="${report.runId}.json" hidden>Download the figures (JSON)</button></footer>
</div>
<script type="application/json" id="report-data">${trusted(inertJson(toJson(report)))}</script>
<script>${trusted(SCRIPT)}</script>
</body>
</html>
`;
}

function remarks(texts: readonly string[]): Markup {
  return html`${texts.map(text => html`<p class="remark">${text}</p>`)}`;
}

function contents(parts: readonly ReportPart[]): Markup {
  return html`<nav aria-label="Scenarios"><ul>${parts.map((part, index) => {
    const { name, headline } = part.kind === 'sweep' ? part.sweep : part.cell;
    return html`<li><a href="#c${index}">${name}</a>: ${headline}</li>`;
  })}</ul></nav>`;
}

async function partMarkup(part: ReportPart, of: { id: string; hasSiblings: boolean }): Promise<Markup> {
  if (part.kind === 'cell') return cellMarkup(part.cell, of);
  const folded: FoldedCell[] = [];
  for (const [index, cell] of part.cells.entries()) {
    const markup = await cellMarkup(cell, { id: `${of.id}-${index}`, hasSiblings: true });
    folded.push({ place: cell.sweep?.place ?? cell.name, headline: cell.headline, markup });
  }
  return sweepMarkup(part.sweep, folded, { id: of.id, isAlone: !of.hasSiblings });
}

async function cellMarkup(cell: CellReport, of: { id: string; hasSiblings: boolean }): Promise<Markup> {
  const figures = await figuresMarkup(cell.figures, of.id);
  return html`<section class="cell" id="${of.id}">
<h2>${cell.name}</h2>
${cell.sweep === null ? html`<p class="lead">${cell.question}</p>` : nothing}
${of.hasSiblings ? html`<p class="answer">${cell.headline}</p>\n${remarks(cell.remarks)}` : nothing}
${plainTable(cell.article)}
<p>${cell.stop.text} ${auditPill(cell)}</p>
${cell.caveats.length === 0 ? nothing : html`<ul class="caveats">${cell.caveats.map(caveat => html`<li>${caveat}</li>`)}</ul>`}
${cell.failures === null ? nothing : titledTable(cell.failures)}
${cell.errors === null ? nothing : titledTable(cell.errors)}
${titledTable(cell.main)}
${cell.ratios === null ? nothing : titledTable(cell.ratios)}
${cell.special.map(titledTable)}
${figures}
${cell.phases === null ? nothing : titledTable(cell.phases)}
<h3>${cell.auditTable.title}</h3>
<p>${cell.auditSummary}</p>
${doubts(cell)}
<details><summary>Every audit, with its figures</summary>
${plainTable(cell.auditTable)}
</details>
<h3>Conditions</h3>
${factList(cell.conditions)}
</section>`;
}

/** @param id unique in the page */
async function figuresMarkup(figures: readonly Figure[], id: string): Promise<Markup[]> {
  const drawn: Markup[] = [];
  for (const [index, figure] of figures.entries()) drawn.push(await figureMarkup(figure, `${id}-${index}`));
  return drawn;
}

function auditPill({ audits, auditSummary }: CellReport): Markup {
  const tone = audits.some(({ state }) => state === 'fail')
    ? 'bad'
    : audits.length > 0 && audits.every(({ state }) => state === 'pass')
      ? 'good'
      : 'unsure';
  return html`<span class="pill ${tone}">${auditSummary}</span>`;
}

/** What did not pass is told in full, without opening anything. */
function doubts({ audits }: CellReport): Markup {
  const lines = audits.filter(({ state }) => state !== 'pass');
  if (lines.length === 0) return nothing;
  return html`<ul>${lines.map(
    ({ title, arm, state, brief }) =>
      html`<li><span class="pill ${state === 'fail' ? 'bad' : 'unsure'}">${state}</span> ${title}${arm === null ? '' : ` (${arm})`}: ${brief}</li>`,
  )}</ul>`;
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/** Within a script element only `<` could begin an end tag or a comment. */
function inertJson(value: JsonValue): string {
  return JSON.stringify(value).replaceAll('<', String.raw`\u003c`);
}
