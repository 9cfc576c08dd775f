// Format for a terminal: the headline first, then tables, failed audits and caveats, within the width of the screen.
import CliTable from 'cli-table3';
import picocolors from 'picocolors';
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';
import { visibleLine } from '../../results/visible.ts';
import {
  type Answer,
  type CellReport,
  type Column,
  isFailure,
  type Overview,
  type Report,
  type SweepReport,
  type Table,
  type TableCell,
  type Tone,
} from '../model.ts';
import { type Format, type FormatOptions, partsOf } from './format.ts';

const GAP = 2;

/**
 * Indices of the columns that fit into `width`, in as few parts as possible and of about the same width. Each part begins
 * with the key columns, which identify its rows.
 */
export function fittingColumns({ columns, rows }: Table, width: number): number[][] {
  const widths = columns.map(({ heading, unit }, index) =>
    Math.max(
      ...[heading, unit ?? '', ...rows.map(row => row[index]!.text)].map(text =>
        stringWidth(visibleLine(text)),
      ),
    ),
  );
  const indices = columns.map((_, index) => index);
  const keys = indices.filter(index => columns[index]!.isKey);
  const others = indices.filter(index => !columns[index]!.isKey);
  const keysWidth = keys.reduce((sum, index) => sum + widths[index]! + GAP, 0);
  const parts = (limit: number) => packed(others, widths, limit - keysWidth);
  const fewest = parts(width);
  let narrowest = width;
  while (narrowest > keysWidth && parts(narrowest - 1).length === fewest.length) narrowest--;
  return parts(narrowest).map(part => [...keys, ...part]);
}

/** In order, as many in each part as `limit` permits, but at least one. */
function packed(indices: readonly number[], widths: readonly number[], limit: number): number[][] {
  const parts: number[][] = [];
  let used = Number.POSITIVE_INFINITY;
  for (const index of indices) {
    const own = widths[index]!;
    if (used + GAP + own > limit) {
      parts.push([index]);
      used = own;
    } else {
      parts.at(-1)!.push(index);
      used += GAP + own;
    }
  }
  return parts;
}

/** A figure and its unit stay on one line. */
const UNIT_AFTER_FIGURE = /(?<=\d[†§≥]*) (?=(?:%|ms|µs|s)(?!\w))/g;
const NO_BREAK = '\u00a0';

/** Breaks between words. The first line begins with `bullet`, the others with blanks as wide. A longer word gets its own line. */
export function wrapped(text: string, width: number, bullet = ''): string[] {
  const indent = ' '.repeat(stringWidth(bullet));
  return wrapAnsi(visibleLine(text).replace(UNIT_AFTER_FIGURE, NO_BREAK), width - indent.length)
    .replaceAll(NO_BREAK, ' ')
    .split('\n')
    .map((line, index) => `${index === 0 ? bullet : indent}${line}`);
}

type Colours = ReturnType<typeof picocolors.createColors>;

interface Page {
  width: number;
  colours: Colours;
}

const LEAST_WIDTH = 60;
/** Wider lines are hard to read. */
const MOST_WIDTH = 160;

const format: Format = {
  name: 'terminal',
  render: (report, options) => blocksOf(report, pageOf(options)).join('\n\n'),
};
export default format;

function pageOf({ columns, hasColour }: FormatOptions): Page {
  return {
    width: Math.min(MOST_WIDTH, Math.max(LEAST_WIDTH, columns)),
    colours: picocolors.createColors(hasColour),
  };
}

function blocksOf(report: Report, page: Page): string[] {
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
    // Repeated, because the first one has scrolled away.
    layOutVerdict(report, page),
  ];
}

/** The answer, and what failed. */
function layOutVerdict({ answer, verdict }: Report, { width, colours }: Page): string {
  const lines = wrapped(answer.verdict, width).map(line => colours.bold(line));
  if (verdict === null || verdict === answer.precision)
    return lines.map(line => (isFailure(answer) ? colours.red(line) : line)).join('\n');
  return [...lines, ...wrapped(verdict, width)].map(line => colours.red(line)).join('\n');
}

/** What stands below the verdict. */
function layOutContext({ precision, context, badges, notes }: Answer, { width, colours }: Page): string {
  const paint = { fail: colours.red, doubt: colours.yellow, good: colours.green, plain: colours.dim };
  return [
    ...wrapped(`${precision} ${context}`.trim(), width),
    ...badges.flatMap(({ text, tone }) => wrapped(text, width, SIGNS[tone]).map(line => paint[tone](line))),
    ...notes.flatMap(note => wrapped(note, width)),
  ].join('\n');
}

/** Two lines for each scenario: its answer and the interval of that, what a connection costs and how far to trust it. */
function layOutOverview({ rows }: Overview, { width, colours }: Page): string {
  return rows
    .flatMap(({ name, answer, bar, cost }) => {
      const answered = [`${name}: ${answer.verdict}`, ...(bar === null ? [] : [bar.text])].join(', ');
      const trust = [
        ...(cost === null ? [] : [`CPU of a new connection: ${cost}`]),
        ...answer.badges.map(({ text }) => text),
      ];
      return [
        ...wrapped(answered, width).map(line => (isFailure(answer) ? colours.red(line) : line)),
        ...(trust.length === 0 ? [] : wrapped(trust.join('; '), width, '  ').map(line => colours.dim(line))),
      ];
    })
    .join('\n');
}

