// In: nothing. Out: what every chart is to the rest: which cells it is for, its picture, and the same figures as a table.
import type { TopLevelSpec } from 'vega-lite';
import type { CellView } from '../cell-view.ts';
import type { Table } from '../model.ts';

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
