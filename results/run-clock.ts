// How long a run took, and whether the clock of the machine was set meanwhile.
import type { Run } from './model/run.ts';
import { sumOf } from './stats.ts';

export type RunTimes = Pick<Run, 'startedAt' | 'finishedAt' | 'elapsedMs'> & {
  cells: readonly Pick<Run['cells'][number], 'elapsedMs'>[];
};

/** Smaller differences are what a time service corrects. */
const LEAST_JUMP_MS = 2_000;

/** Duration of a run, ms; of one without a monotonic duration at least that of its cells, which is always monotonic. */
export function runDurationMs({ startedAt, finishedAt, elapsedMs, cells }: RunTimes): number {
  if (elapsedMs !== undefined) return elapsedMs;
  const cellsMs = sumOf(cells, cell => cell.elapsedMs);
  return Math.max(cellsMs, Date.parse(finishedAt) - Date.parse(startedAt));
}

/** How far the time of day moved away from the duration of the run, ms, negative: back; 0 where that is too little to matter. */
export function clockJumpMs(run: RunTimes): number {
  const jumpMs = Date.parse(run.finishedAt) - Date.parse(run.startedAt) - runDurationMs(run);
  return Math.abs(jumpMs) < LEAST_JUMP_MS ? 0 : jumpMs;
}

/** From the start of a run to one of its times of day, ms: where the clock was set in between, by the clock that nobody sets. */
export function sinceStartMs(run: RunTimes, at: string): number {
  const ms = Date.parse(at) - Date.parse(run.startedAt);
  const isPossible = ms >= 0 && ms <= runDurationMs(run) + LEAST_JUMP_MS;
  return isPossible ? ms : Math.max(0, ms - clockJumpMs(run));
}