const SIGNS: Record<Tone, string> = { fail: '✗ ', doubt: '! ', good: '✓ ', plain: '· ' };

/** Of one among several, whose verdict and badges are in the table above. */
function layOutSection({ precision, context, notes }: Answer, { width }: Page): string[] {
  return [`${precision} ${context}`.trim(), ...notes].flatMap(text => wrapped(text, width));
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
    ...wrapped(sweep.question, width).map(line => colours.dim(line)),
    ...(hasSiblings ? layOutSection(sweep.answer, page) : []),
    ...(sweep.expectations === null ? [] : [layOutRows(sweep.expectations, page, line => line)]),
    ...sweep.measures.map(({ table }) => layOutTable(table, page)),
    ...sweep.special.filter(isNarrow).map(table => layOutTable(table, page)),
    layOutTable(sweep.cellTable, page),
    '',
    ...sweep.markNotes.flatMap(note => wrapped(note, width)).map(line => colours.red(line)),
    ...(sweep.caveats.length === 0 ? [] : [layOutList(sweep.caveats, page)]),
  ].join('\n');
}

function layOutCell(cell: CellReport, page: Page, hasSiblings: boolean): string {
  const { colours, width } = page;
  const doubts = cell.audits.filter(({ state }) => state !== 'pass');
  return [
    colours.bold(colours.cyan(visibleLine(cell.name))),
    ...wrapped(cell.question, width).map(line => colours.dim(line)),
    ...(hasSiblings ? layOutSection(cell.answer, page) : []),
    ...cell.asides.flatMap(aside => wrapped(aside, width)),
    layOutTable(cell.article, page),
    layOutTable(cell.main, page),
    ...(cell.ratios === null ? [] : [layOutTable(cell.ratios, page)]),
    ...cell.special.map(table => layOutTable(table, page)),
    ...(cell.errors === null ? [] : [layOutRows(cell.errors, page)]),
    ...(cell.failures === null ? [] : [layOutRows(cell.failures, page)]),
    '',
    ...cell.markNotes.flatMap(note => wrapped(note, width)).map(line => colours.red(line)),
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

/** Longer formats show the notes; what the marks mean is said once below. */
function layOutTable(table: Table, page: Page): string {
  const parts = fittingColumns(table, page.width).map(indices => layOutPart(table, indices, page));
  return ['', page.colours.bold(visibleLine(table.title)), parts.join('\n\n')].join('\n');
}

/** Messages may have any length, so their rows are written as sentences that wrap. */
function layOutRows(
  { title, columns, rows }: Table,
  { width, colours }: Page,
  paint: (line: string) => string = colours.red,
): string {
  const lines = rows.flatMap(row => {
    const parts = row.flatMap(({ text }, index) => {
      const { heading, isKey } = columns[index]!;
      return text === '' ? [] : [isKey ? text : `${heading}: ${text}`];
    });
    return wrapped(parts.join('; '), width, '- ').map(line => paint(line));
  });
  return ['', colours.bold(visibleLine(title)), ...lines].join('\n');
}

function layOutPart({ columns, rows }: Table, indices: readonly number[], { colours, width }: Page): string {
  const shown = indices.map(index => columns[index]!);
  const grid = new CliTable({
    head: shown.map(layOutHeading),
    colAligns: shown.map(({ align }) => align),
    chars: RULES,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    ...(shown.length < 2 ? { colWidths: [width], wordWrap: true } : {}),
  });
  grid.push(...rows.map(row => indices.map(index => paintedCell(row[index]!, columns[index]!, colours))));
  return grid
    .toString()
    .split('\n')
    .map(line => line.trimEnd())
    .join('\n');
}

/** The unit on a line of its own keeps columns of figures narrow. */
function layOutHeading({ heading, unit }: Column): string {
  return unit === undefined ? visibleLine(heading) : `${visibleLine(heading)}\n${visibleLine(unit)}`;
}

function paintedCell({ text, value, marks }: TableCell, { key }: Column, colours: Colours): string {
  const plain = visibleLine(text);
  if (marks.length > 0) return colours.red(plain);
  if (key !== 'verdict') return plain;
  if (value === 'better') return colours.green(plain);
  return value === 'worse' ? colours.red(plain) : colours.yellow(plain);
}

function layOutList(items: readonly string[], { width, colours }: Page): string {
  return items
    .flatMap(item => wrapped(item, width, '- '))
    .map(line => colours.dim(line))
    .join('\n');
}

/** Columns two blanks apart under one rule, so that lines can be copied. */
const RULES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '─',
  'mid-mid': '──',
  right: '',
  'right-mid': '',
  middle: '  ',
};
