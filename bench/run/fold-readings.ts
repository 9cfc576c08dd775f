// Folds the readings of several generators into one, as if a single generator had sent their whole load.
import { emptyHistogram, mergeHistograms, mergeMeans } from '../../results/histogram.ts';
import type { ProcessReading } from '../../results/model/process.ts';
import type { Histogram, Measurement, Timeline } from '../../results/model/trial.ts';
import { sumKnown, sumOf } from '../../results/stats.ts';
import type { ScheduleCounts, WindowSchedule } from '../contracts.ts';
import type { GeneratorReading, SliceReading } from '../protocol.ts';

function sum<Name extends string>(readings: readonly Record<Name, number>[], name: Name): number {
  return sumOf(readings, reading => reading[name]);
}

function sumEach<Name extends string>(
  readings: readonly Record<Name, number>[],
  names: readonly Name[],
): Record<Name, number> {
  return Object.fromEntries(names.map(name => [name, sum(readings, name)])) as Record<Name, number>;
}

function most<Name extends string>(readings: readonly Record<Name, number>[], name: Name): number {
  return Math.max(...readings.map(reading => reading[name]));
}

function sumCounts<Counts extends Partial<Record<string, number>>>(records: readonly Counts[]): Counts {
  const totals: Partial<Record<string, number>> = {};
  for (const [name, count] of records.flatMap(record => Object.entries(record))) {
    totals[name] = (totals[name] ?? 0) + (count ?? 0);
  }
  return totals as Counts;
}

/**
 * The slice of all generators. Counts are added; of times and lateness the worst is kept.
 * @param coreCount number of cores that they have together
 */
export function foldSlices(readings: readonly SliceReading[], coreCount: number): SliceReading {
  const probe = foldProbe(readings);
  const schedule = foldWindowSchedules(readings);
  return {
    atMs: Math.min(...readings.map(({ atMs }) => atMs)),
    windowMs: foldWindowMs(readings),
    ...sumEach(readings, ['completed', 'failed', 'censored', 'exchanges']),
    ended: sumKnown(readings, ({ ended }) => ended),
    userMs: sumKnown(readings, userMsOf),
    meanUs: mergeMeans(
      readings.map(({ meanUs, completed, censored }) => ({ meanUs, count: completed + censored })),
    ),
    longestMs: most(readings, 'longestMs'),
    opened: sumKnown(readings, ({ opened }) => opened),
    p50Us: probe?.p50Us ?? null,
    p99Us: probe?.p99Us ?? null,
    ...(probe === undefined ? {} : { probe }),
    // Only one user alone is asked for these, and a group has no such user.
    connectUs: null,
    tlsUs: null,
    ...(schedule === undefined ? {} : { schedule }),
    before: foldProcesses(
      readings.map(({ before }) => before),
      coreCount,
    ),
    after: foldProcesses(
      readings.map(({ after }) => after),
      coreCount,
    ),
  };
}

/** Generators of one client all count attempts, or none. */
function foldAttempts(readings: readonly GeneratorReading[]): Pick<GeneratorReading, 'attempts'> {
  const counted = readings.flatMap(({ attempts }) => attempts ?? []);
  if (counted.length === 0) return {};
  return {
    attempts: {
      ...sumEach(counted, ['sent', 'answered']),
      failures: sumCounts(counted.map(({ failures }) => failures)),
    },
  };
}

/** Each generator has its own pauses. */
function foldPauses(readings: readonly GeneratorReading[]): Pick<GeneratorReading, 'pauses'> {
  const known = readings.flatMap(({ pauses }) => pauses ?? []);
  return known.length === 0
    ? {}
    : { pauses: { closed: sum(known, 'closed'), longestMs: most(known, 'longestMs') } };
}

/** Windows have the same length, unless they were cut. */
function foldWindowMs(readings: readonly SliceReading[]): number {
  const first = readings[0]!.windowMs;
  if (readings.every(({ windowMs }) => windowMs === first)) return first;
  return sum(readings, 'windowMs') / readings.length;
}

