// Contracts of charts: of a cell, and of a measure along a sweep.
import type { TopLevelSpec } from 'vega-lite';
import type { CellView } from '../cell-view.ts';
import type { SectionName, Table } from '../model.ts';
import type { Measure, SweepView } from '../sweeps/view.ts';

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
