// Format: one HTML file that works from disk, loads nothing, and runs only its own small script.

import { createHash } from 'node:crypto';
import { PAGE_DATA_ID, packRun, packText } from '../../results/page-data.ts';
import { own } from '../../scenarios/model/facts.ts';
import {
  type Answer,
  type AppliedClient,
  type Badge,
  type Bar,
  badgesOf,
  type CellReport,
  type CellSection,
  type Figure,
  groundsOf,
  isFailure,
  type Missing,
  type Overview,
  type OverviewRow,
  type Repetition,
  type Report,
  type SweepMeasure,
  type SweepReport,
  type Table,
  type Tick,
  type Tone,
} from '../model.ts';
import { formatDay } from '../words/run.ts';
import { type Format, type FormatOptions, partsOf, type ReportPart } from './format.ts';
import { toJson } from './json.ts';
import { comment } from './markdown.ts';
import {
  codeBlock,
  factList,
  figuresMarkup,
  foldedTable,
  headCell,
  html,
  linkMarkup,
  listOf,
  type Markup,
  pictureMarkup,
  plainTable,
  titledTable,
  trusted,
} from './markup.ts';
import { SCRIPT } from './page-script.ts';
import { STYLE } from './page-style.ts';

const format: Format = {
  name: 'html',
  fileName: 'report.html',
  render: async (report, options) => (await pageMarkup(report, options)).markup,
};
export default format;

const policy = [
  "default-src 'none'",
  `style-src ${hashOf(STYLE)}`,
  `script-src ${hashOf(SCRIPT)}`,
  // A chart becomes a PNG by way of an image.
  'img-src blob:',
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

async function pageMarkup(report: Report, { measured }: FormatOptions): Promise<Markup> {
  const parts = partsOf(report);
  const sections = await Array.fromAsync(parts, (part, index) =>
    partMarkup(part, { id: `c${index}`, hasSiblings: parts.length > 1 }),
  );
  const data = JSON.stringify({ figures: toJson(report), markdown: comment(report) });
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
${barOf(report, parts)}
<div class="page">
<header id="answer">
${verdictMarkup(report)}
${report.missing && missingMarkup(report.missing)}
<p class="meta">${report.state === 'failed' && html`<span class="pill bad">failed</span> `}${report.subtitle}</p>
${report.overview && overviewMarkup(report.overview)}
</header>
<main>
${await changesMarkup(report)}
${sections}
<section class="cell" id="setup">
<h2>Limitations</h2>
<ul>${report.caveats.map(caveat => html`<li>${caveat}</li>`)}</ul>
${report.facts.map(({ title, facts }) => html`<h3>${title}</h3>${factList(facts)}`)}
</section>
</main>
<footer>${report.words.length > 0 && factList(report.words)}<span>${report.title}, run ${report.runId}</span></footer>
</div>
<script type="application/gzip" id="report-data">${trusted(packText(data))}</script>
${measured !== undefined && html`<script type="application/brotli" id="${PAGE_DATA_ID}">${trusted(packRun(measured))}</script>`}
<script>${trusted(SCRIPT)}</script>
</body>
</html>
`;
}

/** Why it lacks something is said by a badge. */
function missingMarkup({ text, command }: Missing): Markup {
  return html`<p class="note">${text}</p>
${codeBlock(command)}`;
}

/** The changes in a report about several runs: what changed, drawn beside a table, the other drawings, and all tables when they are opened. */
async function changesMarkup({ brief, tables, figures }: Report): Promise<Markup | null> {
  if (brief === null) return null;
  const [lead, ...others] = figures;
  const folded = tables.filter(({ name }) => name !== brief.name);
  return html`<section class="cell alone" id="changes"><h2>${brief.title}</h2>
<div class="first">
${lead !== undefined && (await leadMarkup(lead, brief))}
<div><h3>${brief.title}</h3>
${plainTable(brief, true)}
</div>
</div>
${await figuresMarkup(others, 'f', { level: 3, isRead: lead?.small !== undefined })}
${
  folded.length > 0 &&
  html`<details class="all"><summary>All figures</summary>
${folded.map(table => titledTable(table, 3))}
</details>`
}
</section>`;
}

/** The picture of the answer, which says what it shows. @param beside the table that stands beside it */
async function leadMarkup(figure: Figure, beside: Table): Promise<Markup> {
  const { title, table, caption, small } = figure;
  const link = linkMarkup(figure);
  return html`<figure>
<figcaption><h3>${title}</h3></figcaption>
${await pictureMarkup(figure, 'f-lead', title)}
<p class="note">${link && html`Changed with ${link}. `}${small?.howToRead ?? caption}</p>
${table !== beside && foldedTable(`${title}, as a table`, table)}
</figure>`;
}

function remarks(texts: readonly string[]): Markup {
  return html`${texts.map(text => html`<p class="remark">${text}</p>`)}`;
}

/** Sticks to the top: what this is, and links to its parts. */
function barOf(report: Report, parts: readonly ReportPart[]): Markup {
  const links = [
    { href: '#answer', text: 'Answer' },
    ...(report.brief === null ? [] : [{ href: '#changes', text: report.brief.title }]),
    ...linksOf(parts),
    { href: '#setup', text: 'Setup' },
  ];
  return html`<nav class="top" aria-label="Parts of the report">${isFailure(report.answer) && html`<b class="pill bad">FAIL</b> `}<span class="over">${report.title}, ${formatDay(report.startedAt)}, run ${shortId(report.runId)}</span>
<ul>${links.map(({ href, text }) => html`<li><a href="${href}">${text}</a></li>`)}</ul>
${menuOf(report)}</nav>`;
}

/** The end of it, by which it is found as well. */
function shortId(runId: string): string {
  return runId.slice(runId.lastIndexOf('-') + 1);
}

/** Shown by the script, without which it would do nothing. */
function menuOf({ runId }: Report): Markup {
  const actions = {
    markdown: 'Copy as Markdown',
    csv: 'Tables as CSV',
    json: 'Figures as JSON',
    theme: 'Light or dark',
  };
  return html`<details id="menu" hidden><summary>Copy, save, theme</summary><div>
${Object.entries(actions).map(([action, text]) => html`<button type="button" data-action="${action}" data-name="${runId}">${text}</button>`)}
<span role="status"></span></div></details>`;
}

/** The parts of a single scenario; of several, each of them. */
function linksOf(parts: readonly ReportPart[]): { href: string; text: string }[] {
  const [only] = parts;
  if (only === undefined) return [];
  if (parts.length > 1 || only.kind === 'sweep')
    return parts.map((part, index) => ({
      href: `#c${index}`,
      text: part.kind === 'sweep' ? part.sweep.name : part.cell.name,
    }));
  return [
    ...only.cell.sections.map(({ name, title }) => ({ href: `#c0-${name}`, text: title })),
    { href: '#c0-trust', text: 'Trust' },
  ];
}

