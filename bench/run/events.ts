// In: nothing. Out: what a run tells of itself while it goes on. The command line shows it and stores it.

import type { Headline } from '../../results/metrics.ts';
import type { CellResult, Comparison } from '../../results/model/run.ts';
import type { TrialResult } from '../../results/model/trial.ts';
import type { PlannedCell } from '../plan/plan.ts';

export type RunEvent =
  | { type: 'cell-started'; cell: PlannedCell; index: number; cellCount: number }
  | {
      type: 'progress';
      cell: string;
      replicate: number;
      phase: 'start' | 'warm-up' | 'search' | 'measure' | 'finish';
      arm?: string;
      ratePerSec?: number;
      /** Of a capacity search: whether the arm has kept the objective at the rate. */
      isKept?: boolean;
      /** Of this replicate's blocks. */
      blocksDone?: number;
      blockCount?: number;
      /** Of the cell's budget. */
      leftMs: number;
    }
  /** Something that a reader should know now: a wait, a failure that is survived. */
  | { type: 'notice'; cell: string; message: string }
  | { type: 'trial'; result: TrialResult }
  | {
      type: 'replicate-finished';
      cell: string;
      replicate: number;
      /** Which of the metrics decides here. */
      headline: Headline;
      comparisons: Comparison[];
    }
  | { type: 'cell-finished'; result: CellResult };

export type Emit = (event: RunEvent) => void;
