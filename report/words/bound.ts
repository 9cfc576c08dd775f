// What set the pace of clients, and how searches for a capacity ended, in words: beside the answer, and in tables.
import type { Bound } from '../../results/bound.ts';
import {
  hasFewBeyond,
  limitOfSearch,
  lowestFailing,
  METRIC_TABLE,
  type SearchOutcome,
  searchOutcome,
} from '../../results/metrics.ts';
import type { Resources } from '../../results/model/process.ts';
import type { Comparison } from '../../results/model/run.ts';
import type { Capacity, CompletedTrial, ProbeLimit } from '../../results/model/trial.ts';
import { meanOf } from '../../results/stats.ts';
import type { CapacityLoad } from '../../scenarios/model/load.ts';
import { type ArmView, type CellView, figureMarks, hasOwnLimit } from '../cell-view.ts';
import type { Badge } from '../model.ts';
import { formatRequestedRate } from './load.ts';
import { signsOf } from './marks.ts';
import { countReplicates, formatCount, formatInterval, formatQuantity } from './numbers.ts';
import { compact } from './text.ts';

/** What ends a search for a capacity, rather than setting the pace of a client. */
const SEARCH_ENDS: ReadonlySet<Limit> = new Set(['latency', 'errors', 'rate', 'generator', 'untried']);

/** What set the pace of a client; a search for a capacity was ended by something, or by nothing. */
type Limit = Bound | ProbeLimit | 'untried' | 'users' | 'none';

/** As what it is, within a sentence. */
const LIMIT_NAMES: Record<Limit, string> = {
  client: "client's CPU",
  server: "server's CPU",
  core: "client's wait for a core",
  both: "client's and server's CPU in turn",
  link: 'the link',
  service: "the server's own delay",
  load: 'the load that was asked for',
  latency: 'latency at the next rate',
  errors: 'errors at the next rate',
  rate: 'responses that fell behind at the next rate',
  generator: 'its generator',
  untried: 'none of the rates tried',
  users: 'the number of users',
  none: 'none found',
};

/** Bottlenecks in the client's own process: the figures then say as much about it as about the server. */
const DOUBTED: ReadonlySet<Limit> = new Set(['client', 'core', 'generator']);

type Cell = Pick<CellView, 'arms' | 'result'>;
type Arm = Pick<ArmView, 'trials' | 'bound'>;

/** More than one where the replicates of a search ended differently; none without trials. */
function bottlenecksOf({ trials, bound }: Arm): Limit[] {
  if (trials.length === 0) return [];
  const searches = listCapacities({ trials });
  // Users who wait for their answers are then all that kept both processes from being always busy.
  const waits = trials.every(
    ({ trial, measurement }) => trial.load.model === 'closed' && measurement.target !== null,
  );
  if (searches.length === 0) return [bound ?? (waits ? 'users' : 'none')];
  return [...new Set(searches.map(search => limitOfSearch(search) ?? 'untried'))];
}

/** `client's CPU`, `latency or errors`; null without trials. For a table. */
export function nameLimit(arm: Arm): string | null {
  const limits = bottlenecksOf(arm);
  return limits.length === 0 ? null : nameLimits(limits);
}

function nameLimits(limits: readonly Limit[]): string {
  return limits.map(limit => LIMIT_NAMES[limit]).join(' or ');
}

/** Clients that the same holds for. */
interface Group {
  limits: readonly Limit[];
  arms: readonly ArmView[];
}

function groupsOf({ arms }: Cell): Group[] {
  const measured = arms
    .map(arm => ({ arm, limits: bottlenecksOf(arm) }))
    .filter(({ limits }) => limits.length > 0);
  return [...Map.groupBy(measured, ({ limits }) => nameLimits(limits)).values()].map(own => ({
    limits: own[0]!.limits,
    arms: own.map(({ arm }) => arm),
  }));
}

function toneOf(groups: readonly Group[]): Badge['tone'] {
  return groups.some(({ limits }) => limits.some(limit => DOUBTED.has(limit))) ? 'doubt' : 'plain';
}

/**
 * `server's CPU was the bottleneck (97 % of a core)`; of clients that differ, `bottleneck of short: client's CPU (95 % of a core); of
 * persistent: the number of users (client 62 %, server 58 % of a core)`. undefined where nothing was measured.
 */
export function describeBound(cell: Cell): Badge | undefined {
  const groups = groupsOf(cell);
  const [only, ...others] = groups;
  if (only === undefined) return undefined;
  const tone = toneOf(groups);
  if (others.length === 0) return { text: describeOnly(only), tone };
  return { text: `${subjectOf(groups)} ${nameGroups(groups).join('; ')}`, tone };
}

