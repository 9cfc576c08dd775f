// Reads scenarios by name, tag or path; users' code is read in a process of its own.
import { InterruptedError, type Problem, shorten, UsageError } from '../../results/errors.ts';
import type { Variant } from '../../scenarios/model/sweep.ts';
import {
  formatProblems,
  type LoadOptions,
  loadScenarios,
  runsUserCode,
  shownPath,
} from '../plan/read-scenarios.ts';
import { type Child, ChildError, spawnChild } from './child.ts';

// What the parent and the process that reads the user's modules say to each other.

/** Messages between the parent and the process that reads users' modules. */
export type ScenarioCommand =
  | ({ type: 'load'; selectors: readonly string[] } & Pick<LoadOptions, 'builtinDir' | 'cwd' | 'replaced'>)
  /** Answers a `reading` step: continue. */
  | { type: 'next' };

type ScenarioStep =
  /** This user's file is read next. */
  | { reading: string }
  | { variants: Variant[] }
  | { refused: { message: string; problems: Problem[] } }
  /** How reading the file failed. */
  | { failed: string };

export interface ScenarioReply {
  type: 'step';
  step: ScenarioStep;
}

/** Enough for a program with all its imports on a busy machine. */
const READ_TIMEOUT_MS = 30_000;

interface ReadOptions extends LoadOptions {
  /** Per file; default: 30 s. */
  timeoutMs?: number;
  /** Aborting it ends the wait for the modules. */
  signal?: AbortSignal;
}

/**
 * Like `loadScenarios`, but runs users' code in a child process.
 * @throws UsageError also when a module ends the process that reads it, or never finishes
 */
export async function readScenarios(selectors: readonly string[], options: ReadOptions): Promise<Variant[]> {
  if (!(await runsUserCode(selectors, options))) return loadScenarios(selectors, options);
  const { builtinDir, cwd, replaced, timeoutMs = READ_TIMEOUT_MS, signal } = options;
  const child = spawnChild<ScenarioCommand, ScenarioReply>({
    title: 'the process that reads modules',
    entry: './scenario-child',
    cpu: null,
  });
  const onAbort = (): void => void child.kill();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await ask(child, { type: 'load', selectors, builtinDir, cwd, replaced }, timeoutMs, cwd);
  } catch (error) {
    if (signal?.aborted) throw new InterruptedError('interrupted while modules were read', { cause: error });
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
    const detail = lastLine(error.stderr);
    throw unreadable(file, `ends the process that reads it (${end})${detail === '' ? '' : `: ${detail}`}`);
  }
}

function lastLine(text: string): string {
  return shorten(text.trim().split('\n').at(-1) ?? '');
}

function unreadable(file: string | undefined, message: string): UsageError {
  const hint = 'a module that loads without an error and does nothing else';
  const problems = [{ file: file ?? '', path: '', message, hint }];
  return new UsageError(formatProblems(problems), problems);
}
