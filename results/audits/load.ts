// load.ts
import type { ClosedLoad, Load } from '../../scenarios/model/load.ts';
import type { Histogram, Measurement } from '../model/trial.ts';
import { type Check, percent, type TrialRule, whole } from './rule.ts';

// From a trial. Out: whether what ended in the windows and what the requests took agree with the number of users.

const TOLERANCE = 0.05;
/** Beyond this, neither the rate nor the times are those of so many users. */
const GRAVE = 0.2;
/** In windows that are shorter than this in all, one hiccup of the machine is as large a part of them. */
const LEAST_GRAVE_MS = 1_000;

/**
 * Little's law (J. D. C. Little, 1961): users = rate x (mean time of a request + pause). A closed load must keep it; where it
 * does not, users were not always busy, or times were taken wrongly. The two sides are counted apart: the rate is what ended
 * in the steady windows, the mean is that of the requests that began in them, failed ones included, for they keep users busy.
 */
export const littlesLaw: TrialRule = {
  rule: 'littles-law',
  check({ trial: { load }, measurement }) {
    if (load.model === 'closed') return checkClosed(load, measurement);
    // Nothing to check: the law gives what can't be counted, how many wait or are under way.
    const { completed, steadyMs, response } = measurement;
    const underWay = steadyMs === 0 ? 0 : ((completed / steadyMs) * response.meanUs) / 1000;
    return {
      state: 'pass',
      detail: `an open load: on average ${underWay.toFixed(1)} requests under way, or waiting to be, of ${whole(load.maxInFlight)} at most`,
    };
  },
};

function checkClosed(load: ClosedLoad, measurement: Measurement): Check {
  const { perMs, meanMs, notes } = busyTimes(load, measurement);
  if (!(perMs > 0)) {
    return { state: 'warn', detail: 'no request ended in a steady window, so there is no rate to check' };
  }
  const users = perMs * meanMs;
  const off = Math.abs(users / load.concurrency - 1);

  const isGrave = off > GRAVE && measurement.steadyMs >= LEAST_GRAVE_MS;
  const sum = `${whole(perMs * 1000)}/s x ${meanMs.toFixed(2)} ms${notes} = ${users.toFixed(1)} of ${whole(load.concurrency)} users busy`;
  if (off <= TOLERANCE) return { state: 'pass', detail: sum };
  return {
    state: isGrave ? 'fail' : 'warn',
    detail: `${sum}, off by ${percent(off)}: the rate that ended in the windows is not the one that follows from the mean`,
  };
}

/** What ended per ms, and the mean time of a user between two requests; of load tools and older runs, as far as they say. */
function busyTimes(
  { thinkMs }: ClosedLoad,
  { slices, completed, failed, steadyMs, response }: Measurement,
): { perMs: number; meanMs: number; notes: string } {
  const told = slices.flatMap(({ userMs, ...slice }) => (userMs === null ? [] : [{ ...slice, userMs }]));
  if (told.length === 0) {
    const think = thinkMs > 0 ? ` (${thinkMs} ms of it pause)` : '';
    const apart = failed > 0 ? `${think}, without ${whole(failed)} failed requests` : think;
    return { perMs: completed / steadyMs, meanMs: response.meanUs / 1000 + thinkMs, notes: apart };
  }
  const sum = (read: (slice: (typeof told)[number]) => number) =>
    told.reduce((total, slice) => total + read(slice), 0);
  // Also of windows in which nothing began, since every request of before was still waiting.
  const ended = slices.reduce((total, slice) => total + (slice.ended ?? 0), 0);
  const began = sum(slice => slice.completed + slice.failed);
  const notes = failed > 0 ? `, ${whole(failed)} failed requests included,` : '';
  return {
    perMs: ended / steadyMs,
    meanMs: began === 0 ? 0 : sum(({ userMs }) => userMs) / began,
    notes,
  };
}

// From a trial. Out: whether its slices were long enough for the slowest of its requests, and whether all of them ended.

/** Of the requests of the windows: without an answer, above this share the slowest are not known. */
const NOTABLE_CENSORED = 0.001;

/**
 * Each request counts in full, however much longer than its window it takes. But users who are caught in slow requests leave
 * the others more of the server, and it takes as long as the slowest request until as many are caught as in a long run: in
 * slices shorter than that, the others are measured beside fewer slow ones than there would be.
 */
export const sliceLength: TrialRule = {
  rule: 'slice-length',
  check({ measurement: { slices, response, censored, lengthening, failed, completed } }) {
    const windowMs = Math.min(...slices.map(slice => slice.windowMs));
    if (slices.length === 0 || response.count === 0)
      return { state: 'pass', detail: 'no request to hold a window against' };
    const lengthened =
      lengthening === null
        ? ''
        : `; slices were lengthened from ${whole(lengthening.fromMs)} to ${whole(lengthening.toMs)} ms, because of requests that took up to ${whole(lengthening.longestMs)} ms, or had no answer, before`;
    const warnings: string[] = [];
    if (censored !== null && censored.count > NOTABLE_CENSORED * (completed + failed)) {
      warnings.push(
        `${whole(censored.count)} of ${whole(completed + failed)} requests (${percent(censored.count / (completed + failed))}) had no answer when their slice was over, after ${whole(censored.leastUs / 1_000)} ms or more: mean and quantiles beyond that are lower bounds`,
      );
    }
    if (response.p999Us > windowMs * 1_000) {
      warnings.push(
        `p99.9 is ${whole(response.p999Us / 1_000)} ms, longer than the ${whole(windowMs)} ms of a slice's window: slow requests count in full, but the others were measured beside fewer of them than in a long run. Expected: timing.sliceMs of ${whole((2 * response.p999Us) / 1_000)} or more`,
      );
    }
    if (warnings.length > 0) return { state: 'warn', detail: `${warnings.join('; ')}${lengthened}` };
    return {
      state: 'pass',
      detail: `windows of ${whole(windowMs)} ms hold p99.9, ${(response.p999Us / 1_000).toPrecision(3)} ms (longest ${(response.maxUs / 1_000).toPrecision(3)} ms)${lengthened}`,
    };
  },
};