/** Clients are named; of many, those of the largest group are the others. */
function nameGroups(groups: readonly Group[]): string[] {
  const most = Math.max(...groups.map(({ arms }) => arms.length));
  const rest = most < MIN_REST ? undefined : groups.find(({ arms }) => arms.length === most);
  const named = rest === undefined ? groups : [...groups.filter(group => group !== rest), rest];
  return named.map(group => {
    const names = group === rest ? 'the others' : group.arms.map(({ name }) => name).join(', ');
    return `of ${names}: ${nameLimits(group.limits)}${inBrackets(group)}`;
  });
}

/** Fewer are named. */
const MIN_REST = 3;

function describeOnly(group: Group): string {
  const [first, ...others] = group.limits;
  if (first === 'none') return `no bottleneck found (${describeUse(group.arms)})`;
  if (first === 'users')
    return `CPU to spare on both sides (${describeUse(group.arms)}): the number of users set the rate`;
  if (others.length === 0 && first === 'untried')
    return `none of the rates tried was too high (${describeUse(group.arms)})`;
  const names = nameLimits(group.limits).replace(/^its /, 'the ');
  if (SEARCH_ENDS.has(first!)) return `${names} ended the search${inBrackets(group)}`;
  if (first === 'load') return `${names} set the pace${inBrackets(group)}`;
  return `${names} ${first === 'both' ? 'were' : 'was'} the bottleneck${inBrackets(group)}`;
}

/** What is named of each client: a search for a capacity is ended by a requirement, which is no bottleneck. */
function subjectOf(groups: readonly Group[]): string {
  return groups.some(({ limits }) => SEARCH_ENDS.has(limits[0]!)) ? 'what ended the search' : 'bottleneck';
}

/** The figures behind a limit: those of the process that was at its own, or of both. */
function inBrackets({ limits, arms }: Group): string {
  switch (limits[0]) {
    case 'client':
      return ` (${describeShare(arms, clientOf)})`;
    case 'server':
      return ` (${describeShare(arms, serverOf)})`;
    case 'link':
    case 'service':
      return '';
    default:
      return ` (${describeUse(arms)})`;
  }
}

type Read = (measurement: CompletedTrial['measurement']) => Resources | null;
const clientOf: Read = ({ generator }) => generator;
const serverOf: Read = ({ target }) => target;

function describeShare(arms: readonly ArmView[], read: Read): string {
  const isThrottled = arms.some(({ trials }) =>
    trials.some(({ measurement }) => (read(measurement)?.throttling?.throttledPeriods ?? 0) > 0),
  );
  const share = `${formatRange(ratiosOf(arms, read))} ${coreOf(arms)}`;
  return isThrottled ? `${share}, stopped by its CPU limit` : share;
}

/** `client 41 to 45 %, server 52 % of a core`. */
function describeUse(arms: readonly ArmView[]): string {
  const [client, server] = [ratiosOf(arms, clientOf), ratiosOf(arms, serverOf)];
  return server.length === 0
    ? `client ${formatRange(client)} ${coreOf(arms)}, server unknown`
    : `client ${formatRange(client)}, server ${formatRange(server)} ${coreOf(arms)}`;
}

/** Several generators have a core each. */
function coreOf(arms: readonly ArmView[]): string {
  const isGroup = arms.some(({ trials }) => trials.some(({ trial: { generators = 1 } }) => generators > 1));
  return isGroup ? 'of its cores' : 'of a core';
}

/** The mean over the trials of each client; those of an unknown process are left out. */
function ratiosOf(arms: readonly ArmView[], read: Read): number[] {
  return arms.flatMap(({ trials }) => {
    const ratios = trials.flatMap(({ measurement }) => read(measurement)?.cpuRatio ?? []);
    return ratios.length === 0 ? [] : [meanOf(ratios)];
  });
}

/** `52 %`, `41 to 45 %`. */
function formatRange(ratios: readonly number[]): string {
  const percent = (ratio: number): string => (ratio * 100).toFixed(0);
  const [least, most] = [percent(Math.min(...ratios)), percent(Math.max(...ratios))];
  return least === most ? `${most} %` : `${least} to ${most} %`;
}

/**
 * The same of a sweep: `bottleneck: client's CPU at round trip 0 and 1 ms, the link elsewhere`; of clients that differ, for each.
 *
 * @param describePlaces names some of the points; empty for all
 */
export function describeBounds<Point extends { view: Cell }>(
  points: readonly Point[],
  describePlaces: (some: readonly Point[]) => string,
): Badge | undefined {
  const all = points.flatMap(({ view }) => groupsOf(view));
  const [first] = all;
  if (first === undefined) return undefined;
  const tone = toneOf(all);
  if (all.every(({ limits }) => nameLimits(limits) === nameLimits(first.limits)))
    return { text: describeOnly({ ...first, arms: all.flatMap(({ arms }) => arms) }), tone };
  const names = new Set(points.flatMap(({ view }) => view.arms.map(({ name }) => name)));
  const courses = [...names]
    .map(name => ({ name, course: describeCourse(name, points, describePlaces) }))
    .filter(({ course }) => course !== '');
  const parts = [...Map.groupBy(courses, ({ course }) => course)].map(([course, own]) => ({
    names: own.map(({ name }) => name).join(', '),
    course,
  }));
  const [only, ...others] = parts;
  const text =
    others.length === 0
      ? `${subjectOf(all)}: ${only!.course}`
      : `${subjectOf(all)} ${parts.map(({ names, course }) => `of ${names}: ${course}`).join('; ')}`;
  return { text, tone };
}

