// Pieces of the HTML page: escaped markup, tables, lists, and pictures with their tables.
import { visibleLines } from '../../results/visible.ts';
import { own } from '../../scenarios/model/facts.ts';
import type { Column, Fact, Figure, Picture, Table, TableCell } from '../model.ts';
import { NO_FIGURE } from '../words/numbers.ts';
import { bindUnits } from './format.ts';

export interface Markup {
  readonly markup: string;
}

/** null and false are nothing. */
type Interpolated = string | number | Markup | readonly Markup[] | null | false;

/** Template tag: everything interpolated is escaped, also within quoted attributes; markup is inserted as it is. */
export function html(strings: TemplateStringsArray, ...values: readonly Interpolated[]): Markup {
  return trusted(strings.map((string, index) => `${string}${textOf(values[index] ?? null)}`).join(''));
}

/** Markup from elsewhere that is known to be safe, such as a rendered chart. */
export function trusted(markup: string): Markup {
  return { markup };
}

function textOf(value: Interpolated): string {
  if (value === null || value === false) return '';
  if (typeof value === 'number') return String(value);
  // A figure and its unit stay on one line.
  if (typeof value === 'string') return escapeText(bindUnits(value));
  if ('markup' in value) return value.markup;
  return value.map(({ markup }) => markup).join('\n');
}

/** Invisible characters are made visible. */
function escapeText(text: string): string {
  return visibleLines(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** What is copied or saved, so no blank may become another character. @param file under which it is saved */
export function codeBlock(text: string, file?: string): Markup {
  return html`<pre${file !== undefined && html` data-file="${file}"`}><code>${trusted(escapeText(text))}</code></pre>`;
}

function classed(...names: readonly (string | false)[]): Markup | false {
  const given = names.filter(name => name !== false);
  return given.length > 0 && html` class="${given.join(' ')}"`;
}

/** Tables with more columns are set more densely. */
const DENSE_COLUMNS = 10;

/** With a heading, and its notes below. @param level of the heading: one below that of the part it stands in */
export function titledTable(table: Table, level: 3 | 4 = 4): Markup {
  return html`${headingOf(table.title, level)}\n${plainTable(table)}`;
}

export function headingOf(title: string, level: 3 | 4): Markup {
  return level === 3 ? html`<h3>${title}</h3>` : html`<h4>${title}</h4>`;
}

/**
 * A table too wide for the page scrolls within its own frame, by keyboard too.
 *
 * @param isStacked whether a phone shows each row as lines below each other, so what is measured takes its heading along
 */
export function plainTable({ name, title, columns, rows, notes }: Table, isStacked = false): Markup {
  const classes = classed(
    isStacked && `${name} stacked`,
    !isStacked && columns.length > DENSE_COLUMNS && 'dense',
  );
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${title}">
<table${classes}>
<thead><tr>${columns.map(column => headCell(column))}</tr></thead>
<tbody>
${rows.map(row => html`<tr>${row.map((cell, index) => bodyCell(cell, columns[index]!, isStacked))}</tr>`)}
</tbody>
</table>
</div>
${listOf(notes, 'notes')}`;
}

/** A list whose look a class sets; nothing without any items. */
export function listOf(items: readonly string[], look: 'notes' | 'caveats'): Markup | false {
  return items.length > 0 && html`<ul class="${look}">${items.map(item => html`<li>${item}</li>`)}</ul>`;
}

/** Shown when it is opened. */
export function foldedTable(summary: string, table: Table, isOpen = false): Markup {
  return html`<details${isOpen && html` open`}><summary>${summary}</summary>
${plainTable(table)}
</details>`;
}

/** @param below stands below the heading */
export function headCell({ heading, unit, align }: Column, below: Markup | null = null): Markup {
  const shownUnit = unit !== undefined && html` <span class="unit">${unit}</span>`;
  return html`<th scope="col"${classed(align === 'right' && 'figure')}>${heading}${shownUnit}${below}</th>`;
}

const LONG_TEXT = 40;
/** A figure longer than this, such as replicates without an interval, may take several lines. */
const LONG_FIGURE = 24;

function bodyCell(cell: TableCell, { isKey, align, key, heading }: Column, isStacked: boolean): Markup {
  const isFigure = align === 'right';
  if (isKey)
    return html`<th scope="row"${classed(isFigure && 'figure')}>${inTone(cell, key, cell.text)}</th>`;
  // A figure may break only before its bounds.
  const text = isFigure ? cell.text.replaceAll(' to ', '\u00a0to\u00a0') : cell.text;
  const shown = cell.href === undefined ? inTone(cell, key, text) : html`<a href="${cell.href}">${text}</a>`;
  // Most are figures, so these have no class.
  const classes = classed(
    !isFigure && 'words',
    !isFigure && cell.text.length > LONG_TEXT && 'long',
    isFigure && cell.text.length > LONG_FIGURE && 'lines',
    cell.marks.includes('invalid') && 'invalid',
    isStacked && cell.text === NO_FIGURE && 'none',
  );
  const label = isStacked && key !== 'state' && html` data-label="${heading}: "`;
  return html`<td${classes}${label}>${shown}</td>`;
}

/** Verdicts and outcomes are coloured; their text says the same. */
function inTone({ value }: TableCell, key: string, text: string): Markup {
  const isOutcome = (key === 'verdict' || key === 'state') && typeof value === 'string';
  const tone = isOutcome ? own(TONES, value) : undefined;
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

/**
 * @param id unique in the page
 * @param isRead whether it is said above how to read small ones
 */
export async function figuresMarkup(
  figures: readonly Figure[],
  id: string,
  { level = 4, isRead = false }: { level?: 3 | 4; isRead?: boolean } = {},
): Promise<Markup[]> {
  const drawn: Markup[] = [];
  const small: Markup[] = [];
  for (const [index, figure] of figures.entries()) {
    if (figure.small === undefined) drawn.push(await figureMarkup(figure, `${id}-${index}`, level));
    else small.push(await smallMarkup(figure, `${id}-${index}`));
  }
  const first = figures.find(figure => figure.small !== undefined)?.small;
  if (first === undefined) return drawn;
  const howToRead = !isRead && html`<p class="note">${first.howToRead}</p>\n`;
  return [...drawn, html`${howToRead}<div class="multiples">\n${small}\n</div>`];
}

async function figureMarkup(figure: Figure, id: string, level: 3 | 4): Promise<Markup> {
  return html`<figure class="beside">
<figcaption>${headingOf(figure.title, level)}<p>${figure.caption}</p></figcaption>
${await pictureMarkup(figure, id, figure.title)}
${foldedTable(`${figure.title}, as a table`, figure.table, figure.hasOpenTable)}
</figure>`;
}

async function smallMarkup(figure: Figure, id: string): Promise<Markup> {
  return html`<figure>
<figcaption>${headingOf(figure.title, 3)}<p>${figure.small!.note} ${linkMarkup(figure)}</p></figcaption>
${await pictureMarkup(figure, id)}
${foldedTable('As a table', figure.table)}
</figure>`;
}

/** What a small picture is about, with a link where its address is known. */
export function linkMarkup({ small }: Figure): Markup | null {
  const link = small?.link ?? null;
  if (link?.href === undefined) return link && html`${link.text}`;
  return html`<a href="${link.href}">${link.text}</a>`;
}
