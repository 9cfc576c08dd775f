// In: this process. Out: what it has used so far, in a form whose differences mean something.
import { readFileSync } from 'node:fs';
import type { ProcessReading } from '../results/model/trial.ts';

// From how this process leaves. Out: it leaves when its parent is gone, and at no other signal that a terminal or a shell may send.

/** What reaches a whole process group: Ctrl-C, a cancelled job, a closed terminal. */
const GROUP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Leaves the end of this process to its parent, which gets the same signals and decides what becomes of the trial. When the
 * channel to it closes, the parent is gone.
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

/** The second field of schedstat: nanoseconds on the run queue, of the main thread. */
function readRunDelayMs(): number {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'latin1').split(' ')[1]) / 1e6;
  } catch {
    return 0; // not Linux
  }
}
