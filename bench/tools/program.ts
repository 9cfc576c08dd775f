// A load tool that is a program of its own: finds it, starts it, reads what the kernel knows of it, and takes its output.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { MeasureError } from '../../results/errors.ts';
import type { ProcessReading } from '../../results/model/process.ts';
import { GROUP_SIGNALS } from '../../servers/process.ts';
import type { Obstacle } from '../contracts.ts';
import { watchOver } from '../watchdog.ts';

/**
 * Opens a file that has no name: the tool can read it as often as it likes, as its standard input, and nothing remains
 * after it ends.
 */
export function openUnnamed(content: string | Buffer): { fd: number; close(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'conntax-tool-'));
  try {
    const file = join(folder, 'input');
    writeFileSync(file, content, { mode: 0o600 });
    const fd = openSync(file, 'r');
    return { fd, close: () => closeSync(fd) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Where a tool finds its standard input as a file. */
export const STDIN_FILE = '/proc/self/fd/0';

/** Path of the program on PATH; undefined if it is not there. */
export function findProgram(name: string): string | undefined {
  const files = (process.env['PATH'] ?? '').split(delimiter).map(folder => join(folder, name));
  return files.find(file => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Why a program, named like its Debian package, cannot be used here; undefined if it can. */
export function missingProgram(name: string): Obstacle | undefined {
  const leaveOut = 'or ifInstalled: true, which skips the client if the program is missing';
  if (process.platform !== 'linux') {
    return {
      message: `${name} is measured by Linux's process statistics, and this system is ${process.platform}`,
      hint: `another transport, ${leaveOut}`,
    };
  }
  if (findProgram(name) !== undefined) return undefined;
  return {
    message: `the program ${name} is not installed (not found on PATH)`,
    hint: `apt-get install ${name}, ${leaveOut}`,
  };
}

/** Interval between requests to end, because the first one may come before the tool handles signals. */
const ASK_AGAIN_MS = 50;
const STDERR_TAIL_CHARS = 2_000;

export interface ToolOrder {
  program: string;
  args: readonly string[];
  /** A file descriptor for its standard input; absent: nothing to read. */
  stdin?: number;
  /** Time after its start when it is asked to end. */
  stopAfterMs: number;
  /** Time after its start when it is killed if it has not ended. */
  killAfterMs: number;
}

interface ToolResult {
  /** Its output; undefined if a signal ended it first: before it handled signals, or together with its process group. */
  output: string | undefined;
  startedAtMs: number;
  /** Readings of its process at its start, and when it was asked to end. */
  before: ProcessReading;
  after: ProcessReading;
}

/**
 * A program that was started, on the cores of this process. It has no message channel, ends by itself and answers on its standard
 * output, so it is not started like a process of conntax (bench/run/child.ts).
 */
export class ToolRun {
  /** Rejects when it fails or had to be killed. */
  readonly result: Promise<ToolResult>;
  readonly #order: ToolOrder;
  readonly #startedAtMs = performance.now();
  readonly #child: ChildProcess;
  readonly #gone: Promise<{ code: number | null; signal: string | null }>;
  #output = '';
  #errors = '';
  #after: ProcessReading | undefined;
  #isKilled = false;
  #asking: NodeJS.Timeout | undefined;

  constructor(order: ToolOrder) {
    const { program, args, stdin, stopAfterMs, killAfterMs } = order;
    this.#order = order;
    this.#child = spawn(program, args, { stdio: [stdin ?? 'ignore', 'pipe', 'pipe'] });
    watchOver(this.#child);
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-STDERR_TAIL_CHARS);
    });
    const stopTimer = setTimeout(() => this.stop(), stopAfterMs);
    const killTimer = setTimeout(() => {
      this.#isKilled = true;
      this.#child.kill('SIGKILL');
    }, killAfterMs);
    this.#gone = once(this.#child, 'close')
      .then(([code, signal]) => ({ code, signal }))
      .finally(() => {
        clearTimeout(stopTimer);
        clearTimeout(killTimer);
        clearInterval(this.#asking);
      });
    this.result = this.#finish();
  }

  /** Asks it to end now. */
  stop(): void {
    if (this.#asking !== undefined) return;
    this.#after = readTool(this.#child.pid, this.#startedAtMs);
    this.#child.kill('SIGINT');
    this.#asking = setInterval(() => this.#child.kill('SIGINT'), ASK_AGAIN_MS);
  }

  /** Kills it; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#gone.catch(() => {}); // a process that could not be started is also gone
  }

  async #finish(): Promise<ToolResult> {
    const { code, signal } = await this.#gone;
    // The whole process group was signalled, conntax too: the slice is lost, but that is not an error of the tool.
    const isCut = GROUP_SIGNALS.some(one => one === signal);
    if (code !== 0 && !isCut) {
      const { program, killAfterMs } = this.#order;
      const fault = this.#isKilled
        ? `did not end within ${killAfterMs} ms`
        : `ended with ${signal ?? `exit status ${code}`}`;
      const errors = this.#errors === '' ? '' : `: ${this.#errors.trim()}`;
      // Without a stack: what failed is another program.
      throw new MeasureError('generator-died', `${program} ${fault}${errors}`);
    }
    return {
      output: isCut ? undefined : this.#output,
      startedAtMs: this.#startedAtMs,
      before: nothingUsed(this.#startedAtMs),
      after: this.#after ?? nothingUsed(performance.now()),
    };
  }
}

function nothingUsed(atMs: number): ProcessReading {
  return { atMs, cpuUs: 0, loopActiveMs: 0, loopIdleMs: 0, runDelayMs: 0, rssBytes: 0 };
}

/** The kernel's statistics of all threads of a process; zero if it has ended. */
function readTool(pid: number | undefined, startedAtMs: number): ProcessReading {
  const reading = nothingUsed(performance.now());
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const schedstat = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1');
      const [cpuNs = 0, runDelayNs = 0] = schedstat.split(' ').map(Number);
      reading.cpuUs += cpuNs / 1_000;
      reading.runDelayMs += runDelayNs / 1e6;
    }
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    reading.rssBytes = Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1_024;
  } catch {
    // the process or one of its threads has just ended
  }
  reading.runDelayMs = Math.min(reading.runDelayMs, reading.atMs - startedAtMs);
  return reading;
}
