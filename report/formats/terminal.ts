// Format for a terminal: the answer, one table and the ratios as bars within a screenful, or everything, within its width.
import stringWidth from 'string-width';
import type { Interval } from '../../results/stats.ts';
import { visibleLine } from '../../results/visible.ts';
import { extentOf } from '../charts/theme.ts';
import {
  type Answer,
  askedOf,
  type CellReport,
  groundsOf,
  type Report,
  type SweepReport,
  type Table,
} from '../model.ts';
import { type Format, partsOf, tablesOfClients } from './format.ts';
import {
  firstColumns,
  layOutAnswer,
  layOutAsked,
  layOutBadges,
  layOutLimits,
  layOutList,
  layOutMessages,
  layOutMissing,
  layOutNext,
  layOutOverview,
  layOutPart,
  layOutSentences,
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
    layOutList(report.caveats, page).join('\n'),
    ...(report.missing === null ? [] : [layOutMissing(report.missing, page).join('\n')]),
    ...(next.length === 0 ? [] : [layOutNext(next, page).join('\n')]),
    // Repeated, because the first one has scrolled away.
    layOutVerdict(report, page),
  ];
}

/** The answer, and what failed. */
function layOutVerdict({ answer, limits }: Report, page: Page): string {
  const missed =
    limits === null
      ? []
      : [...layOutLimits(limits, page), ...limits.notes.flatMap(note => wrapped(note, page.width))];
  return [...layOutAnswer(answer, page), ...missed].join('\n');
}

/** What stands below the verdict. */
function layOutContext(answer: Answer, page: Page): string {
  return [
    ...layOutAsked(askedOf(answer), page),
    ...wrapped(groundsOf(answer), page.width),
    ...layOutBadges(answer, page),
    ...answer.notes.flatMap(note => wrapped(note, page.width)),
  ].join('\n');
}

/** The name; of one among several its answer too, but for the verdict and badges, which are in the table above. */
function layOutHead(
  { name, question, answer }: CellReport | SweepReport,
  { colours, width }: Page,
  hasSiblings: boolean,
): string[] {
  const { clients = '', notes } = answer;
  const texts = [clients, groundsOf(answer), ...notes].filter(text => text !== '');
  return [
    colours.bold(colours.cyan(visibleLine(name))),
    ...(hasSiblings
      ? [...wrapped(question, width, '', colours.dim), ...texts.flatMap(text => wrapped(text, width))]
      : []),
  ];
}

/** Two settings and a client leave no room for figures, so such a table is shown only in the page. */
function isNarrow({ columns }: Table): boolean {
  return columns.filter(({ isKey }) => isKey).length <= 2;
}

/** Its cells are rows of a table; the page shows them in full. */
function layOutSweep(sweep: SweepReport, page: Page, hasSiblings: boolean): string {
  const { colours, width } = page;
  return [
    ...layOutHead(sweep, page, hasSiblings),
    ...layOutMessages(sweep.expectations, page, String),
    ...sweep.measures.map(({ table }) => layOutTable(table, page)),
    ...sweep.special.filter(isNarrow).map(table => layOutTable(table, page)),
    layOutTable(sweep.cellTable, page),
    '',
    ...sweep.markNotes.flatMap(note => wrapped(note, width, '', colours.yellow)),
    ...layOutList(sweep.caveats, page),
  ].join('\n');
}

function layOutCell(cell: CellReport, page: Page, hasSiblings: boolean): string {
  const { colours, width } = page;
  const doubts = cell.audits.filter(({ state }) => state !== 'pass');
  return [
    ...layOutHead(cell, page, hasSiblings),
    ...cell.asides.flatMap(aside => wrapped(aside, width)),
    ...tablesOfClients(cell).map(table => layOutTable(table, page)),
    ...cell.special.map(table => layOutTable(table, page)),
    ...layOutMessages(cell.errors, page),
    ...layOutMessages(cell.failures, page),
    '',
    ...cell.markNotes.flatMap(note => wrapped(note, width, '', colours.yellow)),
    ...wrapped(cell.stop.text, width),
    ...wrapped(cell.auditSummary, width, '', doubts.length === 0 ? colours.green : colours.yellow),
    ...doubts.flatMap(({ title, arm, state, brief }) => {
      const [sign, paint] = state === 'fail' ? ['✗ ', colours.red] : ['! ', colours.yellow];
      const where = arm === null ? '' : ` (${arm})`;
      return wrapped(`${title}${where}: ${brief}`, width, sign, paint);
    }),
    ...layOutList(cell.caveats, page),
  ].join('\n');
}

/**
 * Lines of the report at 100 columns and more, unless MIN_CLIENTS below a long list of what to do next need more; the command
 * adds the path of the page.
 */
