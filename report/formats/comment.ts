// Output: the result in a few lines of Markdown, for a comment on a pull request; the report has everything.
import type { CellReport, Report } from '../model.ts';
import type { Output } from './format.ts';
import { escapeMarkdown, factList, layOutTable, list } from './markdown.ts';

/** GitHub refuses a comment of more than 65,536 characters. */
const MOST_CHARS = 60_000;

/** By this line a workflow finds the comment of an earlier run, which it replaces. */
const MARKER = '<!-- conntax -->';

const output: Output = { name: 'comment', fileName: 'comment.md', render: ({ report }) => comment(report) };
export default output;

function comment(report: Report): string {
  const whole = layOut(report, report.cells.map(cellBlocks));
  if (whole.length <= MOST_CHARS) return whole;
  const brief = report.cells.map(cell => [
    `- ${escapeMarkdown(cell.name)}: ${escapeMarkdown(cell.headline)}`,
  ]);
  const shorter = layOut(report, brief);
  const isCut = shorter.length > MOST_CHARS;
  return isCut ? `${layOut(report, [])}\nThe report has the ${report.cells.length} cells.\n` : shorter;
}

function layOut({ verdict, headline, remarks, subtitle }: Report, cells: readonly string[][]): string {
  return `${[
    MARKER,
    `**${escapeMarkdown(verdict ?? headline)}**`,
    ...(verdict === null || verdict === headline ? [] : [escapeMarkdown(headline)]),
    ...(remarks.length === 0 ? [] : [list(remarks)]),
    ...cells.flat(),
    `<sub>${escapeMarkdown(subtitle)}</sub>`,
  ].join('\n\n')}\n`;
}

/** What was expected and measured; figures and conditions are folded. */
function cellBlocks(cell: CellReport): string[] {
  const expectations = cell.special.find(({ name }) => name === 'expectations');
  return [
    `### ${escapeMarkdown(cell.name)}`,
    escapeMarkdown(cell.question),
    ...(cell.state === 'sound' ? [] : [escapeMarkdown(cell.auditSummary)]),
    layOutTable(expectations ?? cell.ratios ?? cell.main),
    ...(cell.failures === null ? [] : [layOutTable(cell.failures)]),
    [
      '<details><summary>Figures and conditions</summary>',
      layOutTable(cell.main),
      ...(cell.ratios === null ? [] : [layOutTable(cell.ratios)]),
      escapeMarkdown(cell.stop.text),
      ...(cell.caveats.length === 0 ? [] : [list(cell.caveats)]),
      factList(cell.conditions),
      '</details>',
    ].join('\n\n'),
  ];
}
