// Helpers of child processes: obey only the parent, and read the process's own resource use.
import { openSync, readSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { errorMessage } from '../results/errors.ts';
import type { ProcessReading } from '../results/model/process.ts';
import { CpuLimits } from './cpu-limit.ts';

/** How often this process was continued after a stop. */
let continued = 0;

/** Signals to the whole process group: Ctrl-C; a cancelled job or `timeout`; a closed terminal. */
export const GROUP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Ignores signals of the process group: the parent receives them too and decides what happens to the trial. When the channel
 * closes, the parent is gone and `leave` is called.
 */
export function obeyParentOnly(leave: () => void): void {
  process.on('SIGCONT', () => continued++);
  for (const signal of GROUP_SIGNALS) process.on(signal, () => {});
  process.once('disconnect', leave);
}

/** Keeps compiled code for the next process of this kind: a child that is killed has no other chance to. */
export function keepCompiledCode(): void {
  flushCompileCache();
}

/**
 * Runs this process as a server of the parent's commands until the channel closes. A command that fails is reported, and ends
 * the process once the report is sent. Without a channel it ends at once: it is never started by hand.
 * @param entry its name in that message
 */
export function serveParent<Command>(entry: string, obey: (command: Command) => Promise<void>): void {
  if (!process.send) {
    process.stderr.write(`${entry} is started by conntax run, with a process channel; it cannot run alone\n`);
    process.exit(2);
  }
  obeyParentOnly(() => process.exit(0));
  process.on('message', (command: Command) => void obey(command).catch(fail));
}

function fail(error: unknown): void {
  process.send?.({ type: 'failed', message: errorMessage(error) }, () => process.exit(1));
}

/** Limits of this process; undefined: not looked for yet. */
let cpuLimits: CpuLimits | undefined;

export function readProcess(): ProcessReading {
  cpuLimits ??= CpuLimits.find('self');
  const throttling = cpuLimits.read();
  const cpu = process.cpuUsage();
  const loop = performance.eventLoopUtilization();
  return {
    atMs: performance.now(),
    cpuUs: cpu.user + cpu.system,
    loopActiveMs: loop.active,
    loopIdleMs: loop.idle,
    runDelayMs: readRunDelayMs(),
    rssBytes: readRssBytes(),
    continued,
    ...(throttling.length === 0 ? {} : { throttling }),
  };
}

/** Resident memory; of a process that may open no more files, the largest that it had: only that is known without one. */
function readRssBytes(): number {
  try {
    return process.memoryUsage.rss();
  } catch {
    return process.resourceUsage().maxRSS * 1_024;
  }
}

/** Descriptor of the main thread's schedstat. Kept open, because a process that may open no more files is measured too; undefined: not Linux. */
let schedstat: number | undefined | null = null;
const schedstatText = Buffer.alloc(128);

/** Time of the main thread on the run queue: the second field of schedstat, in nanoseconds. */
function readRunDelayMs(): number {
  if (schedstat === null) schedstat = openSchedstat();
  if (schedstat === undefined) return 0;
  const length = readSync(schedstat, schedstatText, 0, schedstatText.length, 0);
  return Number(schedstatText.toString('latin1', 0, length).split(' ')[1]) / 1e6;
}

function openSchedstat(): number | undefined {
  try {
    return openSync('/proc/self/schedstat', 'r');
  } catch {
    return undefined;
  }
}
