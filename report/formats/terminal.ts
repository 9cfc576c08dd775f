// In: a report. Out: what fits a terminal: headline first, then tables, doubts and caveats. Plain text without colour.
import CliTable from 'cli-table3';
import picocolors from 'picocolors';
import { visibleLine } from '../../results/visible.ts';
import type { CellReport, Column, Report, SweepReport, Table, TableCell } from '../model.ts';
import { type Format, type FormatOptions, partsOf } from './format.ts';

// From a table or a text, and a width. Out: which columns fit side by side, and lines that fit.

const GAP = 2;

/**
 * Indices of the columns that fit into `width`, in as few parts as it takes and of about the same width; each part begins
 * with the key columns, so that its rows can be told.
 */
export function fittingColumns({ columns, rows }: Table, width: number): number[][] {
  const widths = columns.map(({ heading, unit }, index) =>
    Math.max(
      ...[heading, unit ?? '', ...rows.map(row => row[index]!.text)].map(text => visibleLine(text).length),
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

/** In order, as many in each part as `limit` lets in, but at least one. */
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

/** Breaks between words; the lines after the first begin with `indent`. A longer word gets a line of its own. */
export function wrapped(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of visibleLine(text).split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = `${indent}${word}`;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

type Colours = ReturnType<typeof picocolors.createColors>;

interface Page {
  width: number;
  colours: Colours;
}

const LEAST_WIDTH = 60;
/** Wider lines are hard to follow with the eye. */
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
  const { verdict } = report;
  const verdictLines = verdict === null ? [] : [verdictText(verdict, page)];
  return [
    ...(verdict === report.headline ? [] : verdictLines),
    headlineText(report, page),
    ...report.tables.map(table => tableText(table, page)),
    ...parts.map(part =>
      part.kind === 'sweep'
        ? sweepText(part.sweep, page, parts.length > 1)
        : cellText(part.cell, page, parts.length > 1),
    ),
    listText(report.caveats, page),
    ...verdictLines, // what scrolled away is what it was all about
  ];
}

function verdictText(verdict: string, { width, colours }: Page): string {
  return wrapped(verdict, width)
    .map(line => colours.red(colours.bold(line)))
    .join('\n');
}

function headlineText(
  { headline, remarks }: Pick<Report, 'headline' | 'remarks'>,
  { width, colours }: Page,
): string {
  return [
    ...wrapped(headline, width).map(line => colours.bold(line)),
    ...remarks.flatMap(remark => wrapped(remark, width)),
  ].join('\n');
}

/** Two settings and an arm leave no room for figures beside them: such a table is left to the page. */
function isNarrow({ columns }: Table): boolean {
  return columns.filter(({ isKey }) => isKey).length <= 2;
}

/** Its cells are lines of a table: they stand in full in the page. */
function sweepText(sweep: SweepReport, page: Page, hasSiblings: boolean): string {
  const { colours, width } = page;
  return [
    colours.bold(colours.cyan(visibleLine(sweep.name))),
    ...wrapped(sweep.question, width).map(line => colours.dim(line)),
    ...(hasSiblings ? [headlineText(sweep, page)] : []),
    ...(sweep.expectations === null ? [] : [rowsText(sweep.expectations, page, line => line)]),
    ...sweep.measures.map(({ table }) => tableText(table, page)),
    ...sweep.special.filter(isNarrow).map(table => tableText(table, page)),
    tableText(sweep.cellTable, page),
    '',
    ...sweep.markNotes.flatMap(note => wrapped(note, width)).map(line => colours.red(line)),
    ...(sweep.caveats.length === 0 ? [] : [listText(sweep.caveats, page)]),
  ].join('\n');
}

function cellText(cell: CellReport, page: Page, hasSiblings: boolean): string {
  const { colours, width } = page;
  const doubts = cell.audits.filter(({ state }) => state !== 'pass');
  return [
    colours.bold(colours.cyan(visibleLine(cell.name))),
    ...wrapped(cell.question, width).map(line => colours.dim(line)),
    ...(hasSiblings ? [headlineText(cell, page)] : []),
    tableText(cell.article, page),
    tableText(cell.main, page),
    ...(cell.ratios === null ? [] : [tableText(cell.ratios, page)]),
    ...cell.special.map(table => tableText(table, page)),
    ...(cell.errors === null ? [] : [rowsText(cell.errors, page)]),
    ...(cell.failures === null ? [] : [rowsText(cell.failures, page)]),
    '',
    ...cell.markNotes.flatMap(note => wrapped(note, width)).map(line => colours.red(line)),
    ...wrapped(cell.stop.text, width),
    ...wrapped(cell.auditSummary, width).map(doubts.length === 0 ? colours.green : colours.yellow),
    ...doubts.flatMap(({ title, arm, state, brief }) => {
      const paint = state === 'fail' ? colours.red : colours.yellow;
      const sign = state === 'fail' ? '✗' : '!';
      const where = arm === null ? '' : ` (${arm})`;
      return wrapped(`${sign} ${title}${where}: ${brief}`, width, '  ').map(line => paint(line));
    }),
    ...(cell.caveats.length === 0 ? [] : [listText(cell.caveats, page)]),
  ].join('\n');
}

/** Notes are left to the longer formats, but for what a mark means: that is told once below. */
function tableText(table: Table, page: Page): string {
  const parts = fittingColumns(table, page.width).map(indices => partText(table, indices, page));
  return ['', page.colours.bold(visibleLine(table.title)), parts.join('\n\n')].join('\n');
}

/** Messages may be of any length, so their rows are sentences that wrap. */
function rowsText(
  { title, columns, rows }: Table,
  { width, colours }: Page,
  paint: (line: string) => string = colours.red,
): string {
  const lines = rows.flatMap(row => {
    const parts = row.flatMap(({ text }, index) => {
      const { heading, isKey } = columns[index]!;
      return text === '' ? [] : [isKey ? text : `${heading}: ${text}`];
    });
    return wrapped(`- ${parts.join('; ')}`, width, '  ').map(line => paint(line));
  });
  return ['', colours.bold(visibleLine(title)), ...lines].join('\n');
}

function partText({ columns, rows }: Table, indices: readonly number[], { colours, width }: Page): string {
  const shown = indices.map(index => columns[index]!);
  const grid = new CliTable({
    head: shown.map(headText),
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
function headText({ heading, unit }: Column): string {
  return unit === undefined ? visibleLine(heading) : `${visibleLine(heading)}\n${visibleLine(unit)}`;
}

function paintedCell({ text, value, marks }: TableCell, { key }: Column, colours: Colours): string {
  const plain = visibleLine(text);
  if (marks.length > 0) return colours.red(plain);
  if (key !== 'verdict') return plain;
  if (value === 'better') return colours.green(plain);
  return value === 'worse' ? colours.red(plain) : colours.yellow(plain);
}

function listText(items: readonly string[], { width, colours }: Page): string {
  return items
    .flatMap(item => wrapped(`- ${item}`, width, '  '))
    .map(line => colours.dim(line))
    .join('\n');
}

/** Columns two blanks apart under one rule: figures stand out, and lines can be copied. */
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