/** Users of a generator without a request in the window spent nothing on requests. */
function userMsOf({ userMs, completed, failed, censored }: SliceReading): number | null {
  return completed + failed + censored === 0 ? 0 : userMs;
}

function foldProbe(readings: readonly SliceReading[]): Histogram | undefined {
  const probes = readings.flatMap(({ probe }) => probe ?? []);
  return probes.length === 0 ? undefined : mergeHistograms(probes);
}

function foldWindowSchedules(readings: readonly SliceReading[]): WindowSchedule | undefined {
  const schedules = readings.flatMap(({ schedule }) => schedule ?? []);
  if (schedules.length === 0) return undefined;
  const known = schedules.flatMap(({ latenessP99Us }) => latenessP99Us ?? []);
  return {
    ...foldArrivals(schedules),
    // The latest generator decides whether the load was the one that was asked for.
    latenessP99Us: known.length === 0 ? null : Math.max(...known),
  };
}

function foldArrivals(counts: readonly ScheduleCounts[]): ScheduleCounts {
  return sumEach(counts, ['due', 'heldBack', 'unsent', 'unfinished']);
}

/**
 * CPU and memory are added. The clock counts the time of all cores, so that CPU time over wall time is the share that was used
 * of the cores that the processes have: 1 is saturated, whether or not they share cores.
 */
function foldProcesses(readings: readonly ProcessReading[], coreCount: number): ProcessReading {
  const coresPerProcess = coreCount / readings.length;
  // All generators of a client are in the same control group, which each has read.
  const throttling = readings.at(-1)?.throttling;
  return {
    atMs: sum(readings, 'atMs') * coresPerProcess,
    ...sumEach(readings, ['cpuUs', 'loopActiveMs', 'loopIdleMs', 'rssBytes']),
    // A share of the time of each process, whatever the number of cores.
    runDelayMs: sum(readings, 'runDelayMs') * coresPerProcess,
    continued: sumOf(readings, ({ continued = 0 }) => continued),
    ...(throttling === undefined ? {} : { throttling }),
  };
}

function mergeEach<Name extends string>(
  readings: readonly Record<Name, Histogram>[],
  names: readonly Name[],
): Record<Name, Histogram> {
  const merged = names.map(name => [name, mergeHistograms(readings.map(reading => reading[name]))]);
  return Object.fromEntries(merged) as Record<Name, Histogram>;
}

/** Everything that the generators report at their end: bit for bit what one recorder of all their requests would. */
export function foldReadings(readings: readonly GeneratorReading[]): GeneratorReading {
  return {
    ...sumEach(readings, ['sent', 'answered', 'failed', 'unfinished', 'openedElsewhere']),
    ...sumEach(readings, ['handshakesFull', 'handshakesResumed', 'bytesRecorded']),
    ...sumEach(readings, ['completedRecorded', 'failedRecorded', 'endedRecorded']),
    ...mergeEach(readings, ['response', 'service', 'wait', 'firstByte', 'body', 'connect', 'tls']),
    failures: sumCounts(readings.map(({ failures }) => failures)),
    ...foldAttempts(readings),
    opened: sumKnown(readings, ({ opened }) => opened),
    origins: foldOrigins(readings.map(({ origins }) => origins)),
    ...foldPauses(readings),
    leftOpen: sumKnown(readings, ({ leftOpen }) => leftOpen),
    pool: null,
    outcomes: foldByKey(
      readings.map(({ outcomes }) => outcomes),
      foldTallies,
    ),
    statuses: sumCounts(readings.map(({ statuses }) => statuses)),
    responseByClass: foldByKey(
      readings.map(({ responseByClass }) => responseByClass),
      mergeHistograms,
    ),
    requests: foldRequests(readings.map(({ requests }) => requests)),
    censored: foldCensored(readings.map(({ censored }) => censored)),
    ...foldSchedules(readings),
    ...readings.flatMap(({ closing }) => (closing === undefined ? [] : { closing }))[0],
    caveats: [...new Set(readings.flatMap(({ caveats }) => caveats))],
    timeline: foldTimelines(readings.map(({ timeline }) => timeline)),
  };
}

