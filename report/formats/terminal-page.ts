// What the short and the full report in a terminal share: width, colours, wrapping, tables, and how the answers are laid out.
import CliTable from 'cli-table3';
import picocolors from 'picocolors';
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';
import { visibleLine } from '../../results/visible.ts';
import { own } from '../../scenarios/model/facts.ts';
import {
  type Answer,
  badgesOf,
  type Column,
  isFailure,
  type Missing,
  type Overview,
  type Table,
  type TableCell,
  type Tone,
} from '../model.ts';
import { formatHeading } from '../tables/table.ts';
import { bindUnits, type FormatOptions, NO_BREAK } from './format.ts';

const GAP = 2;

/**
 * Indices of the columns that fit into `width`, in as few parts as possible and of about the same width. Each part begins
 * with the key columns, which identify its rows, unless another column stands before them.
 */
function fittingColumns(table: Table, width: number): number[][] {
  const { columns } = table;
  const widths = columnWidths(table);
  const indices = columns.map((_, index) => index);
  const keys = indices.filter(index => columns[index]!.isKey);
  const others = indices.filter(index => !columns[index]!.isKey);
  const keysWidth = keys.reduce((sum, index) => sum + widths[index]! + GAP, 0);
  const parts = (limit: number) => packed(others, widths, limit - keysWidth);
  const fewest = parts(width);
  let narrowest = width;
  while (narrowest > keysWidth && parts(narrowest - 1).length === fewest.length) narrowest--;
  return parts(narrowest).map(part => [...keys, ...part].sort((a, b) => a - b));
}

/** Indices of the first columns, as many as fit into `width`. */
export function firstColumns(table: Table, width: number): number[] {
  const widths = columnWidths(table);
  let used = -GAP;
  const count = widths.findIndex(own => {
    used += GAP + own;
    return used > width;
  });
  return [...widths.keys()].slice(0, count === -1 ? widths.length : count);
}

function columnWidths({ columns, rows }: Table): number[] {
  return columns.map(({ heading, unit }, index) =>
    Math.max(
      ...[heading, unit ?? '', ...rows.map(row => row[index]!.text)].map(text =>
        stringWidth(visibleLine(text)),
      ),
    ),
  );
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

type Paint = (line: string) => string;

/** Breaks between words. The first line begins with `bullet`, the others with blanks as wide. A longer word gets its own line. */
export function wrapped(text: string, width: number, bullet = '', paint: Paint = String): string[] {
  const indent = ' '.repeat(stringWidth(bullet));
  return wrapAnsi(bindUnits(visibleLine(text)), width - indent.length)
    .replaceAll(NO_BREAK, ' ')
    .split('\n')
    .map((line, index) => paint(`${index === 0 ? bullet : indent}${line}`));
}

type Colours = ReturnType<typeof picocolors.createColors>;

export interface Page {
  width: number;
  colours: Colours;
}

const MIN_WIDTH = 60;
/** Wider lines are hard to read. */
const MAX_WIDTH = 160;

export function pageOf({ columns, hasColour }: FormatOptions): Page {
  return {
    width: Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, columns)),
    colours: picocolors.createColors(hasColour),
  };
}

/** The verdict in bold, a failure in red. */
export function layOutAnswer(answer: Answer, { width, colours }: Page): string[] {
  const { bold, red } = colours;
  return wrapped(answer.verdict, width, '', isFailure(answer) ? line => red(bold(line)) : bold);
}

const SIGN_WIDTH = 2;
const SIGNS: Record<Tone, string> = { fail: '✗ ', doubt: '! ', good: '✓ ', plain: '· ' };

const paints = (colours: Colours): Record<Tone, Paint> => ({
  fail: colours.red,
  doubt: colours.yellow,
  good: colours.green,
  plain: colours.dim,
});

/** What was asked, and what the clients are. */
export function layOutAsked(asked: string, { width, colours }: Page): string[] {
  return asked === '' ? [] : wrapped(asked, width, '', colours.dim);
}

/** As many on a line as fit. */
export function layOutBadges(answer: Answer, { width, colours }: Page): string[] {
  const paint = paints(colours);
  const lines: { text: string; painted: string }[] = [];
  for (const { text, tone } of badgesOf(answer)) {
    const last = lines.at(-1);
    const badge = `${SIGNS[tone]}${visibleLine(text)}`;
    if (last !== undefined && stringWidth(`${last.text}${BETWEEN}${badge}`) <= width) {
      last.text += `${BETWEEN}${badge}`;
      last.painted += `${BETWEEN}${paint[tone](badge)}`;
    } else {
      for (const line of wrapped(text, width, SIGNS[tone]))
        lines.push({ text: line, painted: paint[tone](line) });
    }
  }
  return lines.map(({ painted }) => painted);
}

const BETWEEN = '   ';

/** Two lines for each scenario: its answer and the interval of that, what a connection costs and how far to trust it. */
export function layOutOverview({ rows }: Overview, { width, colours }: Page): string {
  return rows
    .flatMap(({ name, answer, bar, sides, cost }) => {
      // A failed limit may be of another metric than the ratio.
      const ratio = bar === null ? [] : [isFailure(answer) ? bar.named : bar.text];
      const answered = [`${name}: ${answer.verdict}`, ...ratio].join(', ');
      const trust = [
        ...(cost === null ? [] : [`CPU of a new connection: ${cost}`]),
        ...badgesOf(answer).map(({ text }) => text),
      ];
      return [
        ...wrapped(answered, width, '', isFailure(answer) ? colours.red : String),
        ...(sides === null ? [] : wrapped(sides, width, '  ')),
        ...(trust.length === 0 ? [] : wrapped(trust.join('; '), width, '  ', colours.dim)),
      ];
    })
    .join('\n');
}

