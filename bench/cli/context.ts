// What every command is given: plug-ins, output, working folder and the interrupt signal.
import type { Chart, SweepChart } from '../../report/charts/chart.ts';
import type { Output as FileOutput, Format } from '../../report/formats/format.ts';
import { EXIT } from '../../results/errors.ts';
import type { Run } from '../../results/model/run.ts';
import type { BehaviourModule } from '../../servers/behaviour.ts';
import type { ClientPlugin, LoadModule } from '../contracts.ts';
import type { LazyPlugins } from '../plan/read-scenarios.ts';
import type { CreateSource } from '../run/context.ts';
import type { During, Keep } from './interrupt.ts';

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

export interface Plugins {
  transports: LazyPlugins<ClientPlugin>;
  /** Loads users' client modules. */
  userModules: () => Promise<{ loadUserModule: LoadModule }>;
  behaviours: LazyPlugins<BehaviourModule>;
  charts: LazyPlugins<Chart>;
  sweepCharts: LazyPlugins<SweepChart>;
  formats: LazyPlugins<Format>;
  outputs: LazyPlugins<FileOutput>;
}

export interface Output {
  /** The result, which a pipe receives. */
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
  /** Environment variables; a GitHub job names its summary file there. */
  env: NodeJS.ProcessEnv;
  /** Arguments after `conntax`. */
  argv: readonly string[];
  /** Aborts on the first Ctrl-C, SIGTERM or SIGHUP during a measurement; at other times those end the program. */
  signal: AbortSignal;
  keep: Keep;
  during: During;
  /** Replaces real processes by recorded replicates; only tests do. */
  createSource?: CreateSource;
}

/** Options of every command that prints a result. */
export interface CommonOptions {
  json?: boolean;
  /** Every table, not only the answer. */
  verbose?: boolean;
  /** Shows the page in a browser. */
  open?: boolean;
}
