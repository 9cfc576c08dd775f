// In: a sweep and tables that only some cells have. Out: the same for all cells, one below the other, each row with its place.
import type { CellView } from '../cell-view.ts';
import type { Column, Table } from '../model.ts';
import type { SweepView } from './view.ts';
import { placeCells, placeColumns } from './tables.ts';

/** Gives null where there is nothing to tell. */
export type CreateTable = (view: CellView) => Table | null;

/** A table each, or more where cells have other columns. */
export function stackedTables(sweep: SweepView, creators: readonly CreateTable[]): Table[] {
  return creators.flatMap(create => {
    const tables = sweep.cells.flatMap(cell => {
      const table = create(cell.view);
      return table === null ? [] : [{ cell, table }];
    });
    return [...Map.groupBy(tables, ({ table }) => columnsText(table.columns)).values()].map(group => {
      const [{ table }] = group as [(typeof group)[number]];
      return {
        ...table,
        columns: [...placeColumns(sweep), ...table.columns],
        rows: group.flatMap(({ cell, table: own }) => own.rows.map(row => [...placeCells(cell), ...row])),
        notes: [...new Set(group.flatMap(({ table: own }) => own.notes))],
      };
    });
  });
}

function columnsText(columns: readonly Column[]): string {
  return JSON.stringify(columns);
}
