// In: readings of a process before and after. Out: what it used in between, added up over many such spans.
import type { ProcessReading } from '../../servers/protocol.ts';
import type { Resources } from '../../results/model/trial.ts';

export interface UsageFold {
  add(before: ProcessReading, after: ProcessReading): number;
  finish(exchanges: number): Resources;
}

export function createUsage(): UsageFold {
  let cpuUs = 0;
  let wallMs = 0;
  let activeMs = 0;
  let idleMs = 0;
  let runDelayMs = 0;
  let rssBytes = 0;
  return {
    /** Returns the CPU time of the span, in µs. */
    add(before, after) {
      const spanCpuUs = after.cpuUs - before.cpuUs;
      cpuUs += spanCpuUs;
      wallMs += after.atMs - before.atMs;
      activeMs += after.loopActiveMs - before.loopActiveMs;
      idleMs += after.loopIdleMs - before.loopIdleMs;
      runDelayMs += after.runDelayMs - before.runDelayMs;
      rssBytes = Math.max(rssBytes, after.rssBytes);
      return spanCpuUs;
    },
    finish: exchanges => ({
      cpuUs,
      cpuUsPerRequest: exchanges === 0 ? 0 : cpuUs / exchanges,
      cpuRatio: wallMs === 0 ? 0 : cpuUs / 1_000 / wallMs,
      eventLoopRatio: activeMs + idleMs === 0 ? 0 : activeMs / (activeMs + idleMs),
      runDelayRatio: wallMs === 0 ? 0 : runDelayMs / wallMs,
      rssBytes,
    }),
  };
}