function foldSchedules(
  readings: readonly GeneratorReading[],
): Pick<GeneratorReading, 'lateness' | 'arrivals'> {
  const arrivals = readings.flatMap(reading => reading.arrivals ?? []);
  if (arrivals.length === 0) return { lateness: null, arrivals: null };
  return {
    lateness: mergeHistograms(readings.map(({ lateness }) => lateness ?? emptyHistogram())),
    arrivals: foldArrivals(arrivals),
  };
}

function foldCensored(all: readonly GeneratorReading['censored'][]): GeneratorReading['censored'] {
  const known = all.flatMap(censored => censored ?? []);
  if (known.length === 0) return null;
  return { count: sum(known, 'count'), leastUs: Math.min(...known.map(({ leastUs }) => leastUs)) };
}

/** Folds what all have under the same key. */
function foldByKey<Key extends string, Value>(
  all: readonly Partial<Record<Key, Value>>[],
  fold: (parts: readonly Value[]) => Value,
): Partial<Record<Key, Value>> {
  const byKey = Map.groupBy(
    all.flatMap(one => Object.entries(one) as [Key, Value][]),
    ([key]) => key,
  );
  return Object.fromEntries(
    [...byKey].map(([key, entries]) => [key, fold(entries.map(([, value]) => value))]),
  ) as Partial<Record<Key, Value>>;
}

type Origins = GeneratorReading['origins'];

function foldOrigins(all: readonly Origins[]): Origins {
  return all[0]!.map((_, index) => {
    const parts = all.map(origins => origins[index]!);
    return sumEach(parts, ['sent', 'opened']);
  });
}

type Requests = GeneratorReading['requests'];

/** Generators of one client have the same requests, in the same order. */
function foldRequests(all: readonly Requests[]): Requests {
  return all[0]!.map(({ name }, index) => {
    const parts = all.map(requests => requests[index]!);
    const known = parts.flatMap(({ response }) => response ?? []);
    return {
      name,
      sent: sum(parts, 'sent'),
      completed: sumKnown(parts, ({ completed }) => completed),
      failed: sumKnown(parts, ({ failed }) => failed),
      censored: foldCensored(parts.map(({ censored }) => censored)),
      response: known.length < parts.length ? null : mergeHistograms(known),
    };
  });
}

type Outcomes = Measurement['outcomes'];
type Tally = NonNullable<Outcomes[keyof Outcomes]>;

/** Answers have a count only; failures have times, and the text of the first. */
function foldTallies(tallies: readonly Tally[]): Tally {
  const count = sum(tallies, 'count');
  const timed = tallies.flatMap(({ count, meanUs, maxUs }) =>
    meanUs === undefined || maxUs === undefined ? [] : { count, meanUs, maxUs },
  );
  const sample = tallies.find(tally => tally.sample !== undefined)?.sample;
  return {
    count,
    ...(sample === undefined ? {} : { sample }),
    ...(timed.length === 0 ? {} : { meanUs: mergeMeans(timed), maxUs: most(timed, 'maxUs') }),
  };
}

/** Buckets double their width as a trial goes on, from the same start: the narrower ones fit into the widest. */
function foldTimelines(timelines: readonly Timeline[]): Timeline {
  const widthMs = most(timelines, 'widthMs');
  const byStart = Map.groupBy(
    timelines.flatMap(({ buckets }) => buckets),
    ({ atMs }) => Math.floor(atMs / widthMs) * widthMs,
  );
  const buckets = [...byStart]
    .map(([atMs, parts]) => ({
      atMs,
      ...sumEach(parts, ['completed', 'failed']),
      meanUs: mergeMeans(parts.map(({ meanUs, completed: count }) => ({ meanUs, count }))),
      maxUs: most(parts, 'maxUs'),
    }))
    .sort((a, b) => a.atMs - b.atMs);
  return { widthMs, buckets };
}
