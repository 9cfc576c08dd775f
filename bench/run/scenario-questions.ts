// Reads scenarios by name, tag or path; users' code is read in processes of its own, so that each module answers for itself.
import { addAbortListener } from 'node:events';
import { InterruptedError, type Problem, shorten, UsageError } from '../../results/errors.ts';
import type { Variant } from '../../scenarios/model/sweep.ts';
import type { Obstacle } from '../contracts.ts';
import {
  formatProblems,
  type LoadOptions,
  loadScenarios,
  runsUserCode,
  shownPath,
} from '../plan/read-scenarios.ts';
import { type Child, ChildError, spawnChild } from './child.ts';

/** Messages from the parent to a process that reads users' modules. */
export type ScenarioCommand =
  | ({ type: 'load'; selectors: readonly string[] } & Pick<
      LoadOptions,
      'builtinDir' | 'cwd' | 'replaced' | 'faults'
    >)
  /** Answers a `reading` step: continue. */
  | { type: 'next' }
  /** Reads one file and nothing else, then waits for what it does later. */
  | { type: 'load-alone'; file: string; lingerMs: number };

type ScenarioStep =
  /** This user's file is read next, and the others after it, as far as they are known. */
  | { reading: string; later: readonly string[] }
  | { variants: Variant[] }
  | { refused: { message: string; problems: Problem[] } }
  /** How the user's code failed. */
  | { failed: string }
  | { isAloneDone: true };

export interface ScenarioReply {
  type: 'step';
  step: ScenarioStep;
}

type ReadingChild = Child<ScenarioCommand, ScenarioReply>;

/** Enough for a program with all its imports on a busy machine. */
const READ_TIMEOUT_MS = 30_000;
/** Files that are read at once, each in a process of its own, to find out which of them fails. */
const READ_AT_ONCE = 4;
const RIGHT_MODULE = 'a module that loads without an error and does nothing else';

interface ReadOptions extends LoadOptions {
  /** Per file; default: 30 s. */
  timeoutMs?: number;
  /** Aborting it ends the wait for the modules. */
  signal?: AbortSignal;
}

/** By the absolute path of a file. */
type Faults = Record<string, Obstacle>;

/** How a process ended before everything was read. */
interface Breakdown {
  message: string;
  /** Files that it had read, was reading, or would have read. */
  files: readonly string[];
  /** The file that was being read. */
  last: string;
  /** Since the first file. */
  livedMs: number;
}

/**
 * Like `loadScenarios`, but runs users' code in child processes: usually all of it in one. If that one ends, hangs or fails,
 * each file is read in a process of its own, and then the scenarios again without those at fault. So all problems are
 * reported together, each under the name of its own file.
 * @throws UsageError also when a module ends the process that reads it, or never finishes
 */
export async function readScenarios(selectors: readonly string[], options: ReadOptions): Promise<Variant[]> {
  if (!(await runsUserCode(selectors, options))) return loadScenarios(selectors, options);
  const faults: Faults = {};
  for (;;) {
    const reading = await readTogether(selectors, options, faults);
    if ('variants' in reading) return reading.variants;
    if ('refused' in reading) throw new UsageError(reading.refused.message, reading.refused.problems);
    const suspects = reading.breakdown.files.filter(file => faults[file] === undefined);
    Object.assign(faults, await findFaults(reading.breakdown, suspects, options));
  }
}

type Outcome = Extract<ScenarioStep, { variants: unknown } | { refused: unknown }> | { breakdown: Breakdown };

async function readTogether(
  selectors: readonly string[],
  options: ReadOptions,
  faults: Faults,
): Promise<Outcome> {
  const { builtinDir, cwd, replaced, timeoutMs = READ_TIMEOUT_MS } = options;
  return withChild(options, async child => {
    const files = new Set<string>();
    let command: ScenarioCommand = { type: 'load', selectors, builtinDir, cwd, replaced, faults };
    let last: string | undefined;
    let startedAtMs = performance.now();
    for (;;) {
      const step = await nextStep(child, command, timeoutMs, last !== undefined);
      if ('variants' in step || 'refused' in step) return step;
      if ('failed' in step) {
        const livedMs = performance.now() - startedAtMs;
        return { breakdown: { message: step.failed, files: [...files], last: last ?? '', livedMs } };
      }
      if ('isAloneDone' in step) throw new Error('an answer to a question that was not asked');
      if (last === undefined) startedAtMs = performance.now();
      last = step.reading;
      for (const file of [step.reading, ...step.later]) files.add(file);
      command = { type: 'next' };
    }
  });
}

