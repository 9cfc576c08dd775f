// In: this process. Out: what it has used so far, in a form whose differences mean something.
import { readFileSync } from 'node:fs';
import type { ProcessReading } from './protocol.ts';

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