/** Longer formats show the notes; what the marks mean is said once below. */
export function layOutTable(table: Table, page: Page): string {
  const parts = fittingColumns(table, page.width).map(indices => layOutPart(table, indices, page));
  const body = parts.some(part => isTooWide(part, page))
    ? layOutSentences(table, page).flat().join('\n')
    : parts.join('\n\n');
  return ['', page.colours.bold(visibleLine(table.title)), body].join('\n');
}

/** Where not even two columns fit, rows are better read as sentences. */
function isTooWide(part: string, { width }: Page): boolean {
  return part.split('\n').some(line => stringWidth(line) > width);
}

/** The limits below the verdict, by a sign each in place of the outcome: lines under one of headings, or sentences where that is too wide. */
export function layOutLimits({ columns, rows }: Table, { width, colours }: Page): string[] {
  const state = columns.findIndex(({ key }) => key === 'state');
  const shown = columns.filter((_, index) => index !== state);
  const texts = rows.map(row =>
    row.filter((_, index) => index !== state).map(({ text }) => visibleLine(text)),
  );
  const tones = rows.map(row => (row[state]!.value === 'fail' ? 'fail' : 'doubt'));
  const lines = linesUnder(shown.map(formatHeading), texts, shown);
  const narrow = linesUnder(
    shown.map(({ heading }) => heading),
    texts,
    shown,
  );
  const fitting = [lines, narrow].find(each => each.every(line => stringWidth(line) + SIGN_WIDTH <= width));
  const paint = (row: number): Paint => paints(colours)[tones[row]!];
  if (fitting !== undefined) {
    const [head = '', ...below] = fitting;
    return [
      colours.dim(`${' '.repeat(SIGN_WIDTH)}${head}`),
      ...below.map((line, row) => paint(row)(`${SIGNS[tones[row]!]}${line}`)),
    ];
  }
  return texts.flatMap((row, index) => {
    const parts = row.map((text, column) =>
      shown[column]!.isKey ? text : `${shown[column]!.heading} ${text}`,
    );
    return wrapped(parts.join('; '), width, SIGNS[tones[index]!], paint(index));
  });
}

/** Rows in columns below their headings. */
function linesUnder(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  columns: readonly Column[],
): string[] {
  const all = [heads.map(visibleLine), ...rows];
  const widths = columns.map((_, column) => Math.max(...all.map(row => stringWidth(row[column]!))));
  return all.map(row =>
    row
      .map((text, column) => padded(text, widths[column]!, columns[column]!))
      .join(' '.repeat(GAP))
      .trimEnd(),
  );
}

function padded(text: string, width: number, { align }: Column): string {
  const blanks = ' '.repeat(width - stringWidth(text));
  return align === 'right' ? `${blanks}${text}` : `${text}${blanks}`;
}

/** Messages may have any length, so their rows are written as sentences that wrap. */
export function layOutMessages(table: Table | null, page: Page, paint = page.colours.red): string[] {
  if (table === null) return [];
  const lines = layOutSentences(table, page).flat().map(paint);
  return ['', page.colours.bold(visibleLine(table.title)), ...lines];
}

/** The lines of each row. */
export function layOutSentences({ columns, rows }: Table, { width }: Page): string[][] {
  return rows.map(row => {
    const parts = row.flatMap(({ text }, index) => {
      const { heading, isKey } = columns[index]!;
      return text === '' ? [] : [isKey ? text : `${heading}: ${text}`];
    });
    return wrapped(parts.join('; '), width, '- ');
  });
}

export function layOutPart(
  { columns, rows }: Table,
  indices: readonly number[],
  { colours, width }: Page,
): string {
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
  if (marks.length > 0) return marks.includes('invalid') ? colours.red(plain) : colours.yellow(plain);
  const colour = key === 'verdict' || key === 'state' ? own(OUTCOME_COLOURS, String(value)) : undefined;
  return colour === undefined ? plain : colours[colour](plain);
}

const OUTCOME_COLOURS: Readonly<Record<string, 'green' | 'red' | 'yellow'>> = {
  better: 'green',
  improvement: 'green',
  worse: 'yellow',
  regression: 'red',
  fail: 'red',
  unsure: 'yellow',
};

/** What to do next, below its heading. */
export function layOutNext(next: readonly string[], { width }: Page): string[] {
  return ['Next:', ...next.flatMap(sentence => wrapped(sentence, width, '- '))];
}

/** The command that measures what is missing, so that it can be copied: a line that is broken goes on for a shell, a quoted word is not broken. */
export function layOutMissing({ text, command }: Missing, { width, colours }: Page): string[] {
  const lines = command.includes("'")
    ? [`  ${visibleLine(command)}`]
    : wrapped(command, width - SHELL_GOES_ON.length, '  ');
  return [
    ...wrapped(text, width),
    ...lines.map((line, index) => colours.cyan(`${line}${index < lines.length - 1 ? SHELL_GOES_ON : ''}`)),
  ];
}

const SHELL_GOES_ON = ' \\';

export function layOutList(items: readonly string[], { width, colours }: Page): string[] {
  return items.flatMap(item => wrapped(item, width, '- ', colours.dim));
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
