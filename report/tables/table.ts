// Builds tables: columns that read rows, cells of words and figures, and the notes below.
import { METRIC_TABLE } from '../../results/metrics.ts';
import type { Metric } from '../../results/model/run.ts';
import { INTERVAL_NAME, type Interval } from '../../results/stats.ts';
import type { ExpectedMetric } from '../../scenarios/model/scenario.ts';
import { type ArmView, onlyInvalid } from '../cell-view.ts';
import type { Column, JsonValue, Mark, Table, TableCell } from '../model.ts';
import { MARK_NOTES, signsOf } from '../words/marks.ts';
import {
  formatCount,
  formatMs,
  formatPercent,
  formatSignificant,
  formatValues,
  NO_FIGURE,
  roundInterval,
  withoutBounds,
} from '../words/numbers.ts';
import { compact } from '../words/text.ts';

/** A cell of text, which is never marked. */
export function words(text: string, value: JsonValue = text): TableCell {
  return { text, value, marks: [] };
}

/** Text that leads to an address, if there is one. */
export function linked(text: string, href: string | undefined, value: JsonValue = text): TableCell {
  return { ...words(text, value), ...(href === undefined ? {} : { href }) };
}

/** A figure followed by its marks. */
export function figure(text: string, value: JsonValue, marks: readonly Mark[] = []): TableCell {
  return { text: `${text}${signsOf(marks)}`, value, marks };
}

export const nothing: TableCell = { text: NO_FIGURE, value: null, marks: [] };

type FigureCell = (value: number | null | undefined, marks?: readonly Mark[]) => TableCell;

/**
 * Makes cells of figures in the words of a format; nothing where a figure is not known.
 *
 * @param perUnit how many of the units that `format` takes make one of the column's
 */
export function cellsIn(format: (value: number) => string, perUnit = 1): FigureCell {
  return (value, marks = []) => (value == null ? nothing : figure(format(value), value / perUnit, marks));
}

export const countCell = cellsIn(formatCount);
export const shareCell = cellsIn(formatPercent);
/** To three digits. */
export const figureCell = cellsIn(formatSignificant);
/** Shows microseconds in milliseconds. */
export const timeCell = cellsIn(formatMs, 1_000);

/** The value of an interval, to the digits that it supports. */
export function valueCell(interval: Interval | null, marks: readonly Mark[] = []): TableCell {
  return interval === null ? nothing : figure(roundInterval(interval).value, interval.value, marks);
}

/** With the value of an interval alone. */
export function withoutInterval(cell: TableCell): TableCell {
  return { ...cell, text: withoutBounds(cell.text) };
}

/** `0.2, 0.4, 1 not in time`: by replicate, null in those in which it did not happen. */
export function timesCell(
  times: readonly (number | null)[],
  format: (sec: number) => string,
  marks: readonly Mark[],
): TableCell {
  const known = times.filter(time => time !== null);
  const missing = times.length - known.length;
  const parts = [
    known.length > 0 && formatValues(known, '', format),
    missing > 0 && (known.length > 0 ? `${missing} not in time` : 'not in time'),
  ];
  return figure(compact(parts).join(', '), times, marks);
}

export function keyColumn(key: string, heading: string): Column {
  return { key, heading, align: 'left', isKey: true };
}

export function wordColumn(key: string, heading: string): Column {
  return { key, heading, align: 'left', isKey: false };
}

export function figureColumn(key: string, heading: string, unit?: string): Column {
  return { key, heading, align: 'right', isKey: false, ...(unit === undefined ? {} : { unit }) };
}

/** Below figures that are centres over replicates, where another table has the same metric over all requests. */
export const CENTRE_NOTE =
  'Centres over the replicates, each counted alike. "Results by client" counts all requests alike, so it differs where replicates do.';

/** Whether reports show a metric by two estimators. */
export function hasTwoEstimators(metric: ExpectedMetric): boolean {
  const { isIntervalStored, ofSummary, interval } = METRIC_TABLE[metric];
  return isIntervalStored !== true && ofSummary !== undefined && interval.of === 'logarithms';
}

export function metricColumn(metric: Metric): Column {
  const { columnKey, noun, title, unit } = METRIC_TABLE[metric];
  const shownUnit = unit === undefined || unit === title ? INTERVAL_NAME : `${unit}, ${INTERVAL_NAME}`;
  return figureColumn(columnKey, noun ?? title, shownUnit);
}

/** A column, and what it shows of a row. */
export type ReadColumn<Row> = readonly [column: Column, read: (row: Row) => TableCell];

/** Names the rows of clients. */
export const clientColumn: ReadColumn<{ arm: Pick<ArmView, 'label' | 'name'> }> = [
  keyColumn('arm', 'client'),
  ({ arm }) => words(arm.label, arm.name),
];

/** A column of figures that nothing but a failed audit puts in doubt. */
export function plainColumn(cell: FigureCell) {
  return <Row extends { arm: ArmView }>(
    key: string,
    heading: string,
    read: (row: Row) => number | null,
    unit?: string,
  ): ReadColumn<Row> => [
    figureColumn(key, heading, unit),
    row => cell(read(row), onlyInvalid(row.arm.marks)),
  ];
}

export const countColumn = plainColumn(countCell);
export const shareColumn = plainColumn(shareCell);
/** To three digits. */
export const roundedColumn = plainColumn(figureCell);

/** @param readUs in microseconds */
export function timeColumn<Row extends { arm: ArmView }>(
  key: string,
  heading: string,
  readUs: (row: Row) => number | null,
): ReadColumn<Row> {
  return plainColumn(timeCell)(key, heading, readUs, 'ms');
}

/** The table of some rows: columns and notes that do not apply are left out. */
export function tabulate<Row>(
  rows: readonly Row[],
  of: {
    name: string;
    title: string;
    columns: readonly (ReadColumn<Row> | false)[];
    notes?: readonly (string | false)[];
  },
): Table {
  const { name, title, notes = [] } = of;
  const columns = compact(of.columns);
  return createTable({
    name,
    title,
    columns: columns.map(([column]) => column),
    rows: rows.map(row => columns.map(([, read]) => read(row))),
    notes: compact(notes),
  });
}

/** The table, with a note for each mark that occurs in it after its own notes. */
export function createTable(table: Omit<Table, 'notes'> & { notes?: readonly string[] }): Table {
  const marks = new Set(table.rows.flat().flatMap(cell => cell.marks));
  return { ...table, notes: [...(table.notes ?? []), ...[...marks].map(mark => MARK_NOTES[mark])] };
}

/** `mean (ms)`: a heading never stands without its unit. */
export function formatHeading({ heading, unit }: Column): string {
  return unit === undefined ? heading : `${heading} (${unit})`;
}