/** The answer: what it is, how sure, what failed. */
function verdictMarkup({ answer, limits }: Report): Markup {
  const { question = '', clients = '' } = answer;
  return html`${question !== '' && html`<p class="lead">${question}</p>`}
<h1${isFailure(answer) && html` class="failed"`}>${answer.verdict}</h1>
${limits && plainTable(limits, true)}
${badgeList(answer)}
${clients !== '' && html`<p class="clients">${clients}</p>`}
<p class="remark">${groundsOf(answer)}</p>
${remarks(answer.notes)}`;
}

/** The answer of one scenario among several, whose verdict and badges are in the table at the top. */
function sectionAnswer(answer: Answer): Markup {
  const { clients = '', notes } = answer;
  return html`${clients !== '' && html`<p class="clients">${clients}</p>`}
${remarks([groundsOf(answer), ...notes].filter(text => text !== ''))}`;
}

const BADGE_CLASSES: Record<Tone, string> = { fail: 'bad', doubt: 'unsure', good: 'good', plain: 'plain' };

function badgeList(answer: Answer): Markup | false {
  const item = (badge: Badge): Markup =>
    html`<li class="pill ${BADGE_CLASSES[badge.tone]}${badge === answer.limitedBy ? ' limit' : ''}">${badge.text}</li>`;
  const badges = badgesOf(answer);
  return badges.length > 0 && html`<ul class="badges">${badges.map(item)}</ul>`;
}

