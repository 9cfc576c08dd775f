// Rules on load and timing: capacity searches, limits that exclude each other, idle time between slices, several generators.
import { meanFaultMs } from '../../../scenarios/model/fault.ts';
import type { Scenario } from '../../../scenarios/model/scenario.ts';
import { Target } from '../../../scenarios/model/target.ts';
import { countGenerators, evenWeights, refuseDivision } from '../division.ts';
import type { Path } from '../problems.ts';
import { sliceGapMs } from '../timing.ts';
import type { Finding, Rule, RuleContext } from './rule.ts';

/** Only a capacity search measures a capacity, and it needs a range and an objective. */
export function loadRules(): Rule[] {
  return [
    {
      reads: [['load'], ['expect']],
      check: ({ load: { model }, expect }) =>
        expect.flatMap(({ metric }, index) =>
          model === 'capacity' || metric !== 'capacityPerSec'
            ? []
            : {
                path: ['expect', index, 'metric'],
                message: `a load of model ${model} does not measure capacity`,
                hint: "another metric, or model: 'capacity' in load",
              },
        ),
    },
    {
      reads: ['model', 'minRatePerSec', 'maxRatePerSec'].map(name => ['load', name]),
      check({ load }) {
        if (load.model !== 'capacity' || load.minRatePerSec < load.maxRatePerSec) return undefined;
        const { minRatePerSec, maxRatePerSec } = load;
        return {
          path: ['load', 'minRatePerSec'],
          message: `${minRatePerSec} is not less than maxRatePerSec (${maxRatePerSec}), so there is nothing to search`,
          hint: `less than ${maxRatePerSec}, or a larger maxRatePerSec`,
        };
      },
    },
    {
      reads: [
        ['load', 'model'],
        ['load', 'objective'],
      ],
      check: ({ load }) =>
        load.model !== 'capacity' || (load.objective.p50Ms ?? load.objective.p99Ms) !== undefined
          ? undefined
          : {
              path: ['load', 'objective'],
              message: 'no latency limit is set, so any rate would pass',
              hint: 'p99Ms, p50Ms or both, in ms',
            },
    },
  ];
}

/** Idle timeouts must be at least this many times the estimated gap between two slices of an arm. */
const GAP_SAFETY = 2;
const DEFAULT_KEEP_ALIVE_MS = Target.parse({}).keepAliveTimeoutMs;

/** Limits that exclude each other. */
export function timingRules(): Rule[] {
  const pairs = [
    ['warmupMinMs', 'warmupMaxMs'],
    ['minReplicates', 'maxReplicates'],
  ] as const;
  return [
    ...pairs.map(
      ([least, most]): Rule => ({
        reads: [
          ['timing', least],
          ['timing', most],
        ],
        check: ({ timing }) =>
          timing[least] <= timing[most]
            ? undefined
            : {
                path: ['timing', least],
                message: `${timing[least]} is more than the ${most} of ${timing[most]}`,
                hint: `at most ${timing[most]}, or a larger ${most}`,
              },
      }),
    ),
    {
      reads: [['timing', 'until'], ['expect']],
      check: ({ timing, expect }) =>
        timing.until !== 'decided' || expect.length > 0
          ? undefined
          : {
              path: ['timing', 'until'],
              message: 'expect is empty, so there is nothing to decide',
              hint: "'precise', or a limit in expect",
            },
    },
  ];
}

/** An arm is idle between its slices: connections closed meanwhile would be counted as the arm's own cost. */
export function idleFindings(scenario: Scenario, behaviours: RuleContext['behaviours']): Finding[] {
  const { timing, target, clients, link } = scenario;
  if (timing.slicing !== 'alternate') return [];
  const serviceMs =
    (behaviours[target.behaviour.name]?.meanServiceMs(target.behaviour) ?? 0) + meanFaultMs(target.faults);
  const persistent = Object.entries(clients).filter(([, client]) => client.requestsPerConnection !== 1);
  const gaps = persistent.map(([arm]) => sliceGapMs(scenario, arm, serviceMs));
  const longestGapMs = Math.max(0, ...gaps);
  const idleTimeouts: { path: Path; ms: number; gapMs: number }[] = [
    {
      path: ['target', 'keepAliveTimeoutMs'],
      ms: target.keepAliveTimeoutMs || Infinity,
      gapMs: longestGapMs,
    },
    { path: ['link', 'silentAfterIdleMs'], ms: link?.silentAfterIdleMs ?? Infinity, gapMs: longestGapMs },
    ...persistent.map(([arm, { pool }], index) => ({
      path: ['clients', arm, 'pool', 'idleTimeoutMs'],
      ms: pool.idleTimeoutMs ?? Infinity,
      gapMs: gaps[index]!,
    })),
  ];
  return idleTimeouts
    .filter(({ ms, gapMs }) => ms < gapMs * GAP_SAFETY)
    .map(({ path, ms, gapMs }) =>
      // A default is not the author's mistake: the settings that make the slices this long are.
      ms === DEFAULT_KEEP_ALIVE_MS
        ? {
            path: ['load'],
            message: `with this many concurrent requests slices are so long that a client may be idle for about ${gapMs} ms between two of its own, and the server closes idle connections after ${ms} ms (target.keepAliveTimeoutMs)`,
            hint: `timing.slicing: 'whole', fewer concurrent requests, a smaller timing.sliceResponses, or target.keepAliveTimeoutMs of at least ${gapMs * GAP_SAFETY}`,
          }
        : {
            path,
            message: `clients take turns, so each may be idle for about ${gapMs} ms: a timeout of ${ms} ms may close its connections meanwhile`,
            hint: `timing.slicing: 'whole', or at least ${gapMs * GAP_SAFETY} ms here`,
          },
    );
}

/** What several generators cannot share. */
export function divisionFindings(scenario: Scenario, transports: RuleContext['transports']): Finding[] {
  const weights = evenWeights(countGenerators(scenario));
  return refuseDivision(scenario, transports, weights).map(({ path, ...refusal }) => ({
    path: path.split('.'),
    ...refusal,
  }));
}
