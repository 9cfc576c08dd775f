// Events that a run emits while it is measured; the command line shows and stores them.

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
      /** In a capacity search: whether the arm met the objective at this rate. */
      isKept?: boolean;
      /** Within this replicate. */
      blocksDone?: number;
      blockCount?: number;
      /** Remaining time of the cell's budget. */
      leftMs: number;
    }
  /** Something that a user should know at once: a wait, a failure that does not end the run. */
  | { type: 'notice'; cell: string; message: string }
  | { type: 'trial'; result: TrialResult }
  | {
      type: 'replicate-finished';
      cell: string;
      replicate: number;
      /** The metric that decides under this load. */
      headline: Headline;
      comparisons: Comparison[];
    }
  | { type: 'cell-finished'; result: CellResult };

export type Emit = (event: RunEvent) => void;
