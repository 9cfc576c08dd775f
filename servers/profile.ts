// A CPU profile and a heap snapshot of this process, in the formats that the developer tools of browsers open.
import { writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';
import { writeHeapSnapshot } from 'node:v8';

/** V8's own default is a millisecond, in which a client sends dozens of requests. */
const SAMPLED_EVERY_US = 200;

export interface RunningProfile {
  /**
   * Ends the CPU profile, then takes a heap snapshot, for which the process stands still: seconds for a large heap.
   *
   * @param path of the files, without their extensions
   */
  save(path: string): Promise<void>;
}

/** Begins a CPU profile. The samples cost CPU time, so that nothing else should be measured meanwhile. */
export async function startProfile(): Promise<RunningProfile> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: SAMPLED_EVERY_US });
  await session.post('Profiler.start');
  return {
    async save(path) {
      const { profile } = await session.post('Profiler.stop');
      session.disconnect();
      await writeFile(`${path}.cpuprofile`, JSON.stringify(profile));
      writeHeapSnapshot(`${path}.heapsnapshot`);
    },
  };
}
