// Output: the result in at most 15 lines of Markdown, for a comment on a pull request; everything else is folded.
import { type CellReport, isFailure, type Report, type Table } from '../model.ts';
import { type Output, partsOf, tablesOfClients } from './format.ts';
import { answerLines, escapeMarkdown, factList, layOutTable, list } from './markdown.ts';

/** GitHub refuses a comment of more than 65,536 characters. */
const MOST_CHARS = 60_000;
/** Before anything is opened; the marker is another line, and the workflow adds one with the link to the report. */
const MOST_LINES = 13;
/** Failed checks that are listed; of more, the number. */
const MOST_LISTED = 3;

/** By this line a workflow finds the comment of an earlier run, which it replaces. */
const MARKER = '<!-- conntax -->';

const output: Output = {
  name: 'comment',
  fileName: 'comment.md',
  render: ({ report }) => `${MARKER}\n\n${comment(report)}`,
};
export default output;

/** The text without the marker. */
export function comment(report: Report): string {
  const whole = layOut(report, blocks => [
    ...blocks.cutTable,
    ...(report.answer.notes.length === 0 ? [] : [list(report.answer.notes)]),
    ...report.cells.flatMap(cellBlocks),
  ]);
  if (whole.length <= MOST_CHARS) return whole;
  const verdicts = report.cells.map(
    ({ name, answer }) => `- ${escapeMarkdown(name)}: ${escapeMarkdown(answer.verdict)}`,
  );
  const shorter = layOut(report, () => [verdicts.join('\n')]);
  return shorter.length <= MOST_CHARS
    ? shorter
    : layOut(report, () => [`The report has the ${report.cells.length} cells.`]);
}

/** @param fold chooses what is shown once it is opened; `cutTable` is the table in full, where there was no room for all of it */
function layOut(report: Report, fold: (of: { cutTable: string[] }) => string[]): string {
  const { answer, subtitle, limits } = report;
  const table = tableOf(report);
  const failed = failedLines(report);
  const missed = limits === null ? [] : [layOutTable(firstRows(limits, MOST_LISTED - failed.length))];
  const above = [`**${escapeMarkdown(answer.verdict)}**`, ...missed, ...answerLines(answer)];
  const lines = above.join('\n').split('\n').length + failed.length;
  // What failed comes before what was measured.
  const room = Math.max(limits === null ? 1 : 0, MOST_LINES - lines - HEAD_LINES - CLOSING_LINES);
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

/** Of a table: its headings and the line below them. */
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
  const more = failed.length - MOST_LISTED;
  return [
    ...failed
      .slice(0, MOST_LISTED)
      .map(({ group, subject, detail }) => `- ${escapeMarkdown(`${group}: ${subject}: ${detail}`)}`),
    ...(more > 0 ? [`- and ${more} more`] : []),
  ];
}

function cellBlocks(cell: CellReport): string[] {
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
    ...(cell.caveats.length === 0 ? [] : [list(cell.caveats)]),
    factList(cell.conditions),
  ];
}
