// In: a trial behind an emulated link. Out: whether the relay kept its times, so that the network was the one asked for.
import type { TrialRule } from './rule.ts';
import { percent } from './rule.ts';

/** Beyond it the relay has no time left to be in time with. */
const MOST_CPU_RATIO = 0.9;
/** A piece that waits for the relay to get a core is late before its time is taken: its lateness does not show it. */
const MOST_RUN_DELAY = 0.25;
const MOST_P50_US = 1_000;
const MOST_P99_US = 2_000;

/**
 * Nothing is said of the relay's event loop: it naps between two due times, which counts as busy there. Null without a link.
 */
export const link: TrialRule = {
  rule: 'link',
  check({ measurement }) {
    if (measurement.link === null) return null;
    const { relay, latenessP50Us, latenessP99Us, latenessMaxUs } = measurement.link;
    const isLate = latenessP50Us > MOST_P50_US || latenessP99Us > MOST_P99_US;
    const causes = [
      ...(relay.cpuRatio > MOST_CPU_RATIO ? ['the relay is saturated'] : []),
      ...(relay.runDelayRatio > MOST_RUN_DELAY ? ['the relay did not get a core when it needed one'] : []),
      ...(isLate ? ['the relay was late, so the network was slower than the one asked for'] : []),
    ];
    const figures = [
      `passed on late by ${ms(latenessP50Us)} at p50, ${ms(latenessP99Us)} at p99, ${ms(latenessMaxUs)} at most`,
      `relay ${percent(relay.cpuRatio)} of a core, waited for it ${percent(relay.runDelayRatio)} of the time`,
    ].join('; ');
    return causes.length === 0
      ? { state: 'pass', detail: figures }
      : { state: 'fail', detail: `${causes.join('; ')} (${figures})` };
  },
};

function ms(us: number): string {
  return `${(us / 1_000).toFixed(1)} ms`;
}
