// Format for a terminal: the answer within a screenful, or everything: tables, failed audits and caveats, within its width.
import { visibleLine } from '../../results/visible.ts';
import {
  type Answer,
  askedOf,
  type CellReport,
  type Report,
  type SweepReport,
  type Table,
} from '../model.ts';
import { type Format, partsOf, tablesOfClients } from './format.ts';
import { layOutBrief } from './terminal-brief.ts';
import {
  layOutAnswer,
  layOutAsked,
  layOutBadges,
  layOutLimits,
  layOutList,
  layOutMissing,
  layOutNext,
  layOutOverview,
  layOutRows,
  layOutTable,
  type Page,
  pageOf,
  wrapped,
} from './terminal-page.ts';

const format: Format = {
  name: 'terminal',
  render(report, options) {
    const page = pageOf(options);
    const { isBrief = false, next = [] } = options;
    return isBrief ? layOutBrief(report, page, next) : blocksOf(report, page, next).join('\n\n');
  },
};
export default format;

function blocksOf(report: Report, page: Page, next: readonly string[]): string[] {
  const parts = partsOf(report);
  const { overview } = report;
  const hasSiblings = parts.length > 1;
  return [
    layOutVerdict(report, page),
    layOutContext(report.answer, page),
    ...(overview === null ? [] : [layOutOverview(overview, page)]),
    ...report.tables.map(table => layOutTable(table, page)),
    ...parts.map(part =>
      part.kind === 'sweep'
        ? layOutSweep(part.sweep, page, hasSiblings)
        : layOutCell(part.cell, page, hasSiblings),
    ),
    layOutList(report.caveats, page),
    ...(report.missing === null ? [] : [layOutMissing(report.missing, page).join('\n')]),
    ...(next.length === 0 ? [] : [layOutNext(next, page).join('\n')]),
    // Repeated, because the first one has scrolled away.
    layOutVerdict(report, page),
  ];
}

/** The answer, and what failed. */
function layOutVerdict({ answer, limits }: Report, page: Page): string {
  if (limits === null) return layOutAnswer(answer, page).join('\n');
  return [
    ...layOutAnswer(answer, page),
    ...layOutLimits(limits, page),
    ...limits.notes.flatMap(note => wrapped(note, page.width)),
  ].join('\n');
}

/** What stands below the verdict. */
function layOutContext(answer: Answer, page: Page): string {
  return [
    ...layOutAsked(askedOf(answer), page),
    ...wrapped(`${answer.precision} ${answer.context}`.trim(), page.width),
    ...layOutBadges(answer, page),
    ...answer.notes.flatMap(note => wrapped(note, page.width)),
  ].join('\n');
}

/** Of one among several, whose verdict and badges are in the table above. */
function layOutSection({ clients = '', precision, context, notes }: Answer, { width }: Page): string[] {
  return [clients, `${precision} ${context}`.trim(), ...notes]
    .filter(text => text !== '')
    .flatMap(text => wrapped(text, width));
}

/** Two settings and a client leave no room for figures, so such a table is shown only in the page. */
function isNarrow({ columns }: Table): boolean {
  return columns.filter(({ isKey }) => isKey).length <= 2;
}

/** Its cells are rows of a table; the page shows them in full. */
function layOutSweep(sweep: SweepReport, page: Page, hasSiblings: boolean): string {
  const { colours, width } = page;
  return [
    colours.bold(colours.cyan(visibleLine(sweep.name))),
    ...(hasSiblings
      ? [
          ...wrapped(sweep.question, width).map(line => colours.dim(line)),
          ...layOutSection(sweep.answer, page),
        ]
      : []),
    ...(sweep.expectations === null ? [] : [layOutRows(sweep.expectations, page, line => line)]),
    ...sweep.measures.map(({ table }) => layOutTable(table, page)),
    ...sweep.special.filter(isNarrow).map(table => layOutTable(table, page)),
    layOutTable(sweep.cellTable, page),
    '',
    ...sweep.markNotes.flatMap(note => wrapped(note, width)).map(line => colours.yellow(line)),
    ...(sweep.caveats.length === 0 ? [] : [layOutList(sweep.caveats, page)]),
  ].join('\n');
}

function layOutCell(cell: CellReport, page: Page, hasSiblings: boolean): string {
  const { colours, width } = page;
  const doubts = cell.audits.filter(({ state }) => state !== 'pass');
  return [
    colours.bold(colours.cyan(visibleLine(cell.name))),
    ...(hasSiblings
      ? [...wrapped(cell.question, width).map(line => colours.dim(line)), ...layOutSection(cell.answer, page)]
      : []),
    ...cell.asides.flatMap(aside => wrapped(aside, width)),
    ...tablesOfClients(cell).map(table => layOutTable(table, page)),
    ...cell.special.map(table => layOutTable(table, page)),
    ...(cell.errors === null ? [] : [layOutRows(cell.errors, page)]),
    ...(cell.failures === null ? [] : [layOutRows(cell.failures, page)]),
    '',
    ...cell.markNotes.flatMap(note => wrapped(note, width)).map(line => colours.yellow(line)),
    ...wrapped(cell.stop.text, width),
    ...wrapped(cell.auditSummary, width).map(doubts.length === 0 ? colours.green : colours.yellow),
    ...doubts.flatMap(({ title, arm, state, brief }) => {
      const paint = state === 'fail' ? colours.red : colours.yellow;
      const sign = state === 'fail' ? '✗' : '!';
      const where = arm === null ? '' : ` (${arm})`;
      return wrapped(`${title}${where}: ${brief}`, width, `${sign} `).map(line => paint(line));
    }),
    ...(cell.caveats.length === 0 ? [] : [layOutList(cell.caveats, page)]),
  ].join('\n');
}
