// In: a program that is installed, and its arguments. Out: one run of it, watched and bounded: its words, and what it used.
import { spawn } from 'node:child_process';
import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Obstacle } from '../contracts.ts';
import type { ProcessReading } from '../../servers/protocol.ts';
import { watchOver } from '../run/watchdog.ts';

/** How often it is asked to end: the first time may come before it listens. */
const ASK_AGAIN_MS = 50;
/** Sent to the whole process group, this program and its parent too: what the slice has measured is lost, and that is no fault. */
const GROUP_SIGNALS: readonly (string | null)[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const STDERR_TAIL_CHARS = 2_000;

/** Where on PATH the program is; undefined when it is not. */
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

/** Why a program of Debian's package of the same name can't be used here; undefined: it can. */
export function missingProgram(name: string): Obstacle | undefined {
  const leaveOut = 'or ifInstalled: true, which leaves the arm out where it is missing';
  if (process.platform !== 'linux') {
    return {
      message: `${name} is measured by what Linux says of its process, and this is ${process.platform}`,
      hint: `another transport, ${leaveOut}`,
    };
  }
  if (findProgram(name) !== undefined) return undefined;
  return {
    message: `the program ${name} is not installed: it is in no folder of PATH`,
    hint: `apt-get install ${name}, ${leaveOut}`,
  };
}

export interface ToolOrder {
  program: string;
  args: readonly string[];
  /** A file descriptor for its standard input; absent: nothing to read. */
  stdin?: number;
  /** When it is asked to end, since its start. */
  stopAfterMs: number;
  /** When it is killed if it has not ended by then. */
  killAfterMs: number;
}

export interface ToolResult {
  /** What it printed; undefined where a signal ended it before it could: asked to end before it listened, or with its whole group. */
  output: string | undefined;
  startedAtMs: number;
  /** Its process when it was started, and when it was asked to end. */
  before: ProcessReading;
  after: ProcessReading;
}

export interface ToolRun {
  /** @throws Error when it fails, or had to be killed. */
  readonly result: Promise<ToolResult>;
  /** Asks it to end now. */
  stop(): void;
  /** Ends it at once; resolves when it is gone. */
  kill(): Promise<void>;
}

/** Starts the program; it runs on the cores that this process may run on. */
export function runTool({ program, args, stdin, stopAfterMs, killAfterMs }: ToolOrder): ToolRun {
  const startedAtMs = performance.now();
  const child = spawn(program, args, { stdio: [stdin ?? 'ignore', 'pipe', 'pipe'] });
  watchOver(child);
  let output = '';
  let errors = '';
  let after: ProcessReading | undefined;
  let isKilled = false;
  let asking: NodeJS.Timeout | undefined;
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-STDERR_TAIL_CHARS);
  });

  function stop(): void {
    if (asking !== undefined) return;
    after = readTool(child.pid, startedAtMs);
    child.kill('SIGINT');
    asking = setInterval(() => child.kill('SIGINT'), ASK_AGAIN_MS);
  }

  const stopTimer = setTimeout(stop, stopAfterMs);
  const killTimer = setTimeout(() => {
    isKilled = true;
    child.kill('SIGKILL');
  }, killAfterMs);
  const gone = new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  }).finally(() => {
    clearTimeout(stopTimer);
    clearTimeout(killTimer);
    clearInterval(asking);
  });

  async function finish(): Promise<ToolResult> {
    const { code, signal } = await gone;
    const fault = isKilled
      ? `did not end within ${killAfterMs} ms`
      : `ended with ${signal ?? `exit status ${code}`}`;
    const isCut = GROUP_SIGNALS.includes(signal);
    if (code !== 0 && !isCut)
      throw new Error(`${program} ${fault}${errors === '' ? '' : `: ${errors.trim()}`}`);
    return {
      output: isCut ? undefined : output,
      startedAtMs,
      before: nothingUsed(startedAtMs),
      after: after ?? nothingUsed(performance.now()),
    };
  }

  return {
    result: finish(),
    stop,
    async kill() {
      child.kill('SIGKILL');
      await gone.catch(() => {}); // one that could not be started is gone, too
    },
  };
}

function nothingUsed(atMs: number): ProcessReading {
  return { atMs, cpuUs: 0, loopActiveMs: 0, loopIdleMs: 0, runDelayMs: 0, rssBytes: 0 };
}

/** What the kernel says of all threads of a process; nothing used where there is none any more. */
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
    // it, or one of its threads, has just ended
  }
  reading.runDelayMs = Math.min(reading.runDelayMs, reading.atMs - startedAtMs);
  return reading;
}
