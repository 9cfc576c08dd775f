// The readings that only an open load has, consistent with the sample's latencies.
import type { Arrivals, Capacity, Probe, Trial } from '../model/trial.ts';
import type { Random } from '../random.ts';

/** The truth of a sample search: the rate that an arm with this number of requests per connection sustains. */
const CAPACITY_PER_SEC = { short: 4_000, persistent: 21_000 } as const;

export function sampleArrivals(completed: number): Arrivals {
  const heldBack = Math.round(completed / 500);
  return { due: completed, heldBack, unsent: 0, unfinished: 0, ended: completed - 3 };
}

/** A search that doubled up to the truth and halved from there; one probe of it failed by bad luck. */
export function sampleCapacity({ load, client }: Trial, random: Random): Capacity | null {
  if (load.model !== 'capacity') return null;
  const isShort = client.requestsPerConnection === 1;
  const truth = CAPACITY_PER_SEC[isShort ? 'short' : 'persistent'] * (1 + 0.2 * (random() - 0.5));
  const probes: Probe[] = [];
  const probe = (ratePerSec: number, isLucky = true): boolean => {
    const load = ratePerSec / truth;
    const isKept = isLucky && load <= 1;
    const p99Us = isKept ? 3_000 / (1.06 - load) : 60_000 * Math.max(1, load) ** 3;
    probes.push({
      ratePerSec,
      isKept,
      p50Us: p99Us / 3,
      p99Us,
      errorRatio: 0,
      achievedPerSec: Math.min(ratePerSec, truth),
      limit: isKept ? null : isShort ? 'generator' : 'latency',
      why: isKept ? 'the objective held' : `p99 was ${Math.round(p99Us / 1_000)} ms, above 50 ms`,
    });
    return isKept;
  };
  let low = load.minRatePerSec;
  probe(low, false);
  probe(low);
  let high = 2 * low;
  for (; probe(high); high *= 2) low = high;
  probe(high);
  while (high / low > 1 + load.resolutionRatio) {
    const middle = Math.sqrt(low * high);
    if (probe(middle)) low = middle;
    else {
      probe(middle);
      high = middle;
    }
  }
  probe(low);
  return { ratePerSec: low, notKeptPerSec: high, isSettled: true, probes };
}
