// In: nothing. Out: what every command is given: the plug-ins, where to print, and the user's wish to stop.

import type { Chart } from '../../report/charts/chart.ts';
import type { Format } from '../../report/formats/format.ts';
import type { Output as FileOutput } from '../../report/output.ts';
import type { SweepChart } from '../../report/sweep-chart.ts';
import type { BehaviourModule, ClientPlugin, LoadModule } from '../contracts.ts';
import type { LazyPlugins } from '../plan/read-scenarios.ts';
import type { Keep } from './interrupt.ts';

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
