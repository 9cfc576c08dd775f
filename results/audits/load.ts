// Audits of the load: Little's law, slice length, schedule, warm-up, and what another load generator reported.

import { type ClosedLoad, WARM_UP_FIGURES } from '../../scenarios/model/load.ts';
import { milliseconds, percent, whole } from '../figures.ts';
import type { Histogram, Measurement } from '../model/trial.ts';
import { sumOf } from '../stats.ts';
import { type Check, fail, pass, type TrialRule, warn } from './rule.ts';

const LITTLES_LAW_WARN_ABOVE = 0.05;
/** Beyond this, neither the rate nor the times are those of the stated number of users. */
const LITTLES_LAW_FAIL_ABOVE = 0.2;
/** If the windows are shorter than this in total, one hiccup of the machine can have the same effect. */
const LITTLES_LAW_MIN_FAIL_MS = 1_000;

/**
 * Little's law (J. D. C. Little, 1961): users = rate x (mean time of a request + think time). A closed load must obey it; if it
 * does not, users were not always busy, or times were measured wrongly. The two sides are counted separately: the rate is that
 * of requests that finished in the steady windows, the mean that of requests that began in them, failed ones included.
 */
export const littlesLaw: TrialRule = {
  rule: 'littles-law',
  check({ trial: { load }, measurement }) {
    if (load.model === 'closed') return checkClosed(load, measurement);
    // Nothing to check: the law gives the number of requests in flight or waiting, which is not counted.
    const { completed, steadyMs, response } = measurement;
    const inFlight = steadyMs === 0 ? 0 : ((completed / steadyMs) * response.meanUs) / 1000;
    return pass(
      `open load: on average ${inFlight.toFixed(1)} requests in flight or waiting, of at most ${whole(load.maxInFlight)}`,
    );
  },
};

function checkClosed(load: ClosedLoad, measurement: Measurement): Check {
  const { perMs, meanMs, notes } = busyTimes(load, measurement);
  if (!(perMs > 0)) return warn('no request finished in a steady window, so there is no rate to check');
  const users = perMs * meanMs;
  const off = Math.abs(users / load.concurrency - 1);

  const isGrave =
    off > Math.max(LITTLES_LAW_FAIL_ABOVE, crossingRatio(load, measurement)) &&
    measurement.steadyMs >= LITTLES_LAW_MIN_FAIL_MS;
  const sum = `${whole(perMs * 1000)}/s × ${meanMs.toFixed(2)} ms${notes} = ${users.toFixed(1)} of ${whole(load.concurrency)} users busy`;
  if (off <= LITTLES_LAW_WARN_ABOVE) return pass(sum);
  return {
    state: isGrave ? 'fail' : 'warn',
    detail: `${sum}, off by ${percent(off)}: the rate in the windows does not match the mean`,
  };
}

/**
 * By how much the two sides may differ: one counts the requests that cross the end of a window, the other those that cross its
 * beginning. Each user makes at most one more or fewer in a window, and it takes at most the longest request and the think time.
 */
function crossingRatio({ thinkMs }: ClosedLoad, { slices, steadyMs, response }: Measurement): number {
  return (slices.length * (response.maxUs / 1_000 + thinkMs)) / steadyMs;
}

/** Requests finished per ms, and a user's mean time from one request to the next; approximate for load tools and older runs. */
function busyTimes(
  { thinkMs }: ClosedLoad,
  { slices, completed, failed, steadyMs, response }: Measurement,
): { perMs: number; meanMs: number; notes: string } {
  const timed = slices.flatMap(({ userMs, ...slice }) => (userMs === null ? [] : [{ ...slice, userMs }]));
  if (timed.length === 0) {
    const think = thinkMs > 0 ? ` (including ${thinkMs} ms of think time)` : '';
    const apart = failed > 0 ? `${think}, excluding ${whole(failed)} failed requests` : think;
    return { perMs: completed / steadyMs, meanMs: response.meanUs / 1000 + thinkMs, notes: apart };
  }
  // Windows in which nothing began, because every earlier request was still waiting, count too.
  const ended = sumOf(slices, slice => slice.ended ?? 0);
  const began = sumOf(timed, slice => slice.completed + slice.failed);
  const notes = failed > 0 ? `, including ${whole(failed)} failed requests,` : '';
  return {
    perMs: ended / steadyMs,
    meanMs: began === 0 ? 0 : sumOf(timed, ({ userMs }) => userMs) / began,
    notes,
  };
}

