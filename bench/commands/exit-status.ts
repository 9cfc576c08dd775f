// In: a run. Out: the exit status that tells a script how it went.
import { EXIT } from '../../results/errors.ts';
import type { Run } from '../../results/model/run.ts';

/**
 * 130 when interrupted; 3 when something was not measured or can't be believed (a failed trial, an audit that failed): what
 * is broken is not slow; 1 when an expectation failed, or with `isStrict` could not be shown to hold; else 0.
 */
export function exitStatusOf(run: Run, { isStrict = false } = {}): number {
  if (run.cells.some(cell => cell.stop === 'interrupted') || run.state === 'partial') return EXIT.interrupted;
  const isDoubtful = run.cells.some(
    cell =>
      cell.stop === 'failed' ||
      cell.failedTrials > 0 ||
      cell.findings.some(finding => finding.state === 'fail'),
  );
  if (run.state === 'failed' || isDoubtful) return EXIT.cannotMeasure;
  const states = run.cells.flatMap(cell => cell.expectations.map(({ state }) => state));
  return states.includes('fail') || (isStrict && states.includes('unsure')) ? EXIT.failed : EXIT.ok;
}
