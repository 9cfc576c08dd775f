// Runs a user's command line in a process group of its own: its output is kept, its use is read, and it is ended as a whole.
import { type ChildProcess, spawn } from 'node:child_process';
import { addAbortListener, once } from 'node:events';
import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { UsageError } from '../../results/errors.ts';
import { writing } from '../../results/files.ts';
import type { ProcessReading } from '../../results/model/process.ts';
import { visibleLines } from '../../results/visible.ts';
import { ProcessTree } from '../probes/process-tree.ts';
import { watchOverGroup } from '../watchdog.ts';
import { type Placement, placed } from './child.ts';

const TAIL_BYTES = 4_000;
/** A server may log a line for each request; more than this is cut between slices. */
const MAX_LOG_BYTES = 1 << 20;

/** A file without a name, so that nothing of it is left, however this process ends. */
function openLog(): number {
  const start = join(tmpdir(), 'conntax-log-');
  const folder = writing(start, () => mkdtempSync(start));
  try {
    // Appending, so that a program goes on at the new end after a cut.
    return writing(folder, () => openSync(join(folder, 'log'), 'a+'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface CommandOptions extends Placement {
  /** Run by sh. */
  command: string;
  cwd: string;
  env: NodeJS.ProcessEnv;
}

/** Output of a program, as messages show it: without colours. */
export function plainOutput(text: string): string {
  return visibleLines(stripVTControlCharacters(text).replaceAll('\r\n', '\n'));
}

/** How the command itself ended: `exit status 1`, `SIGTERM`. */
type End = string;
export const SUCCESS: End = 'exit status 0';

const POLL_MS = 20;

/**
 * A command and all processes that it starts. Its output goes to a file, not through this process, which would have to read it
 * while something is measured.
 */
export class CommandGroup {
  readonly pid: number;
  /** Resolves when the command has ended; processes that it started may live on. */
  readonly ended: Promise<End>;
  readonly #log: number;
  readonly #tree: ProcessTree;
  readonly #release: () => void;
  #end: End | undefined;
  #cutTail = '';
  #killing: Promise<void> | undefined;

  /** @throws UsageError when the system cannot run it: no such folder, no sh */
  static async start(options: CommandOptions): Promise<CommandGroup> {
    if (process.platform === 'win32') {
      throw new UsageError('a command is started in a process group, which Windows does not have');
    }
    if (!existsSync(options.cwd)) throw new UsageError(`folder not found: ${options.cwd}`);
    const { command, cwd, env } = options;
    const [file, ...args] = [...placed(options), 'sh', '-c', command];
    const log = openLog();
    // Detached: a session of its own, so that Ctrl-C in the terminal does not reach it.
    const child = spawn(file!, args, { cwd, env, detached: true, stdio: ['ignore', log, log] });
    try {
      await once(child, 'spawn');
    } catch (error) {
      closeSync(log);
      throw new UsageError(`cannot run ${file} in ${cwd}: ${(error as Error).message}`);
    }
    return new CommandGroup(child, log);
  }

  private constructor(child: ChildProcess, log: number) {
    this.pid = child.pid!;
    this.#log = log;
    this.#tree = new ProcessTree(this.pid);
    this.#release = watchOverGroup(this.pid);
    this.ended = new Promise(resolve => {
      child.once('exit', (code, signal) => {
        this.#end = signal ?? `exit status ${code}`;
        resolve(this.#end);
      });
    });
  }

  /** How the command ended; undefined while it runs. */
  get end(): End | undefined {
    return this.#end;
  }

  /** What its processes used so far; null where the system has no such statistics. Cuts a log that has grown long. */
  read(): ProcessReading | null {
    if (fstatSync(this.#log).size > MAX_LOG_BYTES) {
      this.#cutTail = this.tail();
      ftruncateSync(this.#log, 0);
    }
    return this.#tree.read();
  }

  /** Whether one of its processes listens on this TCP port. */
  ownsPort(port: number): boolean {
    return this.#tree.ownsPort(port);
  }

  /** The first part of its output, since it was last cut. */
  head(): string {
    return this.#readLog(0, MAX_LOG_BYTES);
  }

  /** The last lines of its output. */
  tail(): string {
    const { size } = fstatSync(this.#log);
    const text = this.#readLog(Math.max(0, size - TAIL_BYTES), TAIL_BYTES);
    return plainOutput(this.#cutTail + text)
      .slice(-TAIL_BYTES)
      .trim();
  }

  /**
   * Ends all of its processes: asks first, so that they can clean up, and kills those that are left after graceMs. Resolves when
   * they are gone.
   */
  kill(graceMs: number): Promise<void> {
    this.#killing ??= this.#killAll(graceMs);
    return this.#killing;
  }

  async #killAll(graceMs: number): Promise<void> {
    const giveUpAtMs = performance.now() + graceMs;
    this.#signal('SIGTERM');
    while (!this.#isGone() && performance.now() < giveUpAtMs) await delay(POLL_MS);
    while (!this.#isGone()) {
      this.#signal('SIGKILL');
      await delay(POLL_MS);
    }
    await this.ended;
    this.#release();
    closeSync(this.#log);
  }

  #isGone(): boolean {
    if (this.#end === undefined) return false;
    return (this.#tree.living() ?? membersOfGroup(this.pid)).every(pid => pid === this.pid);
  }

  #signal(signal: NodeJS.Signals): void {
    // The group at once, and those that have left it.
    for (const id of [-this.pid, ...(this.#tree.living() ?? [])]) {
      try {
        process.kill(id, signal);
      } catch {
        // it is gone already
      }
    }
  }

  #readLog(from: number, length: number): string {
    const bytes = Buffer.alloc(Math.min(length, fstatSync(this.#log).size - from));
    const count = readSync(this.#log, bytes, 0, bytes.length, from);
    return bytes.toString('utf8', 0, count);
  }
}

/** A command that runs to its end has nothing worth waiting for when it is asked to end. */
const END_GRACE_MS = 500;

/**
 * Runs a command to its end; no process that it started is left then.
 *
 * @returns how it ended, and the last lines of its output
 * @throws UsageError when the system cannot run it; the signal's reason when the signal aborts
 */
export async function runCommand(
  options: CommandOptions,
  signal: AbortSignal,
): Promise<{ end: End; tail: string }> {
  signal.throwIfAborted();
  const group = await CommandGroup.start(options);
  using _ = addAbortListener(signal, () => void group.kill(END_GRACE_MS));
  try {
    const end = await group.ended;
    signal.throwIfAborted();
    return { end, tail: group.tail() };
  } finally {
    await group.kill(END_GRACE_MS);
  }
}

/** Where the system does not list processes, the group can still be asked: its negative id, or none. */
function membersOfGroup(leaderPid: number): number[] {
  try {
    process.kill(-leaderPid, 0);
    return [-leaderPid];
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? [-leaderPid] : [];
  }
}
