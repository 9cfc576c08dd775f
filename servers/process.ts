// Helpers of child processes: obey only the parent, and read the process's own resource use.
import { readFileSync } from 'node:fs';
import type { ProcessReading } from '../results/model/trial.ts';

/** Signals to the whole process group: Ctrl-C, a cancelled job, a closed terminal. */
const GROUP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Ignores signals of the process group: the parent receives them too and decides what happens to the trial. When the channel
 * closes, the parent is gone and `leave` is called.
 */
export function obeyParentOnly(leave: () => void): void {
  for (const signal of GROUP_SIGNALS) process.on(signal, () => {});
  process.once('disconnect', leave);
}

export function readProcess(): ProcessReading {
  const cpu = process.cpuUsage();
  const loop = performance.eventLoopUtilization();
  return {
    atMs: performance.now(),
    cpuUs: cpu.user + cpu.system,
    loopActiveMs: loop.active,
    loopIdleMs: loop.idle,
    runDelayMs: readRunDelayMs(),
    rssBytes: process.memoryUsage.rss(),
  };
}

/** Time of the main thread on the run queue: the second field of schedstat, in nanoseconds. */
function readRunDelayMs(): number {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'latin1').split(' ')[1]) / 1e6;
  } catch {
    return 0; // not Linux
  }
}
