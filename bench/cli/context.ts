// What every command is given: plug-ins, output, working folder and the interrupt signal.
import type { Chart, SweepChart } from '../../report/charts/chart.ts';
import { charts, sweepCharts } from '../../report/charts/index.ts';
import type { Format, SideFile } from '../../report/formats/format.ts';
import { formats, outputs } from '../../report/formats/index.ts';
import type { BehaviourModule } from '../../servers/behaviour.ts';
import { behaviours } from '../../servers/behaviours/index.ts';
import { transports, userModules } from '../clients/index.ts';
import type { ClientPlugin, LoadModule } from '../contracts.ts';
import type { LazyPlugins } from '../plan/read-scenarios.ts';
import type { CreateSource } from '../run/context.ts';
import type { Output } from './output.ts';

export interface Plugins {
  transports: LazyPlugins<ClientPlugin>;
  /** Loads users' client modules. */
  userModules: () => Promise<{ loadUserModule: LoadModule }>;
  behaviours: LazyPlugins<BehaviourModule>;
  charts: LazyPlugins<Chart>;
  sweepCharts: LazyPlugins<SweepChart>;
  formats: LazyPlugins<Format>;
  outputs: LazyPlugins<SideFile>;
}

/** Every plug-in, gathered from the index of each folder. */
export const plugins: Plugins = {
  transports,
  userModules,
  behaviours,
  charts,
  sweepCharts,
  formats,
  outputs,
};

/** Runs work that, when the context's signal aborts, keeps its results and ends soon; `say` notifies the user. */
export type Keep = <T>(work: () => Promise<T>, say: (text: string) => void) => Promise<T>;

/** Runs work before the measurement. A signal names it: `asking http://127.0.0.1:3000/ for the first time`. */
export type During = <T>(what: string, work: () => Promise<T>) => Promise<T>;

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

/** What the commands are added to the program with. */
export interface Cli {
  context: Context;
  setStatus(status: number): void;
}

/** Options of every command that prints a result. */
export interface CommonOptions {
  json?: boolean;
  /** Every table, not only the answer. */
  verbose?: boolean;
  /** Shows the page in a browser. */
  open?: boolean;
}
