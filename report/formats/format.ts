// In: a report. Out: the contract of a format: the same report laid out as text.
import type { Run } from '../../results/model/run.ts';
import type { TrialResult } from '../../results/model/trial.ts';
import type { CellReport, Report, SweepReport } from '../model.ts';

// From a stored run and its report. Out: the contract of an output: a file beside the report, for another program to read.

/** A plug-in's default export. */
export interface Output {
  name: string;
  /** Its file in a run's folder. */
  fileName: string;
  render(of: { run: Run; trials: readonly TrialResult[]; report: Report }): string | Promise<string>;
}

// From a report. Out: its parts in the order in which they are shown: cells that stand alone, and sweeps with their cells.

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

export interface FormatOptions {
  /** Whether escape sequences for colours may be used. */
  hasColour: boolean;
  /** How many characters fit into a line. */
  columns: number;
}

/** One way to lay a report out; a plug-in's default export. It words and rounds nothing. */
export interface Format {
  name: string;
  /** Its file in a run's folder; absent when it is only printed. */
  fileName?: string;
  render(report: Report, options: FormatOptions): string | Promise<string>;
}
