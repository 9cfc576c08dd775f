// The exit status that a run gives a command.
import { EXIT } from '../../results/errors.ts';
import type { Run } from '../../results/model/run.ts';

/**
 * The exit status of a run: 130 when interrupted; 3 when a trial or an audit failed, or nothing was measured, because a broken run must not look
 * like a slow one; 1 when an expectation failed, or with `isStrict` was inconclusive; else 0.
 */
export function exitStatusOf(run: Run, { isStrict = false } = {}): number {
  if (run.cells.some(cell => cell.stop === 'interrupted') || run.state === 'partial') return EXIT.interrupted;
  const isDoubtful = run.cells.some(
    cell =>
      cell.stop === 'failed' ||
      cell.failedTrials > 0 ||
      cell.arms.length === 0 ||
      cell.findings.some(finding => finding.state === 'fail'),
  );
  if (run.state === 'failed' || isDoubtful) return EXIT.cannotMeasure;
  const states = run.cells.flatMap(cell => cell.expectations.map(({ state }) => state));
  return states.includes('fail') || (isStrict && states.includes('unsure')) ? EXIT.failed : EXIT.ok;
}
