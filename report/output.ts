// In: a stored run and its report. Out: the contract of an output: a file beside the report, for another program to read.
import type { Run } from '../results/model/run.ts';
import type { TrialResult } from '../results/model/trial.ts';
import type { Report } from './model.ts';

/** A plug-in's default export. */
export interface Output {
  name: string;
  /** Its file in a run's folder. */
  fileName: string;
  render(of: { run: Run; trials: readonly TrialResult[]; report: Report }): string | Promise<string>;
}