/** If more than this share of the requests have no response, the slowest are unknown. */
const NOTABLE_CENSORED = 0.001;

/**
 * Each request counts in full, however much longer than its window it takes. But users who wait for slow requests leave more of
 * the server to the others, and it takes as long as the slowest request until as many users wait as in a long run. In shorter
 * slices, requests are measured beside fewer slow ones than in a long run.
 */
export const sliceLength: TrialRule = {
  rule: 'slice-length',
  check({ measurement: { slices, response, censored, lengthening, failed, completed } }) {
    const windowMs = Math.min(...slices.map(slice => slice.windowMs));
    if (slices.length === 0 || response.count === 0) return pass('no request to compare a window with');
    const lengthened =
      lengthening === null
        ? ''
        : `; slices were lengthened from ${whole(lengthening.fromMs)} to ${whole(lengthening.toMs)} ms, because earlier requests took up to ${whole(lengthening.longestMs)} ms or had no response`;
    const warnings: string[] = [];
    if (censored !== null && censored.count > NOTABLE_CENSORED * (completed + failed)) {
      warnings.push(
        `${whole(censored.count)} of ${whole(completed + failed)} requests (${percent(censored.count / (completed + failed))}) had no response when their slice ended, after ${whole(censored.leastUs / 1_000)} ms or more: the mean and longer quantiles are lower bounds`,
      );
    }
    if (response.p999Us > windowMs * 1_000) {
      warnings.push(
        `p99.9 is ${whole(response.p999Us / 1_000)} ms, longer than the ${whole(windowMs)} ms of a slice's window: slow requests count in full, but the others ran beside fewer of them than in a long run; expected: timing.sliceMs of at least ${whole((2 * response.p999Us) / 1_000)}`,
      );
    }
    if (warnings.length > 0) return warn(`${warnings.join('; ')}${lengthened}`);
    return pass(
      `windows of ${whole(windowMs)} ms are longer than p99.9, ${(response.p999Us / 1_000).toPrecision(3)} ms (longest ${(response.maxUs / 1_000).toPrecision(3)} ms)${lengthened}`,
    );
  },
};

/** Above this share of a response time, mostly the generator is measured. */
const LATE_SHARE = 0.5;
/** If more than this share of the requests due is missing, p99 is wrong. */
const LOST_RATIO = 0.001;
/** Standard deviations of a count that chance explains. */
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

/** Whether too many of the requests due have no time at all: never sent, or abandoned at the end of a drain. */
export function areTooManyLost({
  due,
  unsent,
  unfinished,
}: Record<'due' | 'unsent' | 'unfinished', number>): boolean {
  return unsent + unfinished > LOST_RATIO * due;
}

/**
 * Whether fewer requests finished in a span than were due in it, by more than `ratio` of them and by more than the numbers
 * in flight at its two ends differ by chance: then they pile up, and the longer the span, the longer they take.
 */
export function isFallingBehind({ due, ended }: Record<'due' | 'ended', number>, ratio: number): boolean {
  return due - ended > Math.max(ratio * due, CHANCE_SIGMAS * Math.sqrt(due));
}

/** A client that falls behind by more than this share of the requests due does not sustain the rate. */
const BEHIND_RATIO = 0.05;
/** Mean lateness that is acceptable however short the response time is; timers alone cause 0.2 ms. */
const LATE_MEAN_US = 2_000;
/** A tail of lateness that is acceptable; timers alone cause 0.8 ms. */
const LATE_P99_US = 5_000;

