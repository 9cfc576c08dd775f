// What all parts of a run are given: its settings, the interrupt signal, and where its events go.
import type { Headline } from '../../results/metrics.ts';
import type { CellResult, Comparison, Host } from '../../results/model/run.ts';
import type { TrialResult } from '../../results/model/trial.ts';
import type { Fleet } from '../machines/fleet.ts';
import type { ServerMachine } from '../machines/machine.ts';
import type { PlannedCell } from '../plan/plan.ts';
import type { SlowestByArm } from './arm.ts';
import type { TimeLimit } from './child.ts';
import type { FoundTarget } from './find-servers.ts';
import type { LimitedMachine } from './limited-machine.ts';

/** What happens while a run is measured; the command line shows and stores it. */
export type RunEvent =
  | { type: 'cell-started'; cell: PlannedCell; index: number; cellCount: number }
  | {
      type: 'progress';
      cell: string;
      replicate: number;
      phase: 'start' | 'warm-up' | 'search' | 'measure' | 'profile' | 'finish';
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

/** What is the same for every cell of a run. */
export interface RunContext {
  /** The cores of the target and the generators; null: not pinned. */
  pinning: Host['pinning'];
  /** Aborting it ends the run soon; results so far are kept. */
  signal: AbortSignal;
  emit: Emit;
  /** Whether a failed expectation is re-measured on fresh replicates before it counts. */
  isConfirming: boolean;
  /** The machines that send the load; absent: this one does. */
  fleet?: Fleet | undefined;
  /** The machine of the server, where an agent reads it; absent: only what this machine knows of the server is known. */
  serverMachine?: ServerMachine | undefined;
  createSource?: CreateSource | undefined;
  /** Awaited after each replicate that another follows or may follow: for work that must not go on while anything is measured. */
  between?: ((soFar: () => CellResult) => Promise<void>) | undefined;
  /** How much longer than its own times a slice may take before its generator counts as hung. */
  sliceGraceMs?: number | undefined;
  /** Folder for profiles of each cell's clients and targets, which are taken after its replicates; absent: none. */
  profileDir?: string | undefined;
}

/** The run, and the cell that is measured. */
export interface CellContext extends RunContext {
  cell: PlannedCell;
  /** The seed of the plan, which decides every order. */
  seed: number;
  /** The cell's target if it is an external server: found, on a host that load may be sent to. */
  server?: FoundTarget | undefined;
}

/** The cell while its time runs. */
export interface TimedCellContext extends CellContext {
  /** Remaining time budget of the cell, for progress events. */
  leftMs: () => number;
  /** The announced time; the signal aborts when it is over, too. */
  limit?: TimeLimit;
}

/** The cell, and the replicate that is measured. */
export interface ReplicateContext extends TimedCellContext {
  replicate: number;
  /** The slowest requests by arm, over all replicates of the cell. */
  slowest: SlowestByArm;
  /** Where its processes run; undefined: on this machine as it is. */
  limitedMachine?: LimitedMachine | undefined;
}

/** The replicates of a cell, one after another. */
export interface ReplicateSource {
  /** The target's mean service time by its configuration; null before it has started, and if unknown. */
  readonly serviceMs: number | null;
  /** Duration of the last replicate, without the start of a target that is kept. */
  readonly replicateMs: number;
  /** Measures a replicate. Empty if interrupted before any arm was measured. */
  next(replicate: number): Promise<TrialResult[]>;
  /** Profiles each client, and the target meanwhile, in a slice that counts in no figure. */
  profile(dir: string): Promise<void>;
  /** Ends the targets. */
  close(): Promise<void>;
}

/** Where measured replicates come from: real processes, unless a test replays recorded ones. */
export type CreateSource = (context: TimedCellContext) => ReplicateSource;
