// In: a trial. Out: whether its slices were long enough for the slowest of its requests, and whether all of them ended.
import type { TrialRule } from './rule.ts';
import { percent, whole } from './rule.ts';

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
