// What every command is given: plug-ins, output, working folder and the interrupt signal.
import picocolors from 'picocolors';
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';
import type { Chart, SweepChart } from '../../report/charts/chart.ts';
import { charts, sweepCharts } from '../../report/charts/index.ts';
import type { Output as FileOutput, Format } from '../../report/formats/format.ts';
import { formats, outputs } from '../../report/formats/index.ts';
import { EXIT } from '../../results/errors.ts';
import type { Run } from '../../results/model/run.ts';
import { visibleColours, visibleLines } from '../../results/visible.ts';
import type { BehaviourModule } from '../../servers/behaviour.ts';
import { behaviours } from '../../servers/behaviours/index.ts';
import { transports, userModules } from '../clients/index.ts';
import type { ClientPlugin, LoadModule } from '../contracts.ts';
import type { LazyPlugins } from '../plan/read-scenarios.ts';
import type { CreateSource } from '../run/context.ts';

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

export interface Output {
  /** The result, which a pipe receives. */
  out(text: string): void;
  /** Progress and remarks. */
  note(text: string): void;
  isTty: boolean;
  hasColour: boolean;
  columns: number;
}

const DEFAULT_COLUMNS = 100;

/** The only way to the terminal: control characters are made visible. */
export function createOutput(): Output {
  const hasColour = hasColourOn(process.stdout);
  return {
    out: text => process.stdout.write(`${shown(text, hasColour)}\n`),
    note: text =>
      process.stderr.write(
        `${shown(wrapNotices(text, process.stderr.columns || Infinity), hasColourOn(process.stderr))}\n`,
      ),
    // Some terminals report 0 columns, and a dumb one can't go back to a line.
    isTty: Boolean(process.stderr.isTTY) && process.stderr.columns > 0 && process.env['TERM'] !== 'dumb',
    hasColour,
    columns: process.stdout.columns || DEFAULT_COLUMNS,
  };
}

/** Notices are sentences, so they are broken between words; commands and paths stay in one piece, to be copied. */
export function wrapNotices(text: string, columns: number): string {
  return text
    .split('\n')
    .map(line => {
      const sign = /^ *! /.exec(line)?.[0];
      if (sign === undefined || stringWidth(line) <= columns) return line;
      const wrapped = wrapAnsi(line.slice(sign.length), columns - sign.length);
      return sign + wrapped.replaceAll('\n', `\n${' '.repeat(sign.length)}`);
    })
    .join('\n');
}

export function hasColourOn(stream: NodeJS.WriteStream): boolean {
  return Boolean(stream.isTTY) && picocolors.isColorSupported;
}

function shown(text: string, hasColour: boolean): string {
  return hasColour ? visibleColours(text) : visibleLines(text);
}

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
