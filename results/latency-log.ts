// The latencies of a run's trials as a standard HdrHistogram log.
import { hdrLog } from './histogram.ts';
import type { CompletedTrial, TrialResult } from './model/trial.ts';
import { type RunTimes, sinceStartMs } from './run-clock.ts';

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
