// Describes searches for a capacity: what limited them, and those that ended without one.
import {
  hasFewBeyond,
  limitOfSearch,
  lowestFailing,
  METRIC_TABLE,
  type SearchOutcome,
  searchOutcome,
} from '../../results/metrics.ts';
import type { Comparison } from '../../results/model/run.ts';
import type { Capacity } from '../../results/model/trial.ts';
import type { CapacityLoad } from '../../scenarios/model/load.ts';
import { type ArmView, type CellView, figureMarks, hasOwnLimit, signsOf } from '../cell-view.ts';
import { formatRequestedRate } from './load.ts';
import { countReplicates, formatCount, formatInterval } from './numbers.ts';

/** The searches of an arm, one per trial. */
export function listCapacities({ trials }: Pick<ArmView, 'trials'>): Capacity[] {
  return trials.flatMap(({ measurement }) => measurement.capacity ?? []);
}

/** Before a client's capacity, in a sentence: `at least ` where its own process was the limit. */
export function capacityBound(arm: Pick<ArmView, 'trials'>): string {
  return hasOwnLimit(arm) ? 'at least ' : '';
}

/** The same in a table. */
export function capacitySign(arm: Pick<ArmView, 'trials'>): string {
  return hasOwnLimit(arm) ? '≥ ' : '';
}

/**
 * What a ratio of capacities is where a client's own process was the limit of one: more of that capacity would make it larger or
 * smaller. `unknown` where both are lower bounds; null where none is.
 */
export function ratioBound(
  { candidate, baseline, metric }: Pick<Comparison, 'candidate' | 'baseline' | 'metric'>,
  { arms }: Pick<CellView, 'arms'>,
): 'atLeast' | 'atMost' | 'unknown' | null {
  if (metric !== 'capacityPerSec') return null;
  const isBound = (name: string): boolean => arms.some(arm => arm.name === name && hasOwnLimit(arm));
  const [its, other] = [isBound(candidate), isBound(baseline)];
  if (its && other) return 'unknown';
  if (its) return 'atLeast';
  return other ? 'atMost' : null;
}

/** In front of a ratio in a table or picture: `≤ ` of one that is at most as given. */
export function ratioSign(
  comparison: Parameters<typeof ratioBound>[0],
  view: Pick<CellView, 'arms'>,
): string {
  const bound = ratioBound(comparison, view);
  if (bound === 'atLeast') return '≥ ';
  return bound === 'atMost' ? '≤ ' : '';
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
  const known = view.arms.flatMap(arm =>
    arm.summary?.capacityPerSec == null
      ? []
      : [
          `${arm.name} sustains ${capacityBound(arm)}${formatInterval(arm.summary.capacityPerSec)}${signsOf(figureMarks(arm, 'capacityPerSec'))} requests per second.`,
        ],
  );
  return [`${nameLack(view)}.`, ...describeGaps(view), ...known].join(' ');
}

/** Of clients whose own process ended a search. */
export function ownLimitRemarks(view: Cell): string[] {
  return remarkWhere(
    view,
    capacity => limitOfSearch(capacity) === 'generator',
    'the generator, not the target, was the bottleneck: it could not send on time, so the capacity is a lower bound.',
  );
}

function remarkWhere({ arms }: Cell, fits: (capacity: Capacity) => boolean, text: string): string[] {
  const named = arms.flatMap(arm => nameWhere(arm, fits) ?? []);
  return named.length === 0 ? [] : [`For ${named.join(', ')} ${text}`];
}

/** What to read with the capacities of a cell. */
export function capacityRemarks(view: Cell): string[] {
  const { load } = view.result.scenario;
  if (load.model !== 'capacity') return [];
  return [
    ...ownLimitRemarks(view),
    // The headline says it where nothing else can be said.
    ...(lacksCapacities(view) ? [] : describeGaps(view)),
    ...remarkWhere(
      view,
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