/**
 * An open load is valid only while requests are sent when they are due. In order of severity:
 * - fail: requests that were never sent; responses that fall behind the schedule, so that times grow with the length of a
 *   slice; a generator whose own lateness is most of the mean response time.
 * - warn: requests abandoned at the end of a drain, which count as failed and by the time waited, so that only times are bounds
 *   (mark ≥); a generator whose lateness has a long tail; requests that maxInFlight held back. At the end of a capacity
 *   search the client is at its limit by design, so there everything but requests that were never sent is only a warning.
 */
export const schedule: TrialRule = {
  rule: 'schedule',
  check({ trial: { load }, measurement: { arrivals, lateness, response } }) {
    if (load.model === 'closed' || arrivals === null || lateness === null) return null;
    const grave = load.model === 'capacity' ? 'warn' : 'fail';
    const { due, heldBack, unsent, unfinished, ended } = arrivals;
    const late = `the generator was late by ${formatTimes(lateness)}`;
    if (areTooManyLost({ due, unsent, unfinished: 0 }))
      return fail(
        `of ${whole(due)} requests due, ${whole(unsent)} were never sent and ${whole(unfinished)} were abandoned at the end of a drain: the load was not the one requested`,
      );
    // What is never answered does not pile up in front of the others.
    if (isFallingBehind({ due: due - unfinished, ended }, BEHIND_RATIO)) {
      return {
        state: grave,
        detail: `${whole(due)} requests were due in the steady windows, but only ${whole(ended)} finished in them: the client could not sustain the rate; latencies depend on slice length and are not meaningful`,
      };
    }
    const means = { latenessUs: lateness.meanUs, responseUs: response.meanUs };
    // Where every request failed there is no response time to compare the lateness with.
    if (response.count > 0 && lateness.meanUs > LATE_MEAN_US && isMostlyLateness(means)) {
      return {
        state: grave,
        detail: `${late}, of a response time of ${formatTimes(response)}: mostly the generator is measured`,
      };
    }
    const warnings = [
      ...(areTooManyLost(arrivals)
        ? [
            `${whole(unfinished)} of ${whole(due)} requests due (${percent(unfinished / due)}) had no response at the end of a drain: they are failed requests, and the times are lower bounds`,
          ]
        : []),
      ...(lateness.p99Us > LATE_P99_US ? [`${late}, more than its timers cause`] : []),
      ...(heldBack > 0
        ? [
            `${whole(heldBack)} of ${whole(due)} requests (${percent(heldBack / due)}) were held back because ${whole(load.maxInFlight)} were in flight: that wait is part of the response time, not of the service time`,
          ]
        : []),
    ];
    if (warnings.length > 0) return { state: 'warn', detail: warnings.join('; ') };
    return pass(`${whole(due)} requests were due and sent; ${late}`);
  },
};

/** `0.56 ms (p99 1.1 ms)`. */
function formatTimes({ meanUs, p99Us }: Histogram): string {
  return `${milliseconds(meanUs, 2)} (p99 ${milliseconds(p99Us, 2)})`;
}

/** While code is being compiled and caches are being filled, figures are worse than later. */
export const steadiness: TrialRule = {
  rule: 'steadiness',
  check({ trial: { load }, measurement: { isSteady, warmupMs } }) {
    const what = WARM_UP_FIGURES[load.model];
    return isSteady
      ? pass(`the ${what} was steady after ${whole(warmupMs)} ms of warm-up`)
      : warn(
          `the ${what} did not become steady within ${whole(warmupMs)} ms of warm-up: figures may be those of a cold process`,
        );
  },
};

const SUMMARY_ERROR = '1 %';

/** Always a caveat: no turn is short enough that drift of the machine affects its neighbour alike. Null for what conntax measured. */
export const imported: TrialRule = {
  rule: 'imported',
  check({ trial, measurement: { steadyMs } }) {
    if (trial.imported === undefined) return null;
    return warn(
      `coarser than slices: clients took turns of ${Number((steadyMs / 1_000).toPrecision(2))} s, so what drifts from one turn to the next is in the ratio; quantiles are those of Artillery, with an error of up to ${SUMMARY_ERROR}, and estimated between them where turns are merged`,
    );
  },
};
