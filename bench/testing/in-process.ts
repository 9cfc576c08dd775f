// Runs a command that measures nothing within the test process: its output and exit status.

import { fileURLToPath } from 'node:url';
import { visibleLines } from '../../results/visible.ts';
import { listBaselinesCommand, saveBaselineCommand } from '../cli/baseline.ts';
import { type Context, plugins } from '../cli/context.ts';
import { compareCommand, gateCommand } from '../cli/gate.ts';
import { historyCommand } from '../cli/history.ts';
import { reportError, runProgram } from '../cli/program.ts';
import { reportCommand } from '../cli/report.ts';
import type { CreateSource } from '../run/context.ts';
import { replay } from '../run/testing/recorded-replicates.ts';

export interface Printed {
  out: string[];
  notes: string[];
}

/** Without charts, which take longer to draw than all else of a report; those of a history and of a gate are no plug-ins. */
const WITHOUT_CHARTS = { ...plugins, charts: {}, sweepCharts: {} };

/** What commands are given, and what they print by it. */
export function testContext(env: NodeJS.ProcessEnv = {}): { context: Context; printed: Printed } {
  const printed: Printed = { out: [], notes: [] };
  const context: Context = {
    plugins: WITHOUT_CHARTS,
    output: {
      out: text => printed.out.push(text),
      note: text => printed.notes.push(text),
      isTty: false,
      hasColour: false,
      columns: 100,
    },
    builtinDir: '',
    cwd: '',
    version: '0.0.0',
    env,
    argv: [],
    signal: new AbortController().signal,
    keep: work => work(),
    during: (_what, work) => work(),
  };
  return { context, printed };
}

/** The same for commands that measure: in a working folder, with replicates replayed. */
export function replayContext(
  cwd: string,
  { env, createSource = replay() }: { env?: NodeJS.ProcessEnv; createSource?: CreateSource } = {},
): { context: Context; printed: Printed } {
  const { context, printed } = testContext(env);
  const builtinDir = fileURLToPath(new URL('../../scenarios', import.meta.url));
  return { context: { ...context, cwd, builtinDir, createSource }, printed };
}

export interface Called {
  status: number;
  stdout: string;
  stderr: string;
}

/**
 * Runs `conntax` with these words in a folder, without a process: for what measures nothing, or refuses to. Not twice at once,
 * because this process then works in that folder.
 * @param hasCharts as the program's reports have, on a terminal too
 */
export async function callCli(
  words: readonly string[],
  {
    cwd,
    env = process.env,
    hasCharts = false,
  }: { cwd: string; env?: NodeJS.ProcessEnv; hasCharts?: boolean },
): Promise<Called> {
  const { context, printed } = replayContext(cwd, { env });
  return call(words, { context: hasCharts ? { ...context, plugins } : context, printed });
}

/**
 * The same with real targets, generators and load tools.
 * @param env beside that of this process, for the run's processes too
 */
export async function measureHere(
  words: readonly string[],
  { cwd, env }: { cwd: string; env: Readonly<Record<string, string>> },
): Promise<Called> {
  const before = { ...process.env };
  Object.assign(process.env, env);
  const { context, printed } = replayContext(cwd);
  const { createSource: _recorded, ...real } = context;
  return call(words, { context: { ...real, env: process.env }, printed }).finally(() => {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
  });
}

async function call(
  words: readonly string[],
  { context, printed }: { context: Context; printed: Printed },
): Promise<Called> {
  const home = process.cwd();
  process.chdir(context.cwd);
  const status = await runProgram({ ...context, argv: words })
    .catch((error: unknown) => reportError(error, context.output))
    .finally(() => process.chdir(home));
  const shown = (texts: readonly string[]): string => texts.map(text => `${visibleLines(text)}\n`).join('');
  return { status, stdout: shown(printed.out), stderr: shown(printed.notes) };
}

/** Every command that reads what is stored, with the runs that it is asked for. */
export const STORED_COMMANDS: Readonly<
  Record<string, (results: string, context: Context) => Promise<unknown>>
> = {
  report: (results, context) => reportCommand(undefined, { results }, context),
  'report --json': (results, context) => reportCommand(undefined, { results, json: true }, context),
  compare: (results, context) => compareCommand('latest', 'latest', { results }, context),
  gate: (results, context) => gateCommand(undefined, { results }, context),
  'gate --json': (results, context) => gateCommand(undefined, { results, json: true }, context),
  'baseline save': (results, context) =>
    saveBaselineCommand(undefined, { results, name: 'saved', force: true }, context),
  'baseline list': (results, context) => listBaselinesCommand({ results }, context),
  'baseline list --json': (results, context) => listBaselinesCommand({ results, json: true }, context),
  history: (results, context) => historyCommand([], { results }, context),
  'history --json': (results, context) => historyCommand([], { results, json: true }, context),
};
