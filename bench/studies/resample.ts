// Draws comparisons from the replicates of A/A sessions, for their length and coverage.

import type { Random } from '../../results/random.ts';
import type { Estimator, Interval } from '../../results/stats.ts';

export const LEAST_REPLICATES = 3;
export const MOST_REPLICATES = 30;
const RESAMPLES = 2_000;

/** What one session gave. */
export interface Sitting {
  /** Time before the first replicate. */
  setUpMs: number;
  logRatios: number[];
  elapsedMs: number[];
}

/** How far an interval reaches from its value, as a share of it: the larger side. */
export function reach(interval: Interval | null): number {
  return interval === null
    ? Number.POSITIVE_INFINITY
    : Math.max(interval.high / interval.value - 1, 1 - interval.low / interval.value);
}

/**
 * How comparisons made of these replicates would do: drawn with replacement from all sessions, with a random sign (which
 * of two equal clients is called b is arbitrary), stopped as a run stops. An estimate from few sittings, not 100.
 */
export function resample(estimate: Estimator, all: readonly Sitting[], precision: number, random: Random) {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const logRatios = all.flatMap(sitting => sitting.logRatios);
  const meanMs = mean(all.flatMap(sitting => sitting.elapsedMs));
  const setUpMs = mean(all.map(sitting => sitting.setUpMs));
  let holds = 0;
  let precise = 0;
  const secs: number[] = [];
  for (let i = 0; i < RESAMPLES; i++) {
    const drawn: number[] = [];
    let interval: Interval | null = null;
    while (drawn.length < MOST_REPLICATES) {
      drawn.push(logRatios[Math.floor(random() * logRatios.length)]! * (random() < 0.5 ? -1 : 1));
      interval = drawn.length < LEAST_REPLICATES ? null : estimate(drawn);
      if (reach(interval) <= precision) break;
    }
    if (interval !== null && interval.low <= 1 && interval.high >= 1) holds++;
    if (reach(interval) <= precision) precise++;
    secs.push((setUpMs + drawn.length * meanMs) / 1_000);
  }
  secs.sort((x, y) => x - y);
  return {
    holds: holds / RESAMPLES,
    precise: precise / RESAMPLES,
    medianSec: secs[RESAMPLES / 2]!,
    p90Sec: secs[RESAMPLES * 0.9]!,
  };
}