/**
 * Which of several files is at fault, and why.
 * @throws UsageError that names all of them, when each can be read by itself
 */
async function findFaults(
  { message, last, livedMs }: Breakdown,
  suspects: readonly string[],
  options: ReadOptions,
): Promise<Faults> {
  const [only, ...others] = suspects;
  if (only !== undefined && others.length === 0) return { [only]: { message, hint: RIGHT_MODULE } };
  // What ended the shared process may have been a file that was read before, some time after that.
  const lingerMs = Math.min(MAX_LINGER_MS, MIN_LINGER_MS + 2 * livedMs);
  const found: Faults = {};
  const left = [...suspects];
  const readNext = async (): Promise<void> => {
    for (let file = left.shift(); file !== undefined; file = left.shift()) {
      const fault = await readAlone(file, lingerMs, options);
      if (fault !== undefined) found[file] = { message: fault, hint: RIGHT_MODULE };
    }
  };
  await Promise.all(Array.from({ length: READ_AT_ONCE }, readNext));
  if (Object.keys(found).length > 0) return found;
  const names = suspects.map(file => shownPath(file, options.cwd)).join(', ');
  const text = `${message}; each of these modules loads by itself, so it is one of them, some time after it was read: ${names}`;
  const problems = [{ file: shownPath(last, options.cwd), path: '', message: text, hint: RIGHT_MODULE }];
  throw new UsageError(formatProblems(problems), problems);
}

const MIN_LINGER_MS = 200;
const MAX_LINGER_MS = 5_000;

/** What is wrong with a file; undefined: it ends nothing. Other problems of it are found with all the others. */
async function readAlone(file: string, lingerMs: number, options: ReadOptions): Promise<string | undefined> {
  const timeoutMs = (options.timeoutMs ?? READ_TIMEOUT_MS) + lingerMs;
  const step = await withChild(options, child =>
    nextStep(child, { type: 'load-alone', file, lingerMs }, timeoutMs, true),
  );
  return 'failed' in step ? step.failed : undefined;
}

async function withChild<Result>(
  { signal }: ReadOptions,
  use: (child: ReadingChild) => Promise<Result>,
): Promise<Result> {
  const child: ReadingChild = spawnChild<ScenarioCommand, ScenarioReply>({
    title: 'the process that reads modules',
    entry: './scenario-child',
  });
  using _ = signal && addAbortListener(signal, () => void child.kill());
  try {
    return await use(child);
  } catch (error) {
    if (signal?.aborted) throw new InterruptedError('interrupted while modules were read', { cause: error });
    throw error;
  } finally {
    await child.kill();
  }
}

/** @param isInUserCode whether the end of the process is a user's doing; otherwise it is an error of conntax */
async function nextStep(
  child: ReadingChild,
  command: ScenarioCommand,
  timeoutMs: number,
  isInUserCode: boolean,
): Promise<ScenarioStep> {
  try {
    return (await child.ask(command, 'step', timeoutMs)).step;
  } catch (error) {
    if (!(error instanceof ChildError) || !isInUserCode) throw error;
    if (error.reason === 'hung') return { failed: `was not read within ${Math.round(timeoutMs / 1_000)} s` };
    const end = /\((.*)\)$/.exec(error.message)?.[1] ?? error.message;
    const detail = lastLine(error.stderr);
    return { failed: `ends the process that reads it (${end})${detail === '' ? '' : `: ${detail}`}` };
  }
}

function lastLine(text: string): string {
  return shorten(text.trim().split('\n').at(-1) ?? '');
}
