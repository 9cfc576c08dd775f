// Contracts of charts: of a cell, and of a measure along a sweep; and the table beside a picture.
import type { TopLevelSpec } from 'vega-lite';
import type { CellView } from '../cell-view.ts';
import type { Column, Mark, SectionName, Table, TableCell } from '../model.ts';
import type { Measure, SweepView } from '../sweeps/view.ts';
import { createTable, figure, nothing } from '../tables/table.ts';

export interface SweepPicture {
  title: string;
  /** How to read it and what it shows. */
  caption: string;
  spec(): TopLevelSpec;
}

/** All pictures of a measure share the measure's table. */
export interface SweepChart {
  name: string;
  /** Empty if there is nothing to show. */
  pictures(sweep: SweepView, measure: Measure): readonly SweepPicture[];
}

export interface Chart {
  name: string;
  title: string;
  /** The part of the page that it belongs to. */
  section: SectionName;
  /** Whether the cell has the figures that this chart shows. */
  applies(cell: CellView): boolean;
  /** How to read it and what it shows. */
  caption(cell: CellView): string;
  spec(cell: CellView): TopLevelSpec;
  table(cell: CellView): Table;
  /** Whether the table is to be seen beside the picture, without opening anything. */
  hasOpenTable?: true;
}

/** A column with what it shows of a row. */
export type ColumnOf<Row> = readonly [Column, (row: Row) => TableCell];

/** A table of equal rows. */
export function tabulate<Row>(
  about: Pick<Table, 'name' | 'title'> & { notes?: readonly string[] },
  rows: readonly Row[],
  columns: readonly ColumnOf<Row>[],
): Table {
  return createTable({
    ...about,
    columns: columns.map(([column]) => column),
    rows: rows.map(row => columns.map(([, show]) => show(row))),
  });
}

/**
 * A figure of a table; nothing where it is not known.
 *
 * @param perUnit how many of the units that `format` takes make one of the column's
 */
export function measured(
  value: number | null | undefined,
  format: (value: number) => string,
  marks: readonly Mark[],
  perUnit = 1,
): TableCell {
  return value == null ? nothing : figure(format(value), value / perUnit, marks);
}
