// In: a run. Out: the exit status that tells a script how it went.
import { EXIT } from '../core/errors.ts';
import type { Run } from '../core/run-types.ts';

/**
 * 130 when interrupted; 3 when something was not measured or can't be believed (a failed trial, an audit that failed);
 * else 0.
 */
export function exitStatusOf(run: Run): number {
  if (run.cells.some(cell => cell.stop === 'interrupted') || run.state === 'partial') return EXIT.interrupted;
  const isDoubtful = run.cells.some(
    cell =>
      cell.stop === 'failed' ||
      cell.failedTrials > 0 ||
      cell.findings.some(finding => finding.state === 'fail'),
  );
  return run.state === 'failed' || isDoubtful ? EXIT.cannotMeasure : EXIT.ok;
}
