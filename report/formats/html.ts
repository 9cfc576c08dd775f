// Format: one HTML file that works from disk, loads nothing, and runs only its own small script.
import { createHash } from 'node:crypto';
import { PAGE_DATA_ID, packRun, packText } from '../../results/page-data.ts';
import { visibleLines } from '../../results/visible.ts';
import { own } from '../../scenarios/model/facts.ts';
import {
  type Answer,
  type AppliedClient,
  type Badge,
  type Bar,
  badgesOf,
  type CellReport,
  type CellSection,
  type Column,
  type Fact,
  type Figure,
  isFailure,
  type Missing,
  type Overview,
  type OverviewRow,
  type Picture,
  type Repetition,
  type Report,
  type SmallFigure,
  type SweepMeasure,
  type SweepReport,
  type Table,
  type TableCell,
  type Tick,
  type Tone,
} from '../model.ts';
import { NO_FIGURE } from '../words/numbers.ts';
import { formatDay } from '../words/run.ts';
import { comment } from './comment.ts';
import { bindUnits, type Format, type FormatOptions, partsOf, type ReportPart } from './format.ts';
import { toJson } from './json.ts';
import { STYLE } from './page.ts';
import { SCRIPT } from './page-script.ts';

export interface Markup {
  readonly markup: string;
}

type Interpolated = string | number | Markup | readonly Markup[];

/** Template tag: everything interpolated is escaped, also within quoted attributes; markup is inserted as it is. */
export function html(strings: TemplateStringsArray, ...values: readonly Interpolated[]): Markup {
  const parts = strings.map((string, index) => {
    const value = values[index];
    return value === undefined ? string : `${string}${textOf(value)}`;
  });
  return { markup: parts.join('') };
}

/** Markup from elsewhere that is known to be safe, such as a rendered chart. */
export function trusted(markup: string): Markup {
  return { markup };
}

export const nothing: Markup = { markup: '' };

function textOf(value: Interpolated): string {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return escaped(value);
  if ('markup' in value) return value.markup;
  return value.map(({ markup }) => markup).join('\n');
}

/** A figure and its unit stay on one line; invisible characters are made visible. */
function escaped(text: string): string {
  return escapedCode(bindUnits(text));
}

