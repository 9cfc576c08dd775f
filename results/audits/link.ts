// In: a trial behind an emulated link. Out: whether the relay kept its times, so that the network was the one asked for.
import type { TrialRule } from './rule.ts';
import { percent } from './rule.ts';

/** Beyond it the relay has no time left to be in time with. */
const MOST_CPU_RATIO = 0.9;
/** A piece that waits for the relay to get a core is late before its time is taken: its lateness does not show it. */
const MOST_RUN_DELAY = 0.25;
const MOST_P50_US = 1_000;
/** A tail of lateness that is no cause for doubt, however short the response time is. */
const LATE_P99_US = 2_000;
/** Of a trial's own p99: above it, its tail is to a good part the relay's. (Handshakes that fill a core make 2 to 3 ms.) */
const MOST_P99_SHARE = 0.05;

/**
 * Nothing is said of the relay's event loop: it naps between two due times, which counts as busy there. Null without a link.
 */
export const link: TrialRule = {
  rule: 'link',
  check({ measurement }) {
    if (measurement.link === null) return null;
    const { relay, latenessP50Us, latenessP99Us, latenessMaxUs } = measurement.link;
    const hasLateTail = latenessP99Us > LATE_P99_US;
    const isLate =
      latenessP50Us > MOST_P50_US ||
      (hasLateTail && latenessP99Us > MOST_P99_SHARE * measurement.response.p99Us);
    const causes = [
      ...(relay.cpuRatio > MOST_CPU_RATIO ? ['the relay is saturated'] : []),
      ...(relay.runDelayRatio > MOST_RUN_DELAY ? ['the relay did not get a core when it needed one'] : []),
      ...(isLate ? ['the relay was late, so the network was slower than the one asked for'] : []),
    ];
    const figures = [
      `passed on late by ${ms(latenessP50Us)} at p50, ${ms(latenessP99Us)} at p99, ${ms(latenessMaxUs)} at most`,
      `relay ${percent(relay.cpuRatio)} of a core, waited for it ${percent(relay.runDelayRatio)} of the time`,
    ].join('; ');
    if (causes.length > 0) return { state: 'fail', detail: `${causes.join('; ')} (${figures})` };
    if (hasLateTail) {
      const tail = `up to ${percent(latenessP99Us / measurement.response.p99Us)} of the p99 latency may be the relay's`;
      return { state: 'warn', detail: `${tail} (${figures})` };
    }
    return { state: 'pass', detail: figures };
  },
};

function ms(us: number): string {
  return `${(us / 1_000).toFixed(1)} ms`;
}
