// In: nothing. Out: what every chart is to the rest: which cells it is for, its picture, and the same figures as a table.
import type { TopLevelSpec } from 'vega-lite';
import type { CellView } from '../cell-view.ts';
import type { Table } from '../model.ts';
import type { Measure, SweepView } from '../sweeps/view.ts';

// From nothing. Out: what every chart of a sweep is to the rest: the pictures that it draws of one measure over the sweep.

export interface SweepPicture {
  title: string;
  /** How to read it, and what it shows. */
  caption: string;
  /** @param widthPx of the whole picture. */
  spec(widthPx: number): TopLevelSpec;
}

/** The figures of all pictures of a measure stand in the measure's table. */
export interface SweepChart {
  name: string;
  /** None where there is nothing to show. */
  pictures(sweep: SweepView, measure: Measure): readonly SweepPicture[];
}

export interface Chart {
  name: string;
  title: string;
  /** Whether the cell has the figures that this chart shows. */
  applies(cell: CellView): boolean;
  /** How to read it, and what it shows. */
  caption(cell: CellView): string;
  /** @param widthPx of the whole picture. */
  spec(cell: CellView, widthPx: number): TopLevelSpec;
  table(cell: CellView): Table;
}
