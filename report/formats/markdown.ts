// Format: Markdown as GitHub shows it, including tables.
import { visibleLine } from '../../results/visible.ts';
import {
  type Answer,
  askedOf,
  badgesOf,
  type CellReport,
  type Fact,
  type Figure,
  type Missing,
  type Report,
  type SweepReport,
  type Table,
  type TableCell,
} from '../model.ts';
import { formatHeading } from '../tables/table.ts';
import { type Format, partsOf, tablesOfClients } from './format.ts';

/** Escapes text for Markdown. Names in a stored run are untrusted: none may be read as markup or break its line. */
export function escapeMarkdown(text: string): string {
  return (
    visibleLine(text)
      .replace(/\s+/g, ' ')
      .replace(/[\\`*_[\]|~$]/g, String.raw`\$&`)
      // GitHub makes links of bare addresses, and a heading or a list of what begins like one.
      .replace(/:(?=\/\/)|(?<=www)\.|(?<=^\d+)[.)](?=\s)|^[#+-](?=[\s#])/gi, String.raw`\$&`)
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
  );
}

const format: Format = {
  name: 'markdown',
  fileName: 'report.md',
  render: report => `${blocksOf(report).join('\n\n')}\n`,
};
export default format;

function blocksOf(report: Report): string[] {
  const parts = partsOf(report);
  return [
    `# ${escapeMarkdown(report.title)}`,
    `**${escapeMarkdown(report.answer.verdict)}**`,
    ...(report.limits === null ? [] : [layOutTable(report.limits), ...noteBlocks(report.limits)]),
    ...answerBlocks(report.answer),
    ...(report.missing === null ? [] : [missingBlock(report.missing)]),
    ...(report.overview === null ? [] : [layOutTable(report.overview.table)]),
    escapeMarkdown(report.subtitle),
    ...report.tables.flatMap(tableBlocks),
    ...parts.flatMap(part =>
      part.kind === 'sweep'
        ? sweepBlocks(part.sweep, parts.length > 1)
        : cellBlocks(part.cell, parts.length > 1),
    ),
    '## Limitations',
    list(report.caveats),
    ...report.facts.flatMap(({ title, facts }) => [`## ${escapeMarkdown(title)}`, factList(facts)]),
    // Last, because they are long: a reader who truncates the text loses nothing else.
    ...(report.figures.length === 0 ? [] : ['## Figures', ...report.figures.map(figureBlock)]),
  ];
}

/** What stands below the verdict. */
function answerBlocks(answer: Answer): string[] {
  return [...answerLines(answer), list(answer.notes)].filter(block => block !== '');
}

/** A line each: what was asked of which clients, how precise the answer is, the badges. */
export function answerLines(answer: Answer): string[] {
  return [
    escapeMarkdown(askedOf(answer)),
    escapeMarkdown(`${answer.precision} ${answer.context}`.trim()),
    badgesOf(answer)
      .map(({ text, tone }) => (tone === 'fail' ? `**${escapeMarkdown(text)}**` : escapeMarkdown(text)))
      .join(' · '),
  ].filter(line => line !== '');
}

function missingBlock({ text, command }: Missing): string {
  return `${escapeMarkdown(text)} <code>${escapeMarkdown(command)}</code>`;
}

/** Its cells are rows of a table; the page and the JSON have them in full. */
function sweepBlocks(sweep: SweepReport, hasSiblings: boolean): string[] {
  return [
    `## ${escapeMarkdown(sweep.name)}`,
    ...(hasSiblings ? [`*${escapeMarkdown(sweep.question)}*`, ...sectionBlocks(sweep.answer)] : []),
    ...(sweep.caveats.length === 0 ? [] : [list(sweep.caveats)]),
    ...(sweep.expectations === null ? [] : tableBlocks(sweep.expectations)),
    ...sweep.measures.flatMap(({ table }) => tableBlocks(table)),
    ...sweep.special.flatMap(tableBlocks),
    ...tableBlocks(sweep.cellTable),
    '### Conditions of all points',
    factList(sweep.conditions),
  ];
}

/** Of one among several, whose verdict and badges are in the table above. */
function sectionBlocks({ clients = '', precision, context, notes }: Answer): string[] {
  return [escapeMarkdown(clients), escapeMarkdown(`${precision} ${context}`.trim()), list(notes)].filter(
    block => block !== '',
  );
}

function cellBlocks(cell: CellReport, hasSiblings: boolean): string[] {
  return [
    `## ${escapeMarkdown(cell.name)}`,
    ...(hasSiblings ? [`*${escapeMarkdown(cell.question)}*`, ...sectionBlocks(cell.answer)] : []),
    ...(cell.asides.length === 0 ? [] : [list(cell.asides)]),
    ...tablesOfClients(cell).flatMap(tableBlocks),
    ...cell.special.flatMap(tableBlocks),
    escapeMarkdown(cell.stop.text),
    ...(cell.caveats.length === 0 ? [] : [list(cell.caveats)]),
    ...(cell.errors === null ? [] : tableBlocks(cell.errors)),
    ...(cell.failures === null ? [] : tableBlocks(cell.failures)),
    `### ${escapeMarkdown(cell.auditTable.title)}`,
    escapeMarkdown(cell.auditSummary),
    layOutTable(cell.auditTable),
    '### Conditions',
    factList(cell.conditions),
    ...(cell.phases === null ? [] : tableBlocks(cell.phases)),
    '### Figures',
    ...cell.figures.map(figureBlock),
  ];
}

function tableBlocks(table: Table): string[] {
  return [`### ${escapeMarkdown(table.title)}`, layOutTable(table), ...noteBlocks(table)];
}

function noteBlocks({ notes }: Table): string[] {
  return notes.length === 0 ? [] : [list(notes)];
}

/** Folded, because a picture has many figures. */
function figureBlock({ title, caption, table }: Figure): string {
  return [
    `<details><summary>${escapeMarkdown(title)}</summary>`,
    escapeMarkdown(caption),
    layOutTable(table),
    ...noteBlocks(table),
    '</details>',
  ].join('\n\n');
}

export function layOutTable({ columns, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map(column => escapeMarkdown(formatHeading(column)))),
    line(columns.map(({ align }) => (align === 'right' ? '---:' : '---'))),
    ...rows.map(row => line(row.map(layOutCell))),
  ].join('\n');
}

function layOutCell({ text, href }: TableCell): string {
  return href === undefined ? escapeMarkdown(text) : `[${escapeMarkdown(text)}](${href})`;
}

export function list(items: readonly string[]): string {
  return items.map(item => `- ${escapeMarkdown(item)}`).join('\n');
}

export function factList(facts: readonly Fact[]): string {
  return facts.map(({ label, value }) => `- ${escapeMarkdown(label)}: ${escapeMarkdown(value)}`).join('\n');
}
