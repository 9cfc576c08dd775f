// In: this process. Out: what it has used so far, in a form whose differences mean something.
import type { ProcessReading } from '../core/protocol.ts';

export function readProcess(): ProcessReading {
  const cpu = process.cpuUsage();
  const loop = performance.eventLoopUtilization();
  return {
    atMs: performance.now(),
    cpuUs: cpu.user + cpu.system,
    loopActiveMs: loop.active,
    loopIdleMs: loop.idle,
    rssBytes: process.memoryUsage.rss(),
  };
}