const MAX_LINES = 25;
/** Lines of what was asked, and of which clients. */
const MAX_ASKED = 2;
/** Left for remarks when a table is long. */
const REMARK_LINES = 3;
/** The same where remarks say since when something is a regression. */
const GATE_REMARK_LINES = 8;
/** Clients that the table shows whatever else there is to say: what was measured comes before remarks on it. */
const MIN_CLIENTS = 5;
/** What a row is about, and a figure. */
const MIN_COLUMNS = 3;
/** Limits and failed checks that are listed; of more, the number, which the badge has for limits. */
const MAX_FAILED = 3;

/**
 * What is shown is what there is room for, the most important first; the rest is a flag away.
 *
 * @param next what a reader may do next
 */
function layOutBrief(report: Report, page: Page, next: readonly string[]): string {
  const { answer, limits, missing } = report;
  const closing = [
    page.colours.dim('All tables: --verbose, or the page below.'),
    ...(missing === null ? [] : ['', ...layOutMissing(missing, page)]),
    ...(next.length === 0 ? [] : ['', ...layOutNext(next, page)]),
    '',
    ...layOutAnswer(answer, page),
  ];
  const top = [
    ...layOutAnswer(answer, page),
    ...(limits === null ? [] : layOutLimits({ ...limits, rows: limits.rows.slice(0, MAX_FAILED) }, page)),
    ...layOutAskedBriefly(answer, page),
    ...wrapped(groundsOf(answer), page.width),
    ...layOutBadges(answer, page),
  ];
  let room = MAX_LINES - top.length - closing.length;
  const take = (lines: readonly string[]): readonly string[] => {
    room -= lines.length;
    return lines;
  };
  const failed = take(layOutFailed(report, page));
  const wanted = layOutRemarks(answer.notes, page, Number.POSITIVE_INFINITY).length;
  const reserved =
    report.brief === null ? Math.min(REMARK_LINES, answer.notes.length) : Math.min(GATE_REMARK_LINES, wanted);
  const table = take(layOutFirst(report, page, Math.max(room - reserved, clientLines(report, page))));
  const remarks = take(layOutRemarks(answer.notes, page, room));
  const bars = take(layOutBars(report, page, room));
  const caveats = take(layOutRemarks([...report.scenarioCaveats, ...report.caveats], page, room));
  return [...top, ...failed, ...table, ...bars, ...remarks, ...caveats, ...closing].join('\n');
}

/** The question, and what the clients are where there is room for that. */
function layOutAskedBriefly(answer: Answer, page: Page): string[] {
  const asked = layOutAsked(askedOf(answer), page);
  return asked.length <= MAX_ASKED ? asked : layOutAsked(answer.question ?? '', page);
}

/** Lines of the table of clients with as many of them as are always shown; 0 where the table is about something else. */
function clientLines(report: Report, page: Page): number {
  const [part] = partsOf(report);
  if (report.brief !== null || report.overview !== null || part?.kind !== 'cell') return 0;
  const { rows } = part.cell.brief;
  const shown = { ...part.cell.brief, rows: rows.slice(0, MIN_CLIENTS) };
  const lines = layOutRows(shown, page, Number.POSITIVE_INFINITY).length;
  return rows.length > MIN_CLIENTS ? lines + 1 : lines;
}

/** What failed but for the limits, which are above; the table of a gate begins with it. */
function layOutFailed({ checks, answer, verdict }: Report, { width, colours }: Page): string[] {
  if (verdict === answer.precision) return [];
  const failed = checks.filter(({ state }) => state === 'broken');
  const more = failed.length - MAX_FAILED;
  return [
    ...failed
      .slice(0, MAX_FAILED)
      .flatMap(({ group, subject, detail }) => wrapped(`${group}: ${subject}: ${detail}`, width, '✗ ')),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ].map(line => colours.red(line));
}

/** The changes, the scenarios, the points of a sweep, or the clients. */
function layOutFirst(report: Report, page: Page, room: number): string[] {
  const { overview, brief } = report;
  if (brief !== null) return layOutRows(brief, page, room);
  if (overview !== null) {
    const rows = overview.rows.map(row => layOutOverview({ ...overview, rows: [row] }, page).split('\n'));
    return ['', ...cutTo(rows, room - 1, page)];
  }
  const [part] = partsOf(report);
  if (part === undefined) return [];
  if (part.kind === 'sweep') {
    const [measure] = part.sweep.measures;
    return measure === undefined ? [] : layOutRows(measure.table, page, room);
  }
  return part.cell.state === 'unmeasured' ? [] : layOutRows(part.cell.brief, page, room);
}

