// In: a stored run and its report. Out: the contract of an output: a file beside the report, for another program to read.
import type { Run } from '../bench/core/run-types.ts';
import type { TrialResult } from '../bench/core/types.ts';
import type { Report } from './report.ts';

/** A plug-in's default export. */
export interface Output {
  name: string;
  /** Its file in a run's folder. */
  fileName: string;
  render(of: { run: Run; trials: readonly TrialResult[]; report: Report }): string | Promise<string>;
}