/** What set the pace of a client over a sweep: `client's CPU at round trip 0 and 1 ms, the link elsewhere`. */
function describeCourse<Point extends { view: Cell }>(
  name: string,
  points: readonly Point[],
  describePlaces: (some: readonly Point[]) => string,
): string {
  const measured = points.flatMap(point => {
    const arm = point.view.arms.find(one => one.name === name);
    const limit = arm === undefined ? null : nameLimit(arm);
    return limit === null ? [] : [{ point, limit }];
  });
  const limits = [...Map.groupBy(measured, ({ limit }) => limit)];
  return limits
    .map(([limit, own], index) => {
      if (limits.length === 1) return limit;
      return index === limits.length - 1
        ? `${limit} elsewhere`
        : `${limit} at ${describePlaces(own.map(({ point }) => point))}`;
    })
    .join(', ');
}

/** `client's CPU`, `client's CPU for short and the link for persistent`; empty where nothing was measured. */
export function describeKind(cell: Cell): string {
  const groups = groupsOf(cell);
  return groups.length === 1
    ? nameLimits(groups[0]!.limits)
    : groups
        .map(({ limits, arms }) => `${nameLimits(limits)} for ${arms.map(({ name }) => name).join(', ')}`)
        .join(' and ');
}

/**
 * `Client-bound: the client's own CPU sets the rates and latencies of short, persistent.`; of several cells, in which: `…of
 * short, persistent (a, b)…`. Empty where no client's own process was the limit.
 */
export function boundRemarks(views: readonly CellView[]): string[] {
  const own = placesOf(views, 'client');
  const waiting = placesOf(views, 'core');
  return compact([
    own !== null &&
      `Client-bound: the client's own CPU sets the rates and latencies of ${own}. CPU per request and per connection do not depend on that.`,
    waiting !== null &&
      `Client-bound because it lacked a core: the client's process was never idle, but waited for a core that others used, which sets the rates and latencies of ${waiting}.`,
  ]);
}

/** The clients of a bound, and in which cells; null: none. */
function placesOf(views: readonly CellView[], wanted: Bound): string | null {
  const bound = views.flatMap(view => {
    const names = view.arms.filter(({ bound }) => bound === wanted).map(({ name }) => name);
    return names.length === 0 ? [] : [{ cell: view.result.cell, names: names.join(', ') }];
  });
  if (bound.length === 0) return null;
  return [...Map.groupBy(bound, ({ names }) => names)]
    .map(([names, cells]) =>
      views.length === 1 ? names : `${names} (${cells.map(({ cell }) => cell).join(', ')})`,
    )
    .join('; ');
}

/** The searches of an arm, one per trial. */
export function listCapacities({ trials }: Pick<ArmView, 'trials'>): Capacity[] {
  return trials.flatMap(({ measurement }) => measurement.capacity ?? []);
}

/** Before a client's capacity, in a sentence: `at least ` where its own process was the limit. */
export function capacityBound(arm: Pick<ArmView, 'trials'>): string {
  return hasOwnLimit(arm) ? 'at least ' : '';
}

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
      return `the search was cut short after ${formatQuantity(capacity.probes.length, 'probe')}`;
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
      : `${arm.name} sustains ${capacityBound(arm)}${formatInterval(arm.summary.capacityPerSec)}${signsOf(figureMarks(arm, 'capacityPerSec'))} requests per second.`,
  );
  return [`${nameLack(view)}.`, ...describeGaps(view), ...known].join(' ');
}

/** Remarks on clients whose own process ended a search. */
export function ownLimitRemarks(view: Cell): string[] {
  return remarkWhere(
    view,
    capacity => limitOfSearch(capacity) === 'generator',
    'the client, not the server, was the bottleneck: it could not send on time, so the capacity is a lower bound.',
  );
}

/** Names the arms, with the number of replicates that it applies to unless those are all. */
function remarkWhere({ arms }: Cell, fits: (capacity: Capacity) => boolean, text: string): string[] {
  const named = arms.flatMap(arm => {
    const found = listCapacities(arm);
    const count = found.filter(fits).length;
    if (count === 0) return [];
    return count === found.length ? arm.name : `${arm.name} (in ${count} of ${found.length} replicates)`;
  });
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
