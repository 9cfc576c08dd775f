// In: nothing. Out: what every study prints first: when, where and with what it was measured.
import type { Host } from '../core/run-types.ts';
import { describeHost } from '../run/host.ts';

export async function announce(title: string): Promise<Host> {
  const host = await describeHost();
  console.log(`# ${title}`);
  console.log(
    `${new Date().toISOString()}, ${host.cpuModel} x ${host.cpuCount}, Linux ${host.kernel}, Node ${host.node}, ` +
      `undici ${host.packages['undici']}, ${host.pinningDetail}, load average ${host.loadAverage[0]?.toFixed(2)}\n`,
  );
  return host;
}
