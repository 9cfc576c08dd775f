// In: a trial. Out: whether rate and response time agree with the number of users.
import type { TrialRule } from './rule.ts';
import { percent, whole } from './rule.ts';

const TOLERANCE = 0.05;

/**
 * Little's law (J. D. C. Little, 1961): users = rate x (mean response + think time), over the steady windows. A closed
 * load must keep it; where it does not, users were not always busy, or times were taken wrongly.
 */
export const littlesLaw: TrialRule = {
  rule: 'littles-law',
  check({ trial: { load }, measurement }) {
    const { completed, failed, steadyMs, response } = measurement;
    if (load.model !== 'closed') {
      // Nothing to check: the law gives what can't be counted, how many wait or are under way.
      const underWay = steadyMs === 0 ? 0 : ((completed / steadyMs) * response.meanUs) / 1000;
      return {
        state: 'pass',
        detail: `an open load: on average ${underWay.toFixed(1)} requests under way, or waiting to be, of ${whole(load.maxInFlight)} at most`,
      };
    }
    if (completed === 0 || steadyMs === 0) {
      return {
        state: 'warn',
        detail: 'no request was completed in a steady window, so there is no rate to check',
      };
    }
    const perMs = completed / steadyMs;
    const residenceMs = response.meanUs / 1000 + load.thinkMs;
    const users = perMs * residenceMs;
    const off = users / load.concurrency - 1;
    const think = load.thinkMs > 0 ? ` + ${load.thinkMs} ms of thought` : '';
    const sum = `${whole(perMs * 1000)}/s x (${(response.meanUs / 1000).toFixed(2)} ms${think}) = ${users.toFixed(1)} busy users of ${whole(load.concurrency)}`;
    if (Math.abs(off) <= TOLERANCE) return { state: 'pass', detail: sum };
    const why =
      failed > 0 ? `; ${whole(failed)} failed requests, which kept users busy too, are not in it` : '';
    return { state: 'warn', detail: `${sum}, off by ${percent(Math.abs(off))}${why}` };
  },
};
