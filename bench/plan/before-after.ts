// In: a scenario and two codes. Out: the scenario as a comparison of them: one arm's client, once on each.
import type { Code } from '../core/code.ts';
import type { Expectation } from '../core/expectation.ts';
import type { Variant } from '../core/sweep.ts';

export const BEFORE = 'before';
export const AFTER = 'after';

const MOST_CONNECTIONS_RATIO = 1.25;

/** One arm of a scenario on two codes, in the same slices and replicates. */
export interface BeforeAfter {
  scenario: Variant;
  code: Readonly<Record<string, Code>>;
}

/**
 * A scenario for each arm given, in which only the code differs. It fails when the whole interval of requests/s or of CPU per
 * request lies beyond the least effect, or when requests fail that did not.
 */
export function beforeAndAfter(
  scenario: Variant,
  arms: readonly string[],
  codes: { before: Code; after: Code },
  minEffect: number,
): BeforeAfter[] {
  return arms.map(arm => ({
    scenario: {
      ...scenario,
      name: arms.length === 1 ? scenario.name : `${scenario.name}-${arm}`,
      question: `Does ${codes.after.label} change what ${codes.before.label} did? Client ${arm} of ${scenario.name}`,
      clients: { [BEFORE]: scenario.clients[arm]!, [AFTER]: scenario.clients[arm]! },
      baseline: BEFORE,
      expect: expectationsOf(minEffect),
    },
    code: { [BEFORE]: codes.before, [AFTER]: codes.after },
  }));
}

function expectationsOf(minEffect: number): Expectation[] {
  return [
    { metric: 'requestsPerSec', of: AFTER, over: BEFORE, atLeast: Number((1 / (1 + minEffect)).toFixed(4)) },
    { metric: 'cpuUsPerRequest', of: AFTER, over: BEFORE, atMost: 1 + minEffect },
    { metric: 'successRatio', of: AFTER, over: BEFORE, atLeast: 0.9995 },
    // Over a fixed pool they vary inversely with the rate, which has its own limit above.
    { metric: 'connectionsPer1kRequests', of: AFTER, over: BEFORE, atMost: MOST_CONNECTIONS_RATIO },
  ];
}
