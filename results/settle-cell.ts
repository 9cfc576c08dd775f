// In: a cell as a run of any age has stored it. Out: the same by today's rules: verdicts, least replicates, order of arms.
import { LEAST_REPLICATES } from '../bench/core/replicates.ts';
import type { ArmSummary, CellResult } from './model/run.ts';
import { headlineOf } from './metrics.ts';
import type { Interval } from './stats.ts';
import { withVerdicts } from './verdicts.ts';

/** Earlier runs gave an interval to two replicates, a verdict to every metric, and their arms in the order of a shuffle. */
export function settleCell(cell: CellResult): CellResult {
  const order = Object.keys(cell.scenario.clients);
  const rankOf = (arm: string): number => (order.includes(arm) ? order.indexOf(arm) : order.length);
  const comparisons = cell.comparisons
    .toSorted((a, b) => rankOf(a.candidate) - rankOf(b.candidate))
    .map(comparison =>
      comparison.replicateRatios.length < LEAST_REPLICATES ? { ...comparison, ratio: null } : comparison,
    );
  return {
    ...cell,
    arms: cell.arms.toSorted((a, b) => rankOf(a.arm) - rankOf(b.arm)).map(settleArm),
    comparisons: withVerdicts(comparisons, headlineOf(cell.scenario.load).metric),
  };
}

function settleArm(arm: ArmSummary): ArmSummary {
  if (arm.trials >= LEAST_REPLICATES) return arm;
  const point = (of: Interval | null): Interval | null =>
    of === null ? null : { value: of.value, low: of.value, high: of.value };
  return { ...arm, requestsPerSec: point(arm.requestsPerSec), capacityPerSec: point(arm.capacityPerSec) };
}