/** A row for each scenario, with a link to its section. On a phone rows are stacked, so figures take their heading along. */
function overviewMarkup({ rows, ticks, table }: Overview): Markup {
  // It stands below the name.
  const shown = table.columns.filter(({ key }) => key !== 'question');
  const drawn = (row: OverviewRow, index: number): Record<string, Markup | false> => ({
    cell: html`<a href="#c${index}">${row.name}</a>${row.answer.question !== undefined && html`<span class="question">${row.answer.question}</span>`}`,
    gain: row.bar !== null && barMarkup(row.bar, ticks),
    badges: badgeList(row.answer),
  });
  const bodyOf = (row: OverviewRow, index: number): Markup[] => {
    const markups = drawn(row, index);
    return shown.map(column => {
      const { key, heading, unit, isKey } = column;
      const content = own(markups, key) ?? html`${table.rows[index]![table.columns.indexOf(column)]!.text}`;
      if (isKey) return html`<th scope="row">${content}</th>`;
      const hasLabel = key === 'sides' || key === 'cost' || (key === 'gain' && row.bar !== null);
      const label = hasLabel && html` data-label="${unit === undefined ? heading : `${heading}, ${unit}`}: "`;
      const isFailed = key === 'verdict' && isFailure(row.answer);
      return html`<td class="words${isFailed && ' failed'}"${label}>${content}</td>`;
    });
  };
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${table.title}">
<table class="overview stacked">
<thead><tr>${shown.map(column => headCell({ ...column, align: 'left' }, column.key === 'gain' ? scaleMarkup(ticks) : null))}</tr></thead>
<tbody>
${rows.map((row, index) => html`<tr>${bodyOf(row, index)}</tr>`)}
</tbody>
</table>
</div>`;
}

const BAR_PX = { width: 150, height: 22, margin: 6 };

const SCALE_PX = 13;

/** Where a place from 0 to 1 is in a bar's drawing. */
function barX(place: number): number {
  const { width, margin } = BAR_PX;
  return Math.round(margin + place * (width - 2 * margin));
}

/** The values of the axis of the bars, above the lines that each bar has for them. */
function scaleMarkup(ticks: readonly Tick[]): Markup | null {
  if (ticks.length === 0) return null;
  const { width } = BAR_PX;
  return html`<svg class="scale" width="${width}" height="${SCALE_PX}" viewBox="0 0 ${width} ${SCALE_PX}" aria-hidden="true">
${ticks.map(({ text, at }) => html`<text x="${barX(at)}" y="${SCALE_PX - 2}">${text}</text>`)}
</svg>`;
}

/** A bar from 1 to the ratio, with its interval. The text beside it says the same. */
function barMarkup(
  { text, one, value, low, high, isLowCut, isHighCut }: Bar,
  ticks: readonly Tick[],
): Markup {
  const { width, height } = BAR_PX;
  const grid = ticks.filter(tick => tick.at !== one).map(tick => `M${barX(tick.at)} 0v${height}`);
  const middle = height / 2;
  const [start, end] = [barX(Math.min(one, value)), barX(Math.max(one, value))];
  return html`<div class="bar"><svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" aria-hidden="true">
<path class="grid" d="${grid.join('')}"/>
<rect class="${value >= one ? 'gain' : 'loss'}" x="${start}" y="${middle - 5}" width="${Math.max(1, end - start)}" height="10"/>
<path class="ink" d="M${barX(low)} ${middle}H${barX(high)}${whiskerEnd(barX(low), isLowCut ? 1 : 0)}${whiskerEnd(barX(high), isHighCut ? -1 : 0)}"/>
<path class="one" d="M${barX(one)} 1v${height - 2}"/>
</svg><span>${text}</span></div>`;
}

/** A stroke across; an arrow where the interval goes on. @param towards in which direction the arrow opens, 0 for none */
function whiskerEnd(x: number, towards: number): string {
  const middle = BAR_PX.height / 2;
  return towards === 0
    ? `M${x} ${middle - 4}v8`
    : `M${x + 5 * towards} ${middle - 4}L${x} ${middle}l${5 * towards} 4`;
}

async function partMarkup(part: ReportPart, of: { id: string; hasSiblings: boolean }): Promise<Markup> {
  if (part.kind === 'cell') return cellMarkup(part.cell, of);
  const cells = await Array.fromAsync(part.cells, async (cell, index) => {
    const markup = await cellMarkup(cell, { id: `${of.id}-${index}`, hasSiblings: true });
    return html`<details class="fold">
<summary><b>${cell.sweep?.place ?? cell.name}</b> ${cell.answer.verdict}</summary>
${markup}
</details>`;
  });
  return sweepMarkup(part.sweep, cells, { id: of.id, isAlone: !of.hasSiblings });
}

/**
 * @param cells folded, each below its place and verdict
 * @param isAlone whether the page's own heading already shows the headline
 */
async function sweepMarkup(
  sweep: SweepReport,
  cells: readonly Markup[],
  { id, isAlone }: { id: string; isAlone: boolean },
): Promise<Markup> {
  const [first = null, ...others] = await Array.fromAsync(sweep.measures, (measure, index) =>
    measureMarkup(measure, { id: `${id}-${measure.name}`, isOpen: index === 0 }),
  );
  return html`<section class="cell${isAlone && ' alone'}" id="${id}">
<h2>${sweep.name}</h2>
${!isAlone && html`<p class="lead">${sweep.question}</p>`}
${!isAlone && sectionAnswer(sweep.answer)}
${listOf(sweep.caveats, 'caveats')}
${first}
<p class="note">${sweep.howToRead}</p>
${repeatMarkup(sweep.repeat)}
${sweep.expectations && titledTable(sweep.expectations, 3)}
${others}
${sweep.special.map(table => titledTable(table, 3))}
<h3>${sweep.cellTable.title}</h3>
${plainTable(sweep.cellTable)}
<h3>Conditions of all points</h3>
${factList(sweep.conditions)}
<h3>All points in full</h3>
${cells}
</section>`;
}

/** The first measure's table is open, the others are folded. A table beside a single picture takes no extra room. */
async function measureMarkup(
  { title, table, pictures }: SweepMeasure,
  { id, isOpen }: { id: string; isOpen: boolean },
): Promise<Markup> {
  const figures = await Array.fromAsync(
    pictures,
    async picture => html`<figure>
<figcaption><h4>${picture.title}</h4></figcaption>
${await pictureMarkup(picture, `${id}-${picture.name}`)}
</figure>`,
  );
  const isPair = figures.length === 1;
  const beside = isPair && html`<div>${plainTable(table)}</div>\n`;
  const below = !isPair && html`\n${foldedTable(`${title}, as a table`, table, isOpen)}`;
  return html`<h3>${title}</h3>
<div class="pair">
${figures}
${beside}</div>${below}`;
}

async function cellMarkup(cell: CellReport, of: { id: string; hasSiblings: boolean }): Promise<Markup> {
  const forest = cell.forest && (await pictureMarkup(cell.forest, `${of.id}-forest`, cell.forest.title));
  const parts = await Array.fromAsync(cell.sections, section => sectionMarkup(section, of.id));
  return html`<section class="cell${!of.hasSiblings && ' alone'}" id="${of.id}">
<h2>${cell.name}</h2>
${cell.sweep === null && of.hasSiblings && html`<p class="lead">${cell.question}</p>`}
${of.hasSiblings && sectionAnswer(cell.answer)}
${cell.state !== 'unmeasured' && firstMarkup(cell, forest)}
${cell.repeat && repeatMarkup(cell.repeat)}
${parts}
${trustMarkup(cell, of.id)}
<h3 id="${of.id}-setup">Setup</h3>
${factList(cell.conditions)}
</section>`;
}

/** What is asked for first: the ratios drawn, beside the figures of each client. */
function firstMarkup(
  { forest, brief, main, ratios, article, apply }: CellReport,
  picture: Markup | null,
): Markup {
  return html`<div class="first">
${
  forest &&
  html`<figure><figcaption><h3>${forest.title}</h3></figcaption>
${picture}
<p class="note">${forest.caption}</p></figure>`
}
<div><h3>${brief.title}</h3>
${plainTable(brief)}
</div>
<details class="all"><summary>All figures</summary>
${titledTable(main)}
${ratios && titledTable(ratios)}
${titledTable(article)}
${forest && titledTable(forest.table)}
</details>
${apply && applyMarkup(apply)}
</div>`;
}

function applyMarkup({ title, text, note }: AppliedClient): Markup {
  return html`<details class="all"><summary>${title}</summary>
${codeBlock(text)}
<p class="note">${note}</p>
</details>`;
}

function repeatMarkup({ command, file }: Repetition): Markup {
  return html`<details><summary>Repeat it: the command${file && ', and the scenario as a file'}</summary>
${codeBlock(command)}
${
  file &&
  html`<p class="note">This scenario alone, from the file ${file.name}. ${file.note}</p>
${codeBlock(file.command)}
${codeBlock(file.text, file.name)}`
}
</details>`;
}

/** A part of a cell: pictures, then its tables. */
async function sectionMarkup(section: CellSection, cellId: string): Promise<Markup> {
  const id = `${cellId}-${section.name}`;
  const content = html`${remarks(section.notes)}
${await figuresMarkup(section.figures, id)}
${section.tables.map(table => titledTable(table))}`;
  return section.isFolded
    ? html`<details class="part" id="${id}"><summary><h3>${section.title}</h3></summary>\n${content}</details>`
    : html`<section class="part" id="${id}"><h3>${section.title}</h3>\n${content}</section>`;
}

/** Why to believe it or not: what was found, what failed, what limits it. */
function trustMarkup(cell: CellReport, cellId: string): Markup {
  return html`<section class="part" id="${cellId}-trust"><h3>Trust</h3>
<p>${cell.stop.text} ${cell.passed}</p>
${cell.failures && titledTable(cell.failures)}
${cell.errors && titledTable(cell.errors)}
${cell.trust && titledTable(cell.trust)}
${listOf(cell.caveats, 'caveats')}
${foldedTable('Every audit, with its figures', cell.auditTable)}
</section>`;
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