/** Of what is copied or saved, so no blank may become another character. */
function escapedCode(text: string): string {
  return visibleLines(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** Tables with more columns are set more densely. */
const DENSE_COLUMNS = 10;

/** With a heading, and its notes below. @param level of the heading: one below that of the part it stands in */
export function titledTable(table: Table, level: 3 | 4 = 4): Markup {
  return html`${headingOf(table.title, level)}\n${plainTable(table)}`;
}

function headingOf(title: string, level: 3 | 4): Markup {
  return level === 3 ? html`<h3>${title}</h3>` : html`<h4>${title}</h4>`;
}

/**
 * A table too wide for the page scrolls within its own frame, by keyboard too.
 *
 * @param isStacked whether a phone shows each row as lines below each other, so what is measured takes its heading along
 */
export function plainTable({ name, title, columns, rows, notes }: Table, isStacked = false): Markup {
  const classes = isStacked ? `${name} stacked` : columns.length > DENSE_COLUMNS ? 'dense' : '';
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${title}">
<table${classes === '' ? nothing : html` class="${classes}"`}>
<thead><tr>${columns.map(column => headCell(column))}</tr></thead>
<tbody>
${rows.map(row => html`<tr>${row.map((cell, index) => bodyCell(cell, columns[index]!, isStacked))}</tr>`)}
</tbody>
</table>
</div>
${notes.length === 0 ? nothing : html`<ul class="notes">${notes.map(note => html`<li>${note}</li>`)}</ul>`}`;
}

/** @param below stands below the heading */
function headCell({ heading, unit, align }: Column, below: Markup = nothing): Markup {
  const shownUnit = unit === undefined ? nothing : html` <span class="unit">${unit}</span>`;
  return html`<th scope="col"${align === 'right' ? html` class="figure"` : nothing}>${heading}${shownUnit}${below}</th>`;
}

const LONG_TEXT = 40;
/** A figure longer than this, such as replicates without an interval, may take several lines. */
const LONG_FIGURE = 24;

function bodyCell(cell: TableCell, { isKey, align, key, heading }: Column, isStacked: boolean): Markup {
  if (isKey) {
    return html`<th scope="row"${align === 'right' ? html` class="figure"` : nothing}>${inTone(cell, key, cell.text)}</th>`;
  }
  // A figure may break only before its bounds.
  const text = align === 'right' ? cell.text.replaceAll(' to ', '\u00a0to\u00a0') : cell.text;
  const shown = cell.href === undefined ? inTone(cell, key, text) : html`<a href="${cell.href}">${text}</a>`;
  // Most are figures, so these have no class.
  const classes = [
    ...(align === 'right' ? [] : ['words']),
    ...(align !== 'right' && cell.text.length > LONG_TEXT ? ['long'] : []),
    ...(align === 'right' && cell.text.length > LONG_FIGURE ? ['lines'] : []),
    ...(cell.marks.includes('invalid') ? ['invalid'] : []),
    ...(isStacked && cell.text === NO_FIGURE ? ['none'] : []),
  ];
  const label = isStacked && key !== 'state' ? html` data-label="${heading}: "` : nothing;
  return html`<td${classes.length === 0 ? nothing : html` class="${classes.join(' ')}"`}${label}>${shown}</td>`;
}

function inTone(cell: TableCell, key: string, text: string): Markup {
  const tone = toneOf(cell, key);
  return tone === undefined ? html`${text}` : html`<span class="pill ${tone}">${text}</span>`;
}

const TONES: Record<string, string> = {
  better: 'good',
  worse: 'unsure',
  unsure: 'unsure',
  pass: 'good',
  warn: 'unsure',
  fail: 'bad',
  regression: 'bad',
  improvement: 'good',
};

/** Verdicts and outcomes are coloured; their text says the same. */
function toneOf({ value }: TableCell, key: string): string | undefined {
  return (key === 'verdict' || key === 'state') && typeof value === 'string' ? own(TONES, value) : undefined;
}

export function factList(facts: readonly Fact[]): Markup {
  return html`<dl>${facts.map(({ label, value }) => html`<dt>${label}</dt><dd>${value}</dd>`)}</dl>`;
}

/**
 * @param id unique within the page
 * @param description said instead of the picture: its title where its caption stands beside it
 */
export async function pictureMarkup(
  { title, caption, spec }: Picture,
  id: string,
  description = `${title}. ${caption}`,
): Promise<Markup> {
  // Loaded where there is a picture: what draws takes longer to load than all the rest of a page.
  const { renderChart } = await import('./chart-svg.ts');
  try {
    const svg = await renderChart(spec, { id, description });
    return html`<div class="picture">${trusted(svg)}</div>`;
  } catch {
    // A chart that fails must not lose the report: vega fails with names such as "constructor".
    return html`<p class="remark">This chart could not be drawn; its figures are in the table.</p>`;
  }
}

export async function figureMarkup(figure: Figure, id: string, level: 3 | 4): Promise<Markup> {
  return html`<figure class="beside">
<figcaption>${headingOf(figure.title, level)}<p>${figure.caption}</p></figcaption>
${await pictureMarkup(figure, id, figure.title)}
<details${figure.hasOpenTable === true ? html` open` : nothing}><summary>${figure.title}, as a table</summary>
${plainTable(figure.table)}
</details>
</figure>`;
}

/** A cell, summarized in a line and shown when it is opened. */
export interface FoldedCell {
  place: string;
  verdict: string;
  markup: Markup;
}

/** @param isAlone whether the page's own heading already shows the headline */
export async function sweepMarkup(
  sweep: SweepReport,
  cells: readonly FoldedCell[],
  of: { id: string; isAlone: boolean },
): Promise<Markup> {
  const measures: Markup[] = [];
  for (const [index, measure] of sweep.measures.entries()) {
    measures.push(await measureMarkup(measure, { id: `${of.id}-${measure.name}`, isOpen: index === 0 }));
  }
  const [first = nothing, ...others] = measures;
  return html`<section class="cell${of.isAlone ? ' alone' : ''}" id="${of.id}">
<h2>${sweep.name}</h2>
${of.isAlone ? nothing : html`<p class="lead">${sweep.question}</p>`}
${of.isAlone ? nothing : sectionAnswer(sweep.answer)}
${sweep.caveats.length === 0 ? nothing : html`<ul class="caveats">${sweep.caveats.map(caveat => html`<li>${caveat}</li>`)}</ul>`}
${first}
<p class="note">${sweep.howToRead}</p>
${repeatMarkup(sweep.repeat)}
${sweep.expectations === null ? nothing : titledTable(sweep.expectations, 3)}
${others}
${sweep.special.map(table => titledTable(table, 3))}
<h3>${sweep.cellTable.title}</h3>
${plainTable(sweep.cellTable)}
<h3>Conditions of all points</h3>
${factList(sweep.conditions)}
<h3>All points in full</h3>
${cells.map(foldedMarkup)}
</section>`;
}

/** The first measure's table is open, the others are folded. A table beside a single picture takes no extra room. */
async function measureMarkup(
  { title, table, pictures }: SweepMeasure,
  { id, isOpen }: { id: string; isOpen: boolean },
): Promise<Markup> {
  const figures: Markup[] = [];
  for (const picture of pictures) {
    const drawn = await pictureMarkup(picture, `${id}-${picture.name}`);
    figures.push(html`<figure>
<figcaption><h4>${picture.title}</h4></figcaption>
${drawn}
</figure>`);
  }
  if (figures.length === 1) {
    return html`<h3>${title}</h3>
<div class="pair">
${figures}
<div>${plainTable(table)}</div>
</div>`;
  }
  return html`<h3>${title}</h3>
<div class="pair">
${figures}
</div>
<details${isOpen ? html` open` : nothing}><summary>${title}, as a table</summary>
${plainTable(table)}
</details>`;
}

function foldedMarkup({ place, verdict, markup }: FoldedCell): Markup {
  return html`<details class="fold">
<summary><b>${place}</b> ${verdict}</summary>
${markup}
</details>`;
}

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
${barOf(report, parts)}
<div class="page">
<header id="answer">
${verdictMarkup(report)}
${report.missing === null ? nothing : missingMarkup(report.missing)}
<p class="meta">${report.state === 'failed' ? html`<span class="pill bad">failed</span> ` : nothing}${report.subtitle}</p>
${report.overview === null ? nothing : overviewMarkup(report.overview)}
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
<footer>${wordList(report)}<span>${report.title}, run ${report.runId}</span></footer>
</div>
<script type="application/gzip" id="report-data">${trusted(packText(JSON.stringify({ figures: toJson(report), markdown: comment(report) })))}</script>
${measured === undefined ? nothing : html`<script type="application/brotli" id="${PAGE_DATA_ID}">${trusted(packRun(measured))}</script>`}
<script>${trusted(SCRIPT)}</script>
</body>
</html>
`;
}

/** Why it lacks something is said by a badge. */
function missingMarkup({ text, command }: Missing): Markup {
  return html`<p class="note">${text}</p>
<pre><code>${trusted(escapedCode(command))}</code></pre>`;
}

/** Of a report about several runs: what changed, drawn beside a table, the other drawings, and all tables when they are opened. */
async function changesMarkup({ brief, tables, figures }: Report): Promise<Markup> {
  if (brief === null) return nothing;
  const [lead, ...others] = figures;
  const folded = tables.filter(({ name }) => name !== brief.name);
  return html`<section class="cell alone" id="changes"><h2>${brief.title}</h2>
<div class="first">
${lead === undefined ? nothing : await leadMarkup(lead, brief)}
<div><h3>${brief.title}</h3>
${plainTable(brief, true)}
</div>
</div>
${await figuresMarkup(others, 'f', { level: 3, isRead: lead?.small !== undefined })}
${
  folded.length === 0
    ? nothing
    : html`<details class="all"><summary>All figures</summary>
${folded.map(table => titledTable(table, 3))}
</details>`
}
</section>`;
}

/** The picture of the answer, which says what it shows. @param beside the table that stands beside it */
async function leadMarkup(figure: Figure, beside: Table): Promise<Markup> {
  const { small } = figure;
  const since = small?.link == null ? nothing : html`Changed with ${linkMarkup(small)}. `;
  return html`<figure>
<figcaption><h3>${figure.title}</h3></figcaption>
${await pictureMarkup(figure, 'f-lead', figure.title)}
<p class="note">${small === undefined ? figure.caption : html`${since}${small.howToRead}`}</p>
${
  figure.table === beside
    ? nothing
    : html`<details><summary>${figure.title}, as a table</summary>
${plainTable(figure.table)}
</details>`
}
</figure>`;
}

/** What the words mean that this page cannot do without. */
function wordList({ words }: Report): Markup {
  return words.length === 0 ? nothing : factList(words);
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
  return html`<nav class="top" aria-label="Parts of the report">${isFailure(report.answer) ? html`<b class="pill bad">FAIL</b> ` : nothing}<span class="over">${report.title}, ${formatDay(report.startedAt)}, run ${shortId(report.runId)}</span>
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
  return html`${question === '' ? nothing : html`<p class="lead">${question}</p>`}
<h1${isFailure(answer) ? html` class="failed"` : nothing}>${answer.verdict}</h1>
${limits === null ? nothing : plainTable(limits, true)}
${badgeList(answer)}
${clients === '' ? nothing : html`<p class="clients">${clients}</p>`}
<p class="remark">${answer.precision} ${answer.context}</p>
${remarks(answer.notes)}`;
}

/** Of one among several, whose verdict and badges are in the table at the top. */
function sectionAnswer({ clients = '', precision, context, notes }: Answer): Markup {
  return html`${clients === '' ? nothing : html`<p class="clients">${clients}</p>`}
${remarks([`${precision} ${context}`.trim(), ...notes].filter(text => text !== ''))}`;
}

const BADGE_CLASSES: Record<Tone, string> = { fail: 'bad', doubt: 'unsure', good: 'good', plain: 'plain' };

function badgeList(answer: Answer): Markup {
  const item = (badge: Badge): Markup =>
    html`<li class="pill ${BADGE_CLASSES[badge.tone]}${badge === answer.limitedBy ? ' limit' : ''}">${badge.text}</li>`;
  const badges = badgesOf(answer);
  return badges.length === 0 ? nothing : html`<ul class="badges">${badges.map(item)}</ul>`;
}

/** A row for each scenario, with a link to its section. On a phone rows are stacked, so figures take their heading along. */
function overviewMarkup({ rows, ticks, table }: Overview): Markup {
  const cells = (row: OverviewRow, index: number): Record<string, Markup> => ({
    cell: html`<a href="#c${index}">${row.name}</a>${row.answer.question === undefined ? nothing : html`<span class="question">${row.answer.question}</span>`}`,
    gain: row.bar === null ? nothing : barMarkup(row.bar, ticks),
    badges: badgeList(row.answer),
  });
  // It stands below the name.
  const shown = table.columns.filter(({ key }) => key !== 'question');
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${table.title}">
<table class="overview stacked">
<thead><tr>${shown.map(column => headCell({ ...column, align: 'left' }, column.key === 'gain' ? scaleMarkup(ticks) : nothing))}</tr></thead>
<tbody>
${rows.map((row, index) => {
  const drawn = cells(row, index);
  return html`<tr>${shown.map(column => {
    const { key, heading, unit, isKey } = column;
    const content = own(drawn, key) ?? html`${table.rows[index]![table.columns.indexOf(column)]!.text}`;
    const hasLabel = key === 'sides' || key === 'cost' || (key === 'gain' && row.bar !== null);
    const name = unit === undefined ? heading : `${heading}, ${unit}`;
    const label = hasLabel ? html` data-label="${name}: "` : nothing;
    const isFailed = key === 'verdict' && isFailure(row.answer);
    return isKey
      ? html`<th scope="row">${content}</th>`
      : html`<td class="words${isFailed ? ' failed' : ''}"${label}>${content}</td>`;
  })}</tr>`;
})}
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
function scaleMarkup(ticks: readonly Tick[]): Markup {
  if (ticks.length === 0) return nothing;
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
  const at = barX;
  const grid = ticks.filter(tick => tick.at !== one).map(tick => `M${at(tick.at)} 0v${height}`);
  const middle = height / 2;
  const [start, end] = [at(Math.min(one, value)), at(Math.max(one, value))];
  return html`<div class="bar"><svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" aria-hidden="true">
<path class="grid" d="${grid.join('')}"/>
<rect class="${value >= one ? 'gain' : 'loss'}" x="${start}" y="${middle - 5}" width="${Math.max(1, end - start)}" height="10"/>
<path class="ink" d="M${at(low)} ${middle}H${at(high)}${whiskerEnd(at(low), isLowCut ? 1 : 0)}${whiskerEnd(at(high), isHighCut ? -1 : 0)}"/>
<path class="one" d="M${at(one)} 1v${height - 2}"/>
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
  const folded: FoldedCell[] = [];
  for (const [index, cell] of part.cells.entries()) {
    const markup = await cellMarkup(cell, { id: `${of.id}-${index}`, hasSiblings: true });
    folded.push({ place: cell.sweep?.place ?? cell.name, verdict: cell.answer.verdict, markup });
  }
  return sweepMarkup(part.sweep, folded, { id: of.id, isAlone: !of.hasSiblings });
}

async function cellMarkup(cell: CellReport, of: { id: string; hasSiblings: boolean }): Promise<Markup> {
  const forest =
    cell.forest === null ? nothing : await pictureMarkup(cell.forest, `${of.id}-forest`, cell.forest.title);
  const parts: Markup[] = [];
  for (const section of cell.sections) parts.push(await sectionMarkup(section, of.id));
  return html`<section class="cell${of.hasSiblings ? '' : ' alone'}" id="${of.id}">
<h2>${cell.name}</h2>
${cell.sweep === null && of.hasSiblings ? html`<p class="lead">${cell.question}</p>` : nothing}
${of.hasSiblings ? sectionAnswer(cell.answer) : nothing}
${cell.state === 'unmeasured' ? nothing : firstMarkup(cell, forest)}
${cell.repeat === null ? nothing : repeatMarkup(cell.repeat)}
${parts}
${trustMarkup(cell, of.id)}
<h3 id="${of.id}-setup">Setup</h3>
${factList(cell.conditions)}
</section>`;
}

/** What is asked for first: the ratios drawn, beside the figures of each client. */
function firstMarkup(cell: CellReport, forest: Markup): Markup {
  return html`<div class="first">
${
  cell.forest === null
    ? nothing
    : html`<figure><figcaption><h3>${cell.forest.title}</h3></figcaption>
${forest}
<p class="note">${cell.forest.caption}</p></figure>`
}
<div><h3>${cell.brief.title}</h3>
${plainTable(cell.brief)}
</div>
<details class="all"><summary>All figures</summary>
${titledTable(cell.main)}
${cell.ratios === null ? nothing : titledTable(cell.ratios)}
${titledTable(cell.article)}
${cell.forest === null ? nothing : titledTable(cell.forest.table)}
</details>
${cell.apply === null ? nothing : applyMarkup(cell.apply)}
</div>`;
}

function applyMarkup({ title, text, note }: AppliedClient): Markup {
  return html`<details class="all"><summary>${title}</summary>
<pre><code>${trusted(escapedCode(text))}</code></pre>
<p class="note">${note}</p>
</details>`;
}

function repeatMarkup({ command, file }: Repetition): Markup {
  return html`<details><summary>Repeat it: the command${file === null ? '' : ', and the scenario as a file'}</summary>
<pre><code>${trusted(escapedCode(command))}</code></pre>
${
  file === null
    ? nothing
    : html`<p class="note">This scenario alone, from the file ${file.name}. ${file.note}</p>
<pre><code>${trusted(escapedCode(file.command))}</code></pre>
<pre data-file="${file.name}"><code>${trusted(escapedCode(file.text))}</code></pre>`
}
</details>`;
}

/** A part of a cell: pictures, then its tables. */
async function sectionMarkup(section: CellSection, cellId: string): Promise<Markup> {
  const id = `${cellId}-${section.name}`;
  const figures = await figuresMarkup(section.figures, id);
  const content = html`${remarks(section.notes)}
${figures}
${section.tables.map(table => titledTable(table))}`;
  return section.isFolded
    ? html`<details class="part" id="${id}"><summary><h3>${section.title}</h3></summary>\n${content}</details>`
    : html`<section class="part" id="${id}"><h3>${section.title}</h3>\n${content}</section>`;
}

/** Why to believe it or not: what was found, what failed, what limits it. */
function trustMarkup(cell: CellReport, cellId: string): Markup {
  return html`<section class="part" id="${cellId}-trust"><h3>Trust</h3>
<p>${cell.stop.text} ${cell.passed}</p>
${cell.failures === null ? nothing : titledTable(cell.failures)}
${cell.errors === null ? nothing : titledTable(cell.errors)}
${cell.trust === null ? nothing : titledTable(cell.trust)}
${cell.caveats.length === 0 ? nothing : html`<ul class="caveats">${cell.caveats.map(caveat => html`<li>${caveat}</li>`)}</ul>`}
<details><summary>Every audit, with its figures</summary>
${plainTable(cell.auditTable)}
</details>
</section>`;
}

/**
 * @param id unique in the page
 * @param isRead whether it is said above how to read small ones
 */
async function figuresMarkup(
  figures: readonly Figure[],
  id: string,
  { level = 4, isRead = false }: { level?: 3 | 4; isRead?: boolean } = {},
): Promise<Markup[]> {
  const drawn: Markup[] = [];
  const small: Markup[] = [];
  for (const [index, figure] of figures.entries()) {
    if (figure.small === undefined) drawn.push(await figureMarkup(figure, `${id}-${index}`, level));
    else small.push(await smallMarkup(figure, figure.small, `${id}-${index}`));
  }
  const [first] = figures.flatMap(figure => figure.small ?? []);
  if (first === undefined) return drawn;
  const howToRead = isRead ? nothing : html`<p class="note">${first.howToRead}</p>\n`;
  return [...drawn, html`${howToRead}<div class="multiples">\n${small}\n</div>`];
}

async function smallMarkup(figure: Figure, small: SmallFigure, id: string): Promise<Markup> {
  return html`<figure>
<figcaption>${headingOf(figure.title, 3)}<p>${small.note} ${linkMarkup(small)}</p></figcaption>
${await pictureMarkup(figure, id)}
<details><summary>As a table</summary>
${plainTable(figure.table)}
</details>
</figure>`;
}

/** What it is about, with a link where its address is known. */
function linkMarkup({ link }: SmallFigure): Markup {
  if (link === null) return nothing;
  return link.href === undefined ? html`${link.text}` : html`<a href="${link.href}">${link.text}</a>`;
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