// From how an open load kept its schedule. Out: whether its figures are still those of the client and the target.

/** Of a time: above it, most of what is measured is the generator. */
const LATE_SHARE = 0.5;
/** Of what was due: with more missing, the slowest hundredth is no more what it would have been. */
const LOST_RATIO = 0.001;
/** Deviations of a count that chance explains. */
const CHANCE_SIGMAS = 3;

/** Whether most of a response time is the generator's own lateness. */
export function isMostlyLateness({
  latenessUs,
  responseUs,
}: {
  latenessUs: number;
  responseUs: number;
}): boolean {
  return latenessUs > LATE_SHARE * responseUs;
}

/** Whether too many of the requests that were due have no time at all: never sent, or given up at the end of a drain. */
export function areTooManyLost({
  due,
  unsent,
  unfinished,
}: Record<'due' | 'unsent' | 'unfinished', number>): boolean {
  return unsent + unfinished > LOST_RATIO * due;
}

/**
 * Whether fewer requests ended in a span than fell due in it, by more than `ratio` of them and by more than the numbers
 * under way at its two ends differ by chance: then they pile up, and the longer the span the longer they take.
 */
export function isFallingBehind({ due, ended }: Record<'due' | 'ended', number>, ratio: number): boolean {
  return due - ended > Math.max(ratio * due, CHANCE_SIGMAS * Math.sqrt(due));
}

// From a trial under an open load. Out: whether its requests went when they were due, and whether all came to an end.

/** Of what was due: an arm that falls further behind does not bear the rate. */
const BEHIND_RATIO = 0.05;
/** Mean lateness that is no cause for doubt, however short the response time is: timers alone make 0.2 ms of it. */
const LATE_MEAN_US = 2_000;
/** A tail of lateness that is no cause for doubt; timers alone make 0.8 ms of it. */
const LATE_P99_US = 5_000;

/**
 * An open load is only what it says while requests go when they are due. In order of gravity:
 * - fail: requests without a time (never sent, or given up), which are the slowest; answers that fall behind what is due,
 *   so that times grow with the length of a slice; a generator whose own lateness is most of the mean response time.
 * - warn: a generator whose lateness has a tail; requests that maxInFlight held back. At the end of a capacity search the
 *   arm is at its limit by design, be that the target's or its own process's: there all but lost requests only warn.
 */
export const schedule: TrialRule = {
  rule: 'schedule',
  check({ trial: { load }, measurement: { arrivals, lateness, response } }) {
    if (load.model === 'closed' || arrivals === null || lateness === null) return null;
    const grave = load.model === 'capacity' ? 'warn' : 'fail';
    const { due, heldBack, unsent, unfinished, ended } = arrivals;
    const late = `the generator itself was ${timesText(lateness)} late`;
    if (areTooManyLost(arrivals)) {
      return {
        state: 'fail',
        detail: `of ${whole(due)} requests due, ${whole(unsent)} were never sent and ${whole(unfinished)} were given up at the end of a drain: the slowest are missing`,
      };
    }
    if (isFallingBehind(arrivals, BEHIND_RATIO)) {
      return {
        state: grave,
        detail: `${whole(due)} requests were due in the steady windows and only ${whole(ended)} ended in them: the rate is not borne, and times grow with the length of a slice`,
      };
    }
    const means = { latenessUs: lateness.meanUs, responseUs: response.meanUs };
    if (lateness.meanUs > LATE_MEAN_US && isMostlyLateness(means)) {
      return {
        state: grave,
        detail: `${late}, of response times of ${timesText(response)}: what is measured is the generator`,
      };
    }
    const warnings = [
      ...(lateness.p99Us > LATE_P99_US ? [`${late}, more than its timers make it`] : []),
      ...(heldBack > 0
        ? [
            `${whole(heldBack)} of ${whole(due)} requests (${percent(heldBack / due)}) had to wait because ${whole(load.maxInFlight)} were under way: that wait is in the response time, not in the service time`,
          ]
        : []),
    ];
    if (warnings.length > 0) return { state: 'warn', detail: warnings.join('; ') };
    return { state: 'pass', detail: `${whole(due)} requests were due and went; ${late}` };
  },
};

/** `0.56 ms (p99 1.1 ms)`. */
function timesText({ meanUs, p99Us }: Histogram): string {
  return `${milliseconds(meanUs)} (p99 ${milliseconds(p99Us)})`;
}

function milliseconds(us: number): string {
  return `${Number((us / 1_000).toPrecision(2))} ms`;
}

// Whether a trial's client had settled before it was measured.

/** What shows that a client is warm: the same as bench/run/session.ts goes by. */
const SETTLING: Record<Load['model'], string> = {
  closed: 'CPU time per request',
  open: 'response time',
  burst: 'response time',
  capacity: 'rate',
};

/** Code still being compiled and caches still being filled make early figures worse than later ones. */
export const steadiness: TrialRule = {
  rule: 'steadiness',
  check({ trial: { load }, measurement: { isSteady, warmupMs } }) {
    const what = SETTLING[load.model];
    return isSteady
      ? { state: 'pass', detail: `the ${what} was steady after ${whole(warmupMs)} ms of warm-up` }
      : {
          state: 'warn',
          detail: `the ${what} was not shown to be steady within ${whole(warmupMs)} ms of warm-up: figures may be those of a cold process`,
        };
  },
};
