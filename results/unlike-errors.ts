// In: what two arms did. Out: whether their error rates are so far apart that a ratio of them compares different work.
import type { ArmFigures } from './run-summary.ts';

/** One percentage point. An error answers faster or slower than a good answer, and costs another amount of CPU. */
const MOST_GAP = 0.01;

type Counts = Pick<ArmFigures, 'completed' | 'failed'>;

export function areErrorsUnlike(one: Counts, other: Counts): boolean {
  return Math.abs(errorRatioOf(one) - errorRatioOf(other)) > MOST_GAP;
}

export function errorRatioOf({ completed, failed }: Counts): number {
  return completed + failed === 0 ? 0 : failed / (completed + failed);
}
