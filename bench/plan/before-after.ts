// In: a scenario and two codes. Out: the scenario as a comparison of them: one arm's client, once on each.
import type { Code } from '../core/code.ts';
import type { Expectation } from '../core/expectation.ts';
import type { Load } from '../core/load.ts';
import type { Variant } from '../core/sweep.ts';

export const BEFORE = 'before';
export const AFTER = 'after';

const MOST_CONNECTIONS_RATIO = 1.25;

/**
 * Where nobody says how long to measure: what a change of twice the least effect takes to be seen within two minutes. Slices
 * of 0.1 s vary by a quarter, whatever the process, so that it is the time under measurement that counts
 * (`npm run bench:gate-power`).
 */
export const DEFAULT_TIMING = { warmupMaxMs: 1_500, measureMs: 3_000, budgetMs: 110_000 } as const;

/**
 * A scenario for each arm given, in which only the code differs. It fails when the whole interval of CPU per request, or of
 * what decides under the load (requests/s, mean response time, capacity), lies beyond the least effect, or when requests fail
 * that did not. To see a change of twice the least effect, the ratio has to be known within half of it.
 */
export function beforeAndAfter(
  scenario: Variant,
  arms: readonly string[],
  codes: { before: Code; after: Code },
  minEffect: number,
): Variant[] {
  return arms.map(arm => ({
    ...scenario,
    name: arms.length === 1 ? scenario.name : `${scenario.name}-${arm}`,
    question: `Does ${codes.after.label} change what ${codes.before.label} did? Client ${arm} of ${scenario.name}`,
    clients: { [BEFORE]: scenario.clients[arm]!, [AFTER]: scenario.clients[arm]! },
    baseline: BEFORE,
    timing: { ...scenario.timing, precision: Math.min(scenario.timing.precision, minEffect / 2) },
    expect: [headlineLimit(scenario.load, minEffect), ...otherLimits(minEffect)],
    generatorCode: { [BEFORE]: codes.before, [AFTER]: codes.after },
  }));
}

/** On what decides under the load: an open one sets the rate itself. */
function headlineLimit({ model }: Load, minEffect: number): Expectation {
  const of = { of: AFTER, over: BEFORE };
  const atLeast = Number((1 / (1 + minEffect)).toFixed(4));
  switch (model) {
    case 'closed':
      return { metric: 'requestsPerSec', ...of, atLeast };
    case 'open':
    case 'burst':
      return { metric: 'meanUs', ...of, atMost: 1 + minEffect };
    case 'capacity':
      return { metric: 'capacityPerSec', ...of, atLeast };
    default:
      return model satisfies never;
  }
}

function otherLimits(minEffect: number): Expectation[] {
  return [
    { metric: 'cpuUsPerRequest', of: AFTER, over: BEFORE, atMost: 1 + minEffect },
    { metric: 'successRatio', of: AFTER, over: BEFORE, atLeast: 0.9995 },
    // Over a fixed pool they vary inversely with the rate, which has its own limit above.
    { metric: 'connectionsPer1kRequests', of: AFTER, over: BEFORE, atMost: MOST_CONNECTIONS_RATIO },
  ];
}
