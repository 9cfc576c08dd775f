// Describes searches for a capacity: what limited them, and those that ended without one.
import { hasFewBeyond, METRIC_TABLE, type SearchOutcome, searchOutcome } from '../../results/metrics.ts';
import type { Capacity, ProbeLimit } from '../../results/model/trial.ts';
import type { CapacityLoad } from '../../scenarios/model/load.ts';
import { type ArmView, type CellView, signsOf } from '../cell-view.ts';
import { formatRequestedRate } from './load.ts';
import { countReplicates, formatCount, formatInterval } from './numbers.ts';

/** The searches of an arm, one per trial. */
export function listCapacities({ trials }: Pick<ArmView, 'trials'>): Capacity[] {
  return trials.flatMap(({ measurement }) => measurement.capacity ?? []);
}

/** The last probe of the lowest rate that failed; undefined if none failed. */
export function lowestFailing({ notKeptPerSec, probes }: Capacity): Capacity['probes'][number] | undefined {
  return probes.findLast(probe => probe.ratePerSec === notKeptPerSec && !probe.isKept);
}

/** Why the lowest unsustained rate failed; null if none did. */
export function findLimit(capacity: Capacity): ProbeLimit | null {
  return lowestFailing(capacity)?.limit ?? null;
}

type Cell = Pick<CellView, 'arms' | 'result'>;

/**
 * Whether a cell has searches, but no two clients with a capacity that can be compared; of a single client, whether it has none.
 * The headline then says what was tried and found.
 */
export function lacksCapacities({ arms, result }: Cell): boolean {
  const { load } = result.scenario;
  if (load.model !== 'capacity' || arms.every(arm => listCapacities(arm).length === 0)) return false;
  const compared = result.comparisons.filter(({ metric }) => metric === 'capacityPerSec');
  return compared.length === 0
    ? arms.every(({ summary }) => summary?.capacityPerSec == null)
    : compared.every(({ replicateRatios, ratio }) => replicateRatios.length === 0 && ratio === null);
}

/** `For short the lowest rate tried, 500 requests per second, already missed the objective: p99 was 60 ms, above 50 ms.` */
export function describeGaps({ arms, result }: Cell): string[] {
  const { load } = result.scenario;
  if (load.model !== 'capacity') return [];
  return arms.flatMap(arm =>
    (['lowestFailed', 'highestSustained', 'cutShort'] as const).flatMap(outcome => {
      const found = listCapacities(arm).filter(capacity => searchOutcome(capacity) === outcome);
      const [first] = found;
      if (first === undefined) return [];
      const all = listCapacities(arm).length;
      const who =
        found.length === all ? arm.name : `${arm.name}, in ${found.length} of ${countReplicates(all)},`;
      return [`For ${who} ${describeGap(outcome, first, load)}.`];
    }),
  );
}

function describeGap(
  outcome: Exclude<SearchOutcome, 'found'>,
  capacity: Capacity,
  { minRatePerSec, maxRatePerSec }: CapacityLoad,
): string {
  switch (outcome) {
    case 'lowestFailed': {
      const why = lowestFailing(capacity)?.why;
      return `the lowest rate tried, about ${formatRequestedRate(minRatePerSec)} requests per second, already missed the objective${why === undefined ? '' : `: ${why}`}; the other tables show that rate. Expected: a lower load.minRatePerSec`;
    }
    case 'highestSustained':
      return `no rate up to ${formatRequestedRate(maxRatePerSec)} requests per second failed, so the capacity is at least that. Expected: a higher load.maxRatePerSec`;
    case 'cutShort':
      return `the search was cut short after ${formatCount(capacity.probes.length)} ${capacity.probes.length === 1 ? 'probe' : 'probes'}`;
    default:
      return outcome satisfies never;
  }
}

/** `No capacity of short was found`: of a cell that lacks capacities. */
export function nameLack({ arms }: Cell): string {
  const names = arms
    .filter(arm => listCapacities(arm).length > 0 && arm.summary?.capacityPerSec == null)
    .map(({ name }) => name);
  // Each may have one, but of another replicate than the other.
  return names.length === 0 ? 'Nothing can be compared' : `No capacity of ${names.join(' and ')} was found`;
}

/** The same with what was tried and found, and with the capacities that are known. */
export function describeLack(view: Cell): string {
  const known = view.arms.flatMap(({ name, summary, marks }) =>
    summary?.capacityPerSec == null
      ? []
      : [`${name} sustains ${formatInterval(summary.capacityPerSec)}${signsOf(marks)} requests per second.`],
  );
  return [`${nameLack(view)}.`, ...describeGaps(view), ...known].join(' ');
}

/** What to read with the capacities of a cell. */
export function capacityRemarks(view: Cell): string[] {
  const { arms, result } = view;
  const { load } = result.scenario;
  if (load.model !== 'capacity') return [];
  const remark = (fits: (capacity: Capacity) => boolean, text: string): string[] => {
    const named = arms.flatMap(arm => nameWhere(arm, fits) ?? []);
    return named.length === 0 ? [] : [`For ${named.join(', ')} ${text}`];
  };
  return [
    ...remark(
      capacity => findLimit(capacity) === 'generator',
      'the generator, not the target, was the limit: it could not send on time.',
    ),
    // The headline says it where nothing else can be said.
    ...(lacksCapacities(view) ? [] : describeGaps(view)),
    ...remark(
      ({ ratePerSec }) => ratePerSec > 0 && isJudgedByFew(load, ratePerSec),
      `a rate was tried for ${formatCount(load.probeMs)} ms, in which fewer than 10 requests exceed its p99: whether the limit on p99 held there hung on single slow requests. Expected: load.probeMs long enough for 1,000 requests.`,
    ),
  ];
}

/** Whether the trial of a rate is too short for the p99 that its objective limits. */
function isJudgedByFew({ objective, probeMs }: CapacityLoad, ratePerSec: number): boolean {
  const requestCount = (ratePerSec * probeMs) / 1_000;
  return objective.p99Ms !== undefined && hasFewBeyond(METRIC_TABLE.p99Us.shareBeyond, requestCount);
}

/** The arm's name, with the number of replicates it applies to unless it applies to all. */
function nameWhere(arm: ArmView, fits: (capacity: Capacity) => boolean): string | null {
  const found = listCapacities(arm);
  const count = found.filter(fits).length;
  if (count === 0) return null;
  return count === found.length ? arm.name : `${arm.name} (in ${count} of ${found.length} replicates)`;
}
