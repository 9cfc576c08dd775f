// Opens a target at one or several origins: servers of one process, each with a port, a behaviour and counters of its own.
import { createRandom } from '../results/random.ts';
import { originCount } from '../scenarios/model/target-facts.ts';
import { createCertificate, type OpenTarget, type OpenTargetOptions, openTarget } from './app.ts';
import { sumCounters } from './counters.ts';

/** Like openTarget; with several origins, its counts are sums, beside those of each. */
export async function openOrigins(options: OpenTargetOptions): Promise<OpenTarget> {
  const { target, seed, address } = options;
  const count = originCount(target);
  if (count === 1) return openTarget(options);
  // One for all, so that clients trust one authority.
  const certificate = target.tls === 'none' ? undefined : await createCertificate(target.tlsKey, address);
  const opened: OpenTarget[] = [];
  const closeAll = async () => void (await Promise.all(opened.map(({ close }) => close())));
  try {
    for (let index = 0; index < count; index++) {
      const own = Math.floor(createRandom(seed, 'origin', index)() * 2 ** 31);
      opened.push(await openTarget({ ...options, seed: own, ...(certificate && { certificate }) }));
    }
  } catch (error) {
    await closeAll();
    throw error;
  }
  const [{ endpoint, serviceMs }] = opened as [OpenTarget, ...OpenTarget[]];
  return {
    endpoint: { ...endpoint, origins: opened.map(({ endpoint: { origin, path } }) => ({ origin, path })) },
    serviceMs,
    read() {
      const counters = opened.map(({ read }) => read());
      const total = sumCounters(counters);
      const { accepted, requests } = total;
      return {
        ...total,
        backends: [{ accepted, requests }],
        growth: null,
        faults: counters[0]!.faults.map((_, index) =>
          counters.reduce((sum, { faults }) => sum + faults[index]!, 0),
        ),
        origins: counters.map(({ accepted, requests }) => ({ accepted, requests })),
      };
    },
    startSlice: windowAfterMs => {
      for (const { startSlice } of opened) startSlice(windowAfterMs);
    },
    close: closeAll,
  };
}
