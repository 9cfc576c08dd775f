// Contracts of the plug-ins that lay out a report: formats for readers, outputs for other programs.
import type { Run } from '../../results/model/run.ts';
import type { TrialResult } from '../../results/model/trial.ts';
import type { MeasuredRun } from '../../results/page-data.ts';
import type { CellReport, Report, SweepReport, Table } from '../model.ts';
import { ALL_SIGNS } from '../words/marks.ts';

/** A file beside the report for another program; a plug-in's default export. */
export interface SideFile {
  name: string;
  /** Its file in a run's folder. */
  fileName: string;
  render(of: { run: Run; trials: readonly TrialResult[]; report: Report }): string | Promise<string>;
}

/** Parts of a report in the order in which they are shown: single cells, and sweeps with their cells. */
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

/** What each client did; none where nothing was measured, which would be tables of dashes. */
export function tablesOfClients({ state, article, main, ratios }: CellReport): Table[] {
  return state === 'unmeasured' ? [] : [article, main, ...(ratios === null ? [] : [ratios])];
}

export interface FormatOptions {
  /** Whether escape sequences for colours may be used. */
  hasColour: boolean;
  /** Characters per line. */
  columns: number;
  /** Only what fits a screen, where the format has such a form. */
  isBrief?: boolean;
  /** What a reader may do next, where the format is for someone who has just typed a command. */
  next?: readonly string[];
  /** The run of which this is the report, for a format that carries it. */
  measured?: MeasuredRun;
}

/** Before a unit, after a figure and the signs of its marks. */
const BEFORE_UNIT = new RegExp(`(?<=\\d[${ALL_SIGNS}]*) (?=(?:%|ms|µs|s)(?!\\w))`, 'g');
export const NO_BREAK = '\u00a0';

/** The text with each figure and its unit on one line. */
export function bindUnits(text: string): string {
  return text.replace(BEFORE_UNIT, NO_BREAK);
}

/** One way to lay out a report; a plug-in's default export. It chooses no words and rounds no numbers. */
export interface Format {
  name: string;
  /** Its file in a run's folder; absent if it is only printed. */
  fileName?: string;
  render(report: Report, options: FormatOptions): string | Promise<string>;
}
