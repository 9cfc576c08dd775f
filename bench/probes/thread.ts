// What this thread uses: of several in a process, each has an event loop and a share of the processors of its own.
import { readFileSync } from 'node:fs';
import type { ProcessReading } from '../../results/model/trial.ts';

/** Cumulative. */
export type ThreadReading = Pick<
  ProcessReading,
  'atMs' | 'cpuUs' | 'loopActiveMs' | 'loopIdleMs' | 'runDelayMs'
>;

export function readThread(): ThreadReading {
  const { user, system } = process.threadCpuUsage();
  const { active, idle } = performance.eventLoopUtilization();
  return {
    atMs: performance.now(),
    cpuUs: user + system,
    loopActiveMs: active,
    loopIdleMs: idle,
    runDelayMs: readRunDelayMs(),
  };
}

/** The second field of schedstat, in nanoseconds; 0 where there is none. */
function readRunDelayMs(): number {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}
