// In: nothing. Out: what every command is given: the plug-ins, where to print, and the user's wish to stop.
import type { Chart, SweepChart } from '../../report/charts/chart.ts';
import type { Output as FileOutput, Format } from '../../report/formats/format.ts';
import { EXIT } from '../../results/errors.ts';
import type { Run } from '../../results/model/run.ts';
import type { BehaviourModule } from '../../servers/behaviour.ts';
import type { ClientPlugin, LoadModule } from '../contracts.ts';
import type { LazyPlugins } from '../plan/read-scenarios.ts';
import type { Keep } from './interrupt.ts';

// From a run. Out: the exit status that tells a script how it went.

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

export interface Plugins {
  transports: LazyPlugins<ClientPlugin>;
  /** What reads client modules of users. */
  userModules: () => Promise<{ loadUserModule: LoadModule }>;
  behaviours: LazyPlugins<BehaviourModule>;
  charts: LazyPlugins<Chart>;
  sweepCharts: LazyPlugins<SweepChart>;
  formats: LazyPlugins<Format>;
  outputs: LazyPlugins<FileOutput>;
}

export interface Output {
  /** The result: what a pipe is to see. */
  out(text: string): void;
  /** Progress and remarks. */
  note(text: string): void;
  isTty: boolean;
  hasColour: boolean;
  columns: number;
}

export interface Context {
  plugins: Plugins;
  output: Output;
  /** Folder of the scenarios that come with conntax. */
  builtinDir: string;
  cwd: string;
  version: string;
  /** Of the shell; a GitHub job tells in it where to write. */
  env: NodeJS.ProcessEnv;
  /** The words typed after `conntax`. */
  argv: readonly string[];
  /** Aborts on the first Ctrl-C, SIGTERM or SIGHUP, where what was measured is kept; elsewhere those end the program. */
  signal: AbortSignal;
  keep: Keep;
}

/** What every command with a result understands. */
export interface CommonOptions {
  json?: boolean;
}
