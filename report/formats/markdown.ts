// Markdown as GitHub shows it: a report as a file, and the result in at most 15 lines for a comment on a pull request.
import { visibleLine } from '../../results/visible.ts';
import {
  type Answer,
  askedOf,
  badgesOf,
  type CellReport,
  type Fact,
  type Figure,
  groundsOf,
  isFailure,
  type Missing,
  type Report,
  type SweepReport,
  type Table,
  type TableCell,
} from '../model.ts';
import { formatHeading } from '../tables/table.ts';
import { type Format, partsOf, type SideFile, tablesOfClients } from './format.ts';

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
    ...bareTable(report.limits),
    ...answerLines(report.answer),
    ...listBlock(report.answer.notes),
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

/** A line each: what was asked of which clients, how precise the answer is, the badges. */
function answerLines(answer: Answer): string[] {
  return [
    escapeMarkdown(askedOf(answer)),
    escapeMarkdown(groundsOf(answer)),
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
    ...listBlock(sweep.caveats),
    ...tableBlocks(sweep.expectations),
    ...sweep.measures.flatMap(({ table }) => tableBlocks(table)),
    ...sweep.special.flatMap(tableBlocks),
    ...tableBlocks(sweep.cellTable),
    '### Conditions of all points',
    factList(sweep.conditions),
  ];
}

/** The answer of one scenario among several, whose verdict and badges are in the table above. */
function sectionBlocks(answer: Answer): string[] {
  const { clients = '', notes } = answer;
  const lines = [clients, groundsOf(answer)].filter(line => line !== '');
  return [...lines.map(escapeMarkdown), ...listBlock(notes)];
}

function cellBlocks(cell: CellReport, hasSiblings: boolean): string[] {
  return [
    `## ${escapeMarkdown(cell.name)}`,
    ...(hasSiblings ? [`*${escapeMarkdown(cell.question)}*`, ...sectionBlocks(cell.answer)] : []),
    ...listBlock(cell.asides),
    ...tablesOfClients(cell).flatMap(tableBlocks),
    ...cell.special.flatMap(tableBlocks),
    escapeMarkdown(cell.stop.text),
    ...listBlock(cell.caveats),
    ...tableBlocks(cell.errors),
    ...tableBlocks(cell.failures),
    `### ${escapeMarkdown(cell.auditTable.title)}`,
    escapeMarkdown(cell.auditSummary),
    layOutTable(cell.auditTable),
    '### Conditions',
    factList(cell.conditions),
    ...tableBlocks(cell.phases),
    '### Figures',
    ...cell.figures.map(figureBlock),
  ];
}

function tableBlocks(table: Table | null): string[] {
  return table === null ? [] : [`### ${escapeMarkdown(table.title)}`, ...bareTable(table)];
}

function bareTable(table: Table | null): string[] {
  return table === null ? [] : [layOutTable(table), ...listBlock(table.notes)];
}

/** Folded, because a picture has many figures. */
function figureBlock({ title, caption, table }: Figure): string {
  return [
    `<details><summary>${escapeMarkdown(title)}</summary>`,
    escapeMarkdown(caption),
    ...bareTable(table),
    '</details>',
  ].join('\n\n');
}