/** As many rows as there is room for: in the columns that fit, or as sentences where hardly any fit. */
function layOutRows(table: Table, page: Page, room: number): string[] {
  const columns = firstColumns(table, page.width);
  if (columns.length < Math.min(MIN_COLUMNS, table.columns.length))
    return ['', ...cutTo(layOutSentences(table, page), room - 1, page)];
  const lines = layOutPart(table, columns, page).split('\n');
  const rows = lines.splice(lines.length - table.rows.length).map(row => [row]);
  return ['', ...lines, ...cutTo(rows, room - 1 - lines.length, page)];
}

/** Entries in order while there is room, then how many more there are. */
function cutTo(entries: readonly (readonly string[])[], room: number, { colours }: Page): string[] {
  const whole = entries.flat();
  if (whole.length <= room) return whole;
  const shown: string[] = [];
  let count = 0;
  for (const entry of entries) {
    if (shown.length + entry.length > room - 1) break;
    shown.push(...entry);
    count++;
  }
  return count === 0 ? [] : [...shown, colours.dim(`… and ${entries.length - count} more`)];
}

/** Below an empty line, as far as there is room. */
function layOutRemarks(remarks: readonly string[], page: Page, room: number): string[] {
  if (remarks.length === 0 || room < 2) return [];
  const entries = remarks.map(remark => wrapped(remark, page.width, '- '));
  const shown = cutTo(entries, room - 1, page);
  return shown.length === 0 ? [] : ['', ...shown];
}

interface Ratio extends Interval {
  metric: string;
  arm: string;
  text: string;
}

/** Fewer characters show no difference. */
const MIN_BAR = 20;
const MAX_BAR = 48;
const MAX_BARS = 6;
const AT_ONE = '│';
/** The axis follows the values: a whisker is cut off beyond this factor of them. */
const WIDEST_WHISKER = 2;

/** How many times better each metric of one client is, or each client in the deciding metric; empty unless there is room for all. */
function layOutBars(report: Report, { width, colours }: Page, room: number): string[] {
  const [part] = partsOf(report);
  const forest = report.overview === null && part?.kind === 'cell' ? part.cell.forest : null;
  if (forest === null) return [];
  const ratios = ratiosOf(forest.table);
  const isOne = new Set(ratios.map(({ arm }) => arm)).size === 1;
  const shown = isOne ? ratios : ratios.filter(({ metric }) => metric === ratios[0]?.metric);
  const labels = shown.map(({ metric, arm }) => visibleLine(isOne ? metric : arm));
  const labelWidth = Math.max(0, ...labels.map(label => stringWidth(label)));
  const textWidth = Math.max(0, ...shown.map(({ text }) => stringWidth(text)));
  const barWidth = Math.min(MAX_BAR, width - labelWidth - textWidth - 4);
  if (shown.length === 0 || shown.length > MAX_BARS || barWidth < MIN_BAR || shown.length + 2 > room)
    return [];
  const draw = drawer(shown, barWidth);
  const of = isOne ? '' : `${shown[0]!.metric}, `;
  return [
    '',
    colours.bold(visibleLine(`${forest.title}: ${of}${headingOf(forest.table)} (${AT_ONE}: 1×)`)),
    ...shown.map((ratio, index) => {
      const pad = ' '.repeat(labelWidth - stringWidth(labels[index]!));
      return `${labels[index]}${pad}  ${draw(ratio)}  ${visibleLine(ratio.text)}`.trimEnd();
    }),
  ];
}

function headingOf({ columns }: Table): string {
  const gain = columns.find(({ key }) => key === 'gain');
  return [gain?.heading, gain?.unit].filter(word => word !== undefined).join(', ');
}

function ratiosOf({ columns, rows }: Table): Ratio[] {
  const at = (wanted: string): number => columns.findIndex(({ key }) => key === wanted);
  const [metric, arm, gain] = [at('metric'), at('arm'), at('gain')];
  return rows.flatMap(row => {
    const { text, value } = row[gain]!;
    const interval = value as unknown as Interval;
    return { metric: row[metric]!.text, arm: row[arm]!.text, text, ...interval };
  });
}

/** Draws a ratio on a logarithmic axis that all rows share: a line at 1, the interval, the value. */
function drawer(ratios: readonly Ratio[], width: number): (ratio: Ratio) => string {
  const extent = extentOf(ratios, { alsoShown: [1], widestBand: WIDEST_WHISKER });
  const span = Math.log(extent.high / extent.low) || 1;
  const place = (value: number): number =>
    Math.min(width - 1, Math.max(0, Math.round((Math.log(value / extent.low) / span) * (width - 1))));
  return ({ value, low, high }) => {
    const cells = Array.from({ length: width }, () => ' ').fill('─', place(low), place(high) + 1);
    cells[place(1)] = AT_ONE;
    cells[place(value)] = '●';
    return cells.join('');
  };
}
