// How narrow an interval the budget of a cell is likely to buy, announced before anything is measured.
import { LEAST_REPLICATES, studentReach } from '../../results/stats.ts';
import type { PlannedCell } from './plan.ts';

/**
 * Standard deviation of the logarithm of a replicate's ratio, as measured on two shared cores: in quiet hours, and beside other
 * programs or with processes in slow modes (docs/measured.md).
 */
const REPLICATE_SD = { quiet: 0.04, busy: 0.12 } as const;

/** The reach of a ratio's interval to either side, as a share of the ratio; null with too few replicates for an interval. */
export interface LikelyPrecision {
  /** How many usually fit the budget. */
  replicates: number;
  quietRatio: number | null;
  busyRatio: number | null;
}

/** Replicates that end early because they are precise enough reach the scenario's precision, so no less is promised. */
export function likelyPrecision({
  likelyReplicates: replicates,
  scenario,
}: Pick<PlannedCell, 'likelyReplicates' | 'scenario'>): LikelyPrecision {
  const reachAt = (sd: number): number | null =>
    replicates < LEAST_REPLICATES ? null : Math.expm1(studentReach(replicates) * sd);
  const quiet = reachAt(REPLICATE_SD.quiet);
  return {
    replicates,
    quietRatio: quiet === null ? null : Math.max(quiet, scenario.timing.precision),
    busyRatio: reachAt(REPLICATE_SD.busy),
  };
}
