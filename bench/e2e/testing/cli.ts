// Runs the real command line in its own process group: its output, its exit status, and that no process is left behind.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Called, measureHere } from '../../testing/in-process.ts';
import { watchOver } from '../../watchdog.ts';
import {
  type Found,
  findProcesses,
  killProcesses,
  leftProcesses,
  MARK,
  POLL_MS,
  signalProcess,
} from './processes.ts';

/** Whose end is the end of what was started for it: a test, or a case of the campaign. */
export interface Scope {
  after(act: () => unknown): void;
}

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

/** The command that a user types as `conntax`. */
export const CONNTAX: readonly string[] = [process.execPath, MAIN];

/** The same, without charts in its reports. */
export const PLAIN_CONNTAX: readonly string[] = [
  process.execPath,
  '--import',
  new URL('without-charts.ts', import.meta.url).href,
  MAIN,
];

export interface CliOptions {
  /** Working directory. */
  cwd: string;
  env?: Readonly<Record<string, string>>;
  /** What stands before the command, such as `prlimit --nofile=70`. */
  wrapper?: readonly string[];
  /** Whether reports have charts; default: they have none. */
  hasCharts?: boolean;
}

export interface CliResult {
  /** Exit status; null when a signal ended it. */
  status: number | null;
  stdout: string;
  stderr: string;
}

export type ChildEntry = 'generator-child' | 'target-child' | 'link-child';

export interface RunningCli {
  /** Resolves when the pattern has been seen on stderr; fails when the program ends without. */
  seen(pattern: RegExp): Promise<void>;
  /** What it has said on stderr by now. */
  stderr(): string;
  /** Sends a signal to the whole process group: SIGINT, as a terminal does on Ctrl-C, unless another is given. */
  interrupt(signal?: NodeJS.Signals): void;
  /** Ends it by SIGKILL, and it alone. */
  kill(): void;
  /** Every living process of it, itself included. */
  processes(): Found[];
  /** Living child processes of one kind. */
  children(entry: ChildEntry): Found[];
  /** Resolves as soon as there is a child process of a kind, which has hardly begun then. */
  spawned(entry: ChildEntry): Promise<void>;
  /** Resolves as soon as a process of it has `part` in its command line. */
  spawnedProgram(part: string): Promise<void>;
  /** Resolves when it has ended; fails when it left a process behind. */
  result: Promise<CliResult>;
}

/** The user's environment, without what would change colours or the options of Node. */
function baseEnv(): NodeJS.ProcessEnv {
  const { NO_COLOR, FORCE_COLOR, NODE_OPTIONS, NODE_TEST_CONTEXT, ...env } = process.env;
  return env;
}

/** Starts `conntax` with these words; the test's end is its end. */
export function startCli(t: Scope, args: readonly string[], options: CliOptions): RunningCli {
  const program = options.hasCharts === true ? CONNTAX : PLAIN_CONNTAX;
  return startProgram(t, [...(options.wrapper ?? []), ...program, ...args], options);
}

/** Starts any program that runs `conntax` somewhere within. */
export function startProgram(
  t: Scope,
  [command, ...args]: readonly string[],
  { cwd, env = {} }: CliOptions,
): RunningCli {
  const mark = randomUUID();
  const child = spawn(command!, args, {
    cwd,
    detached: true,
    env: { ...baseEnv(), ...env, [MARK]: mark },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  watchOver(child); // should the tests themselves be killed
  t.after(() => killProcesses(mark));

  let stdout = '';
  let stderr = '';
  const waiting = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    for (const look of waiting) look();
  });

  const ended = new Promise<CliResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', status => resolve({ status, stdout, stderr }));
  });
  const result = ended.then(async outcome => {
    const left = await leftProcesses(mark);
    assert.deepEqual(left, [], `processes were left behind after:\n${outcome.stderr}`);
    return outcome;
  });
  // A later await still sees the failure.
  result.catch(() => {});

  const children = (entry: ChildEntry): Found[] => findProcesses(mark, `${entry}.ts`);

  async function spawnedProgram(part: string): Promise<void> {
    while (findProcesses(mark, part).length === 0) {
      assert.equal(child.exitCode, null, `it ended without "${part}":\n${stderr}`);
      await delay(POLL_MS);
    }
  }

  return {
    seen(pattern) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const look = (): void => {
        if (pattern.test(stderr)) resolve();
      };
      waiting.add(look);
      look();
      const giveUp = (): void => reject(new Error(`it ended before ${pattern} was seen:\n${stderr}`));
      ended.then(giveUp, giveUp);
      return promise.finally(() => waiting.delete(look));
    },
    stderr: () => stderr,
    interrupt(signal = 'SIGINT') {
      signalProcess(-child.pid!, signal);
    },
    kill() {
      signalProcess(child.pid!, 'SIGKILL');
    },
    processes: () => findProcesses(mark),
    children,
    spawned: entry => spawnedProgram(`${entry}.ts`),
    spawnedProgram,
    result,
  };
}

/** Runs `conntax` to its end. */
export function runCli(t: Scope, args: readonly string[], options: CliOptions): Promise<CliResult> {
  return startCli(t, args, options).result;
}

/**
 * Runs `conntax` to its end in the process of the test, with real processes around it: for what a run measures, and says of it. It
 * saves the start of the program and the drawing of charts, which cost more than all processes of a tiny run. Fails like
 * `runCli` when a process is left behind. Not twice at once.
 */
export async function runHere(
  t: Scope,
  args: readonly string[],
  { cwd, env = {} }: Pick<CliOptions, 'cwd' | 'env'>,
): Promise<Called> {
  const mark = randomUUID();
  t.after(() => killProcesses(mark));
  // The watchdog that it starts lives as long as this process, so it must not carry the mark.
  watchOver(spawn('true'));
  const outcome = await measureHere(args, { cwd, env: { ...env, [MARK]: mark } });
  const left = await leftProcesses(mark);
  assert.deepEqual(left, [], `processes were left behind after:\n${outcome.stderr}`);
  return outcome;
}
