// In: the report of a sweep and the markup of its cells. Out: its section: pictures side by side, and the cells folded.
import type { SweepMeasure, SweepReport } from '../model.ts';
import { html, type Markup, nothing } from './markup.ts';
import { factList, pictureMarkup, plainTable, titledTable } from './parts.ts';

/** A cell, told in a line and shown when it is opened. */
export interface FoldedCell {
  place: string;
  headline: string;
  markup: Markup;
}

/** @param isAlone whether the page's own heading already tells the headline */
export async function sweepMarkup(
  sweep: SweepReport,
  cells: readonly FoldedCell[],
  of: { id: string; isAlone: boolean },
): Promise<Markup> {
  const measures: Markup[] = [];
  for (const [index, measure] of sweep.measures.entries()) {
    measures.push(await measureMarkup(measure, { id: `${of.id}-${measure.name}`, isOpen: index === 0 }));
  }
  return html`<section class="cell" id="${of.id}">
<h2>${sweep.name}</h2>
<p class="lead">${sweep.question}</p>
${of.isAlone ? nothing : html`<p class="answer">${sweep.headline}</p>\n${sweep.remarks.map(text => html`<p class="remark">${text}</p>`)}`}
${sweep.caveats.length === 0 ? nothing : html`<ul class="caveats">${sweep.caveats.map(caveat => html`<li>${caveat}</li>`)}</ul>`}
${sweep.expectations === null ? nothing : titledTable(sweep.expectations)}
<p class="note">${sweep.howToRead}</p>
${measures}
${sweep.special.map(titledTable)}
<h3>${sweep.cellTable.title}</h3>
${plainTable(sweep.cellTable)}
<h3>Conditions of all cells</h3>
${factList(sweep.conditions)}
<h3>The cells in full</h3>
${cells.map(foldedMarkup)}
</section>`;
}

/** The first measure's table is in the open, those of the others are folded; a table beside its only picture takes no room. */
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

function foldedMarkup({ place, headline, markup }: FoldedCell): Markup {
  return html`<details class="fold">
<summary><b>${place}</b> ${headline}</summary>
${markup}
</details>`;
}
