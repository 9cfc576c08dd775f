// In: words as typed after `conntax` for a command that measures nothing. Out: what it prints and how it ends, without a process.

import { fileURLToPath } from 'node:url';
import type { Context } from '../cli/context.ts';
import {
  compareCommand,
  gateCommand,
  historyCommand,
  listBaselinesCommand,
  saveBaselineCommand,
} from '../cli/gate.ts';
import { plugins } from '../cli/plugins.ts';
import { reportCommand } from '../cli/report.ts';
import type { CreateSource } from '../run/context.ts';
import { replay } from '../run/testing/recorded-replicates.ts';

export interface Printed {
  out: string[];
  notes: string[];
}

/** What commands are given, and what they print by it. */
export function testContext(env: NodeJS.ProcessEnv = {}): { context: Context; printed: Printed } {
  const printed: Printed = { out: [], notes: [] };
  const context: Context = {
    plugins,
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
