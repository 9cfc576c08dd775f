// In: a server that we did not start, as it was found. Out: the target that it is: where load goes, and what the kernel counts.
import { hasKernelCounts, readKernelCounts } from '../probes/kernel.ts';
import type { FoundServer } from './external-server.ts';
import type { MeasuredTarget } from './targets.ts';

/**
 * There is no process of ours behind it: nothing to start, to pin, to condition or to end, and no counters but the kernel's.
 * A server on this machine has its connections accepted by this kernel; of any other only what this machine opened is known.
 */
export function openForeignTarget({ facts, endpoint }: FoundServer): MeasuredTarget {
  const { isLoopback } = facts;
  return {
    endpoint,
    isLoopback,
    isAlive: true,
    async read() {
      const countedBy = isLoopback ? 'kernel' : 'kernelOpens';
      if (!hasKernelCounts()) return { countedBy, accepted: null };
      const { passiveOpens, activeOpens } = readKernelCounts();
      return { countedBy, accepted: isLoopback ? passiveOpens : activeOpens };
    },
    kill: async () => {},
  };
}
