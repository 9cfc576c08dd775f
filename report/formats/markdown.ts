// In: a report. Out: Markdown as GitHub shows it, tables and all.

import type { CellReport, Fact, Figure, Report, SweepReport, Table } from '../model.ts';
import { formatHeading } from '../tables/table.ts';
import { type Format, partsOf } from './format.ts';
import { markdownText as escaped } from './markdown-text.ts';

const format: Format = {
  name: 'markdown',
  fileName: 'report.md',
  render: report => `${blocksOf(report).join('\n\n')}\n`,
};
export default format;

function blocksOf(report: Report): string[] {
  const parts = partsOf(report);
  return [
    `# ${escaped(report.title)}`,
    ...(report.verdict === null || report.verdict === report.headline
      ? []
      : [`**${escaped(report.verdict)}**`]),
    `**${escaped(report.headline)}**`,
    ...(report.remarks.length === 0 ? [] : [list(report.remarks)]),
    escaped(report.subtitle),
    ...report.tables.flatMap(tableBlocks),
    ...parts.flatMap(part =>
      part.kind === 'sweep'
        ? sweepBlocks(part.sweep, parts.length > 1)
        : cellBlocks(part.cell, parts.length > 1),
    ),
    '## What limits these figures',
    list(report.caveats),
    ...report.facts.flatMap(({ title, facts }) => [`## ${escaped(title)}`, factList(facts)]),
    // Last, because they are long: whoever cuts the text loses nothing else.
    ...(report.figures.length === 0 ? [] : ['## Figures', ...report.figures.map(figureBlock)]),
  ];
}

/** Its cells in a table of their own: they stand in full in the page and in the JSON. */
function sweepBlocks(sweep: SweepReport, hasSiblings: boolean): string[] {
  return [
    `## ${escaped(sweep.name)}`,
    `*${escaped(sweep.question)}*`,
    ...(hasSiblings
      ? [escaped(sweep.headline), ...(sweep.remarks.length === 0 ? [] : [list(sweep.remarks)])]
      : []),
    ...(sweep.caveats.length === 0 ? [] : [list(sweep.caveats)]),
    ...(sweep.expectations === null ? [] : tableBlocks(sweep.expectations)),
    ...sweep.measures.flatMap(({ table }) => tableBlocks(table)),
    ...sweep.special.flatMap(tableBlocks),
    ...tableBlocks(sweep.cellTable),
    '### Conditions of all cells',
    factList(sweep.conditions),
  ];
}

function cellBlocks(cell: CellReport, hasSiblings: boolean): string[] {
  return [
    `## ${escaped(cell.name)}`,
    `*${escaped(cell.question)}*`,
    ...(hasSiblings
      ? [escaped(cell.headline), ...(cell.remarks.length === 0 ? [] : [list(cell.remarks)])]
      : []),
    ...tableBlocks(cell.article),
    ...tableBlocks(cell.main),
    ...(cell.ratios === null ? [] : tableBlocks(cell.ratios)),
    ...cell.special.flatMap(tableBlocks),
    escaped(cell.stop.text),
    ...(cell.caveats.length === 0 ? [] : [list(cell.caveats)]),
    ...(cell.errors === null ? [] : tableBlocks(cell.errors)),
    ...(cell.failures === null ? [] : tableBlocks(cell.failures)),
    `### ${escaped(cell.auditTable.title)}`,
    escaped(cell.auditSummary),
    tableText(cell.auditTable),
    '### Conditions',
    factList(cell.conditions),
    ...(cell.phases === null ? [] : tableBlocks(cell.phases)),
    '### Figures',
    ...cell.figures.map(figureBlock),
  ];
}

function tableBlocks(table: Table): string[] {
  return [
    `### ${escaped(table.title)}`,
    tableText(table),
    ...(table.notes.length === 0 ? [] : [list(table.notes)]),
  ];
}

/** Folded: a picture's figures are many. */
function figureBlock({ title, caption, table }: Figure): string {
  return [
    `<details><summary>${escaped(title)}</summary>`,
    escaped(caption),
    tableText(table),
    ...(table.notes.length === 0 ? [] : [list(table.notes)]),
    '</details>',
  ].join('\n\n');
}

function tableText({ columns, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map(column => escaped(formatHeading(column)))),
    line(columns.map(({ align }) => (align === 'right' ? '---:' : '---'))),
    ...rows.map(row => line(row.map(({ text }) => escaped(text)))),
  ].join('\n');
}

function list(items: readonly string[]): string {
  return items.map(item => `- ${escaped(item)}`).join('\n');
}

function factList(facts: readonly Fact[]): string {
  return facts.map(({ label, value }) => `- ${escaped(label)}: ${escaped(value)}`).join('\n');
}
