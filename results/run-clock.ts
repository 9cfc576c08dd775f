// The times of a run: how long it took, whether the clock of the machine was set meanwhile, and its latencies as a standard HdrHistogram log.

import { hdrLog } from './histogram.ts';
import type { Run } from './model/run.ts';
import type { CompletedTrial, TrialResult } from './model/trial.ts';
import { sumOf } from './stats.ts';

export type RunTimes = Pick<Run, 'startedAt' | 'finishedAt' | 'elapsedMs'> & {
  cells: readonly Pick<Run['cells'][number], 'elapsedMs'>[];
};

/** Smaller differences are what a time service corrects. */
const MIN_JUMP_MS = 2_000;

/** Duration of a run, ms; of one without a monotonic duration at least that of its cells, which is always monotonic. */
export function runDurationMs({ startedAt, finishedAt, elapsedMs, cells }: RunTimes): number {
  if (elapsedMs !== undefined) return elapsedMs;
  const cellsMs = sumOf(cells, cell => cell.elapsedMs);
  return Math.max(cellsMs, Date.parse(finishedAt) - Date.parse(startedAt));
}

/** How far the time of day moved away from the duration of the run, ms, negative: back; 0 where that is too little to matter. */
export function clockJumpMs(run: RunTimes): number {
  const jumpMs = Date.parse(run.finishedAt) - Date.parse(run.startedAt) - runDurationMs(run);
  return Math.abs(jumpMs) < MIN_JUMP_MS ? 0 : jumpMs;
}

/** From the start of a run to one of its times of day, ms: where the clock was set in between, by the monotonic clock. */
export function sinceStartMs(run: RunTimes, at: string): number {
  const ms = Date.parse(at) - Date.parse(run.startedAt);
  const isPossible = ms >= 0 && ms <= runDurationMs(run) + MIN_JUMP_MS;
  return isPossible ? ms : Math.max(0, ms - clockJumpMs(run));
}

/**
 * One line per completed trial, tagged by it, from the start of its first window to the end of its last, since the start of the
 * run. Clients take turns, so the lines of a replicate overlap.
 */
export function latencyLog(trials: readonly TrialResult[], run: RunTimes): string {
  return hdrLog(
    trials
      .filter((trial): trial is CompletedTrial => trial.state === 'completed')
      .map(({ trial, startedAt, measurement }) => {
        const { startMs, endMs } = spanOf(measurement);
        return {
          tag: trial.id,
          startMs: sinceStartMs(run, startedAt) + startMs,
          lengthMs: endMs - startMs,
          histogram: measurement.response,
        };
      }),
  );
}

/** From the first window to the last, ms since the start of the replicate. */
function spanOf({ slices, steadyMs }: CompletedTrial['measurement']): { startMs: number; endMs: number } {
  const [first] = slices;
  const last = slices.at(-1);
  return first === undefined || last === undefined
    ? { startMs: 0, endMs: steadyMs }
    : { startMs: first.atMs, endMs: last.atMs + last.windowMs };
}
