// In: a trial. Out: whether what ended in the windows and what the requests took agree with the number of users.
import type { ClosedLoad } from '../../scenarios/model/load.ts';
import type { Measurement } from '../model/trial.ts';
import type { Check, TrialRule } from './rule.ts';
import { percent, whole } from './rule.ts';

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