function layOutTable({ columns, rows }: Table): string {
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

function listBlock(items: readonly string[]): string[] {
  return items.length === 0 ? [] : [list(items)];
}

function list(items: readonly string[]): string {
  return items.map(item => `- ${escapeMarkdown(item)}`).join('\n');
}

function factList(facts: readonly Fact[]): string {
  return facts.map(({ label, value }) => `- ${escapeMarkdown(label)}: ${escapeMarkdown(value)}`).join('\n');
}

/** GitHub refuses a comment of more than 65,536 characters. */
const MAX_CHARS = 60_000;
/** Before anything is opened; the marker is another line, and the workflow adds one with the link to the report. */
const MAX_LINES = 13;
/** Failed checks that are listed; of more, the number. */
const MAX_LISTED = 3;

/** By this line a workflow finds the comment of an earlier run, which it replaces. */
const MARKER = '<!-- conntax -->';

/** The result in at most 15 lines, for a comment on a pull request; everything else is folded. */
export const commentOutput: SideFile = {
  name: 'comment',
  fileName: 'comment.md',
  render: ({ report }) => `${MARKER}\n\n${comment(report)}`,
};

/** The text without the marker. */
export function comment(report: Report): string {
  const whole = layOut(report, blocks => [
    ...blocks.cutTable,
    ...listBlock(report.answer.notes),
    ...report.cells.flatMap(commentBlocks),
  ]);
  if (whole.length <= MAX_CHARS) return whole;
  const verdicts = report.cells.map(
    ({ name, answer }) => `- ${escapeMarkdown(name)}: ${escapeMarkdown(answer.verdict)}`,
  );
  const shorter = layOut(report, () => [verdicts.join('\n')]);
  return shorter.length <= MAX_CHARS
    ? shorter
    : layOut(report, () => [`The report has the ${report.cells.length} cells.`]);
}

/** @param fold chooses what is shown once it is opened; `cutTable` is the table in full, where there was no room for all of it */
function layOut(report: Report, fold: (of: { cutTable: string[] }) => string[]): string {
  const { answer, subtitle, limits } = report;
  const table = tableOf(report);
  const failed = failedLines(report);
  const missed = limits === null ? [] : [layOutTable(firstRows(limits, MAX_LISTED - failed.length))];
  const above = [`**${escapeMarkdown(answer.verdict)}**`, ...missed, ...answerLines(answer)];
  const lines = above.join('\n').split('\n').length + failed.length;
  // What failed comes before what was measured.
  const room = Math.max(limits === null ? 1 : 0, MAX_LINES - lines - HEAD_LINES - CLOSING_LINES);
  const rows = table?.rows ?? [];
  const cut = Math.max(0, rows.length - room);
  return `${[
    ...above,
    ...(table === null || rows.length === 0 || room === 0 ? [] : [layOutTable(firstRows(table, room))]),
    ...(failed.length === 0 ? [] : [failed.join('\n')]),
    `<details><summary>${cut === 0 ? 'Figures' : `${cut} more rows, figures`} and conditions</summary>`,
    ...fold({ cutTable: table === null || cut === 0 ? [] : [layOutTable(table)] }),
    '</details>',
    `<sub>${escapeMarkdown(subtitle)}</sub>`,
  ].join('\n\n')}\n`;
}

/** At least one. */
function firstRows(table: Table, count: number): Table {
  return { ...table, rows: table.rows.slice(0, Math.max(1, count)) };
}

/** A table's headings and the line below them. */
const HEAD_LINES = 2;
/** The fold and the last line. */
const CLOSING_LINES = 2;

/** What was asked first: the scenarios, failed ones first; of a single one its limits, unless those that failed are above, else its figures. */
function tableOf(report: Report): Table | null {
  const { overview, brief } = report;
  if (brief !== null) return brief;
  if (overview !== null) {
    const rank = (index: number): number => (isFailure(overview.rows[index]!.answer) ? 0 : 1);
    const order = overview.rows.map((_, index) => index).toSorted((a, b) => rank(a) - rank(b));
    return { ...overview.table, rows: order.map(index => overview.table.rows[index]!) };
  }
  const [part] = partsOf(report);
  if (part === undefined) return null;
  const expectations = part.kind === 'sweep' ? part.sweep.expectations : expectationsOf(part.cell);
  if (report.limits === null && expectations != null) return expectations;
  return part.kind === 'sweep' ? (part.sweep.measures[0]?.table ?? null) : part.cell.brief;
}

function expectationsOf({ special }: CellReport): Table | undefined {
  return special.find(({ name }) => name === 'expectations');
}

/** The checks that failed, but for those that a table of limits shows already. */
function failedLines({ checks, limits }: Report): string[] {
  const failed = checks.filter(
    ({ state, isFigure }) => state === 'broken' || (state === 'fail' && !(isFigure && limits !== null)),
  );
  const more = failed.length - MAX_LISTED;
  return [
    ...failed
      .slice(0, MAX_LISTED)
      .map(({ group, subject, detail }) => `- ${escapeMarkdown(`${group}: ${subject}: ${detail}`)}`),
    ...(more > 0 ? [`- and ${more} more`] : []),
  ];
}

function commentBlocks(cell: CellReport): string[] {
  const expectations = expectationsOf(cell);
  return [
    `### ${escapeMarkdown(cell.name)}`,
    escapeMarkdown(cell.question),
    ...(cell.state === 'sound' ? [] : [escapeMarkdown(cell.auditSummary)]),
    ...(expectations === undefined ? [] : [layOutTable(expectations)]),
    ...(cell.failures === null ? [] : [layOutTable(cell.failures)]),
    ...tablesOfClients(cell)
      .filter(({ name }) => name !== cell.article.name)
      .map(layOutTable),
    escapeMarkdown(cell.stop.text),
    ...listBlock(cell.caveats),
    factList(cell.conditions),
  ];
}
