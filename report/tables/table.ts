// Builders for the cells, columns and notes of tables.
import { METRIC_TABLE } from '../../results/metrics.ts';
import type { Metric } from '../../results/model/run.ts';
import { INTERVAL_NAME } from '../../results/stats.ts';
import type { ExpectedMetric } from '../../scenarios/model/scenario.ts';
import { MARK_NOTES, signsOf } from '../cell-view.ts';
import type { Column, JsonValue, Mark, Table, TableCell } from '../model.ts';
import { NO_FIGURE } from '../words/numbers.ts';

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

/** A metric with its interval. */
export function metricColumn(metric: Metric): Column {
  const { columnKey, noun, title, unit } = METRIC_TABLE[metric];
  const shownUnit = unit === undefined || unit === title ? INTERVAL_NAME : `${unit}, ${INTERVAL_NAME}`;
  return figureColumn(columnKey, noun ?? title, shownUnit);
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
