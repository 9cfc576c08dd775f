// In: a scenario and two codes. Out: the scenario as a comparison of them: one arm's client, once on each.
import type { Code } from '../core/code.ts';
import type { Expectation, ExpectedMetric } from '../core/expectation.ts';
import type { Load } from '../../scenarios/model/load.ts';
import type { Timing } from '../../scenarios/model/scenario.ts';
import type { Variant } from '../../scenarios/model/sweep.ts';

export const BEFORE = 'before';
export const AFTER = 'after';

const MOST_CONNECTIONS_RATIO = 1.25;

/**
 * The least change that counts, unless it is stated otherwise. The whole interval has to lie beyond it, so that half of the
 * change that is to be seen would be too much.
 */
export const LEAST_EFFECT = 0.02;
/** Before so many nothing is decided: of fewer, chance would decide too often. */
export const LEAST_DECIDING = 4;

/**
 * Where nobody says how long to measure: what a change of 10 % takes to be seen and confirmed within two minutes. Slices of
 * 0.1 s vary by a sixth, whatever the process, so that it is the time under measurement that counts
 * (`npm run bench:gate-power`).
 */
export const DEFAULT_TIMING = { warmupMaxMs: 1_500, measureMs: 3_000, budgetMs: 110_000 } as const;

export const SIDES = ['client', 'target'] as const;
export type Side = (typeof SIDES)[number];

/** Whose code changes, and how much of a change counts. */
export interface CodeChange {
  side: Side;
  before: Code;
  after: Code;
  minEffect: number;
}

interface SideRules {
  /** What a request costs the process whose code differs. */
  cpuMetric: ExpectedMetric;
  /** Its place in the question. */
  place: string;
  processes(change: CodeChange): Pick<Variant, 'generatorCode' | 'targets'>;
}

const RULES: Record<Side, SideRules> = {
  client: {
    cpuMetric: 'cpuUsPerRequest',
    place: '',
    processes: ({ before, after }) => ({ generatorCode: { [BEFORE]: before, [AFTER]: after } }),
  },
  target: {
    cpuMetric: 'targetCpuUsPerRequest',
    place: ' as the target',
    processes: ({ before, after }) => ({
      targets: [
        { arms: [BEFORE], code: before },
        { arms: [AFTER], code: after },
      ],
    }),
  },
};

/**
 * A scenario for each arm given, in which only the code of one side differs. It fails when the whole interval of that side's CPU
 * per request, or of what decides under the load (requests/s, mean response time, capacity), lies beyond the least effect, or
 * when requests fail that did not. Replicates end as soon as it fails, or can't any more.
 */
export function beforeAndAfter(scenario: Variant, arms: readonly string[], change: CodeChange): Variant[] {
  const { side, before, after, minEffect } = change;
  const { cpuMetric, place, processes } = RULES[side];
  return arms.map(arm => ({
    ...scenario,
    name: arms.length === 1 ? scenario.name : `${scenario.name}-${arm}`,
    question: `Does ${after.label} change what ${before.label} did${place}? Client ${arm} of ${scenario.name}`,
    clients: { [BEFORE]: scenario.clients[arm]!, [AFTER]: scenario.clients[arm]! },
    baseline: BEFORE,
    timing: { ...scenario.timing, minReplicates: leastReplicates(scenario.timing), until: 'decided' },
    expect: [headlineLimit(scenario.load, minEffect), ...otherLimits(cpuMetric, minEffect)],
    ...processes(change),
  }));
}

function leastReplicates({ minReplicates, maxReplicates }: Timing): number {
  return Math.min(Math.max(minReplicates, LEAST_DECIDING), maxReplicates);
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

function otherLimits(cpuMetric: ExpectedMetric, minEffect: number): Expectation[] {
  return [
    { metric: cpuMetric, of: AFTER, over: BEFORE, atMost: 1 + minEffect },
    { metric: 'successRatio', of: AFTER, over: BEFORE, atLeast: 0.9995 },
    // Over a fixed pool they vary inversely with the rate, which has its own limit above.
    { metric: 'connectionsPer1kRequests', of: AFTER, over: BEFORE, atMost: MOST_CONNECTIONS_RATIO },
  ];
}
