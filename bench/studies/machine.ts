// Prints when, where and with what a study was measured.
import type { Host } from '../../results/model/run.ts';
import { describeHost } from '../probes/host.ts';

/** @param isPinned whether the study runs its processes on the cores that the host has for them */
export async function announce(title: string, isPinned = true): Promise<Host> {
  const host = await describeHost();
  console.log(`# ${title}`);
  console.log(
    `${new Date().toISOString()}, ${host.cpuModel} x ${host.cpuCount}, Linux ${host.kernel}, Node ${host.node}, ` +
      `undici ${host.packages['undici']}, ${isPinned ? host.pinningDetail : 'not pinned'}, load average ${host.loadAverage[0]?.toFixed(2)}\n`,
  );
  return host;
}
