// In: a report. Out: its parts in the order in which they are shown: cells that stand alone, and sweeps with their cells.
import type { CellReport, Report, SweepReport } from './model.ts';

export type ReportPart =
  | { kind: 'cell'; cell: CellReport }
  | { kind: 'sweep'; sweep: SweepReport; cells: readonly CellReport[] };

export function partsOf({ cells, sweeps }: Pick<Report, 'cells' | 'sweeps'>): ReportPart[] {
  return cells.flatMap((cell, index): ReportPart[] => {
    if (cell.sweep === null) return [{ kind: 'cell', cell }];
    const { name } = cell.sweep;
    if (cells[index - 1]?.sweep?.name === name) return [];
    const sweep = sweeps.find(found => found.name === name);
    return sweep === undefined
      ? []
      : [{ kind: 'sweep', sweep, cells: cells.filter(other => other.sweep?.name === name) }];
  });
}
