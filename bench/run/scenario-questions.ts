// In: names, tags or paths as typed. Out: the scenarios they stand for. Code of the user's is read in a process of its own.
import { cutText, InterruptedError, type Problem, UsageError } from '../../results/errors.ts';
import type { Variant } from '../../scenarios/model/sweep.ts';
import {
  type LoadOptions,
  loadScenarios,
  problemText,
  runsUserCode,
  shownPath,
} from '../plan/read-scenarios.ts';
import { type Child, ChildError, spawnChild } from './child.ts';

// What the parent and the process that reads the user's modules say to each other.

export type ScenarioCommand =
  | { type: 'load'; selectors: readonly string[]; builtinDir: string; cwd: string }
  /** Answers a step of `reading`: go on. */
  | { type: 'next' };

type ScenarioStep =
  /** This file of the user's is read next. */
  | { reading: string }
  | { variants: Variant[] }
  | { refused: { message: string; problems: Problem[] } }
  /** What the file that is read has done to the process. */
  | { failed: string };

export interface ScenarioReply {
  type: 'step';
  step: ScenarioStep;
}

/** For a program with all that it imports, on a busy machine. */
const READ_TIMEOUT_MS = 30_000;

interface ReadOptions extends LoadOptions {
  /** For one file; 30 s unless given. */
  timeoutMs?: number;
  /** Aborted: nobody waits for the modules any more. */
  signal?: AbortSignal;
}

/**
 * As `loadScenarios`, which it is where no code of the user's is to run.
 * @throws UsageError also where a module ends the process that reads it, or never ends
 */
export async function readScenarios(selectors: readonly string[], options: ReadOptions): Promise<Variant[]> {
  if (!(await runsUserCode(selectors, options))) return loadScenarios(selectors, options);
  const { builtinDir, cwd, timeoutMs = READ_TIMEOUT_MS, signal } = options;
  const child = spawnChild<ScenarioCommand, ScenarioReply>({
    title: 'the process that reads modules',
    entry: './scenario-child',
    cpu: null,
  });
  const onAbort = (): void => void child.kill();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await ask(child, { type: 'load', selectors, builtinDir, cwd }, timeoutMs, cwd);
  } catch (error) {
    if (signal?.aborted) throw new InterruptedError('ended while modules were read', { cause: error });
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await child.kill();
  }
}

async function ask(
  child: Child<ScenarioCommand, ScenarioReply>,
  load: ScenarioCommand,
  timeoutMs: number,
  cwd: string,
): Promise<Variant[]> {
  let file: string | undefined;
  let command = load;
  for (;;) {
    const step = await nextStep(child, command, timeoutMs, file);
    if ('variants' in step) return step.variants;
    if ('refused' in step) throw new UsageError(step.refused.message, step.refused.problems);
    if ('failed' in step) throw unreadable(file, step.failed);
    file = shownPath(step.reading, cwd);
    command = { type: 'next' };
  }
}

async function nextStep(
  child: Child<ScenarioCommand, ScenarioReply>,
  command: ScenarioCommand,
  timeoutMs: number,
  file: string | undefined,
): Promise<ScenarioStep> {
  try {
    return (await child.ask(command, 'step', timeoutMs)).step;
  } catch (error) {
    if (!(error instanceof ChildError) || file === undefined) throw error;
    if (error.reason === 'hung') throw unreadable(file, `was not read within ${timeoutMs / 1_000} s`);
    const end = /\((.*)\)$/.exec(error.message)?.[1] ?? error.message;
    const words = lastLine(error.stderr);
    throw unreadable(file, `ends the process that reads it (${end})${words === '' ? '' : `: ${words}`}`);
  }
}

function lastLine(text: string): string {
  return cutText(text.trim().split('\n').at(-1) ?? '');
}

function unreadable(file: string | undefined, message: string): UsageError {
  const hint = 'a module that loads without an error, and does nothing else';
  const problems = [{ file: file ?? '', path: '', message, hint }];
  return new UsageError(problemText(problems), problems);
}
