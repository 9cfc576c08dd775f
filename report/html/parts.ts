// In: the parts of a report. Out: their markup: tables, lists of facts, charts.

import { own } from '../../scenarios/model/own.ts';
import { renderChart } from '../render-chart.ts';
import type { Column, Fact, Figure, Picture, Table, TableCell } from '../model.ts';
import { html, type Markup, nothing, trusted } from './markup.ts';

/** With more columns than that, every blank counts. */
const DENSE_COLUMNS = 10;

/** With a heading, and its notes below. */
export function titledTable(table: Table): Markup {
  return html`<h3>${table.title}</h3>\n${plainTable(table)}`;
}

/** A table too wide for the page scrolls within its own frame, by keyboard too. */
export function plainTable({ title, columns, rows, notes }: Table): Markup {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${title}">
<table${columns.length > DENSE_COLUMNS ? html` class="dense"` : nothing}>
<thead><tr>${columns.map(headCell)}</tr></thead>
<tbody>
${rows.map(row => html`<tr>${row.map((cell, index) => bodyCell(cell, columns[index]!))}</tr>`)}
</tbody>
</table>
</div>
${notes.length === 0 ? nothing : html`<ul class="notes">${notes.map(note => html`<li>${note}</li>`)}</ul>`}`;
}

function headCell({ heading, unit, align }: Column): Markup {
  const shownUnit = unit === undefined ? nothing : html` <span class="unit">${unit}</span>`;
  return html`<th scope="col"${align === 'right' ? html` class="figure"` : nothing}>${heading}${shownUnit}</th>`;
}

const LONG_TEXT = 40;

function bodyCell(cell: TableCell, { isKey, align, key }: Column): Markup {
  if (isKey) {
    return html`<th scope="row"${align === 'right' ? html` class="figure"` : nothing}>${cell.text}</th>`;
  }
  const tone = toneOf(cell, key);
  const classes = [
    align === 'right' ? 'figure' : cell.text.length > LONG_TEXT ? 'long' : 'words',
    cell.marks.includes('invalid') ? 'invalid' : '',
  ];
  const content =
    tone === undefined ? html`${cell.text}` : html`<span class="pill ${tone}">${cell.text}</span>`;
  return html`<td class="${classes.filter(name => name !== '').join(' ')}">${content}</td>`;
}

const TONES: Record<string, string> = {
  better: 'good',
  worse: 'bad',
  unsure: 'unsure',
  pass: 'good',
  warn: 'unsure',
  fail: 'bad',
};

/** Verdicts and outcomes are coloured; their words say the same. */
function toneOf({ value }: TableCell, key: string): string | undefined {
  return (key === 'verdict' || key === 'state') && typeof value === 'string' ? own(TONES, value) : undefined;
}

export function factList(facts: readonly Fact[]): Markup {
  return html`<dl>${facts.map(({ label, value }) => html`<dt>${label}</dt><dd>${value}</dd>`)}</dl>`;
}

/** Both widths are in the page; the style sheet shows the one that fits. `id` is unique within the page. */
export async function pictureMarkup({ title, caption, wide, narrow }: Picture, id: string): Promise<Markup> {
  const description = `${title}. ${caption}`;
  try {
    const [wideSvg, narrowSvg] = await Promise.all([
      renderChart(wide, { id: `${id}w`, description }),
      renderChart(narrow, { id: `${id}n`, description }),
    ]);
    return html`<div class="picture wide">${trusted(wideSvg)}</div>
<div class="picture narrow">${trusted(narrowSvg)}</div>`;
  } catch {
    // No figure of a run is lost for a picture of it: vega stumbles over names such as "constructor".
    return html`<p class="remark">This chart could not be drawn: its figures are in the table.</p>`;
  }
}

export async function figureMarkup(figure: Figure, id: string): Promise<Markup> {
  return html`<figure>
<figcaption><h3>${figure.title}</h3><p>${figure.caption}</p></figcaption>
${await pictureMarkup(figure, id)}
<details><summary>${figure.title}, as a table</summary>
${plainTable(figure.table)}
</details>
</figure>`;
}
