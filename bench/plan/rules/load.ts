// Rules on load, timing and limits of the machine: capacity searches, idle time between slices, several generators, and the
// processes that conntax starts itself.
import { TIME_WAIT_METRICS } from '../../../results/metrics.ts';
import type { Scenario } from '../../../scenarios/model/scenario.ts';
import { isBuiltIn, isExternal, Target } from '../../../scenarios/model/target.ts';
import { countGenerators, evenWeights, refuseDivision } from '../division.ts';
import { sliceGapMs, targetServiceMs } from '../forecast.ts';
import type { Path } from '../problems.ts';
import {
  type Finding,
  KINDS_OF_SERVER,
  type Rule,
  type RuleContext,
  refuseExpectations,
  URLS,
} from './rule.ts';

/** Only a capacity search measures a capacity, and it needs a range and an objective. */
export const loadRules: readonly Rule[] = [
  {
    at: 'expect',
    reads: ['load'],
    check: scenario =>
      refuseExpectations(
        scenario,
        ({ metric }) => metric === 'capacityPerSec' && scenario.load.model !== 'capacity',
        {
          message: `a load of model ${scenario.load.model} does not measure capacity`,
          hint: "another metric, or model: 'capacity' in load",
        },
      ),
  },
  {
    at: 'load.minRatePerSec',
    reads: ['load.model', 'load.maxRatePerSec'],
    check({ load }) {
      if (load.model !== 'capacity' || load.minRatePerSec < load.maxRatePerSec) return undefined;
      const { minRatePerSec, maxRatePerSec } = load;
      return {
        message: `${minRatePerSec} is not less than maxRatePerSec (${maxRatePerSec}), so there is nothing to search`,
        hint: `less than ${maxRatePerSec}, or a larger maxRatePerSec`,
      };
    },
  },
  {
    at: 'load.objective',
    reads: ['load.model'],
    isBroken: ({ load }) =>
      load.model === 'capacity' && (load.objective.p50Ms ?? load.objective.p99Ms) === undefined,
    message: 'no latency limit is set, so any rate would pass',
    hint: 'p99Ms, p50Ms or both, in ms',
  },
];

/** Limits that exclude each other. */
export const timingRules: readonly Rule[] = [
  ...(
    [
      ['warmupMinMs', 'warmupMaxMs'],
      ['minReplicates', 'maxReplicates'],
    ] as const
  ).map(
    ([least, most]): Rule => ({
      at: `timing.${least}`,
      reads: [`timing.${most}`],
      check({ timing }) {
        if (timing[least] <= timing[most]) return undefined;
        return {
          message: `${timing[least]} is more than the ${most} of ${timing[most]}`,
          hint: `at most ${timing[most]}, or a larger ${most}`,
        };
      },
    }),
  ),
  {
    at: 'timing.until',
    reads: ['expect'],
    isBroken: ({ timing, expect }) => timing.until === 'decided' && expect.length === 0,
    message: 'expect is empty, so there is nothing to decide',
    hint: "'precise', or a limit in expect",
  },
];

/** They hold for processes that conntax starts itself. */
export const limitRules: readonly Rule[] = [
  {
    at: 'limits.localPorts',
    reads: ['limits', 'link'],
    isBroken: ({ limits, link }) => limits?.localPorts !== undefined && link !== undefined,
    message: 'the relay of the link opens connections of its own, which need ports too',
    hint: 'no link, or no localPorts',
  },
  {
    at: 'limits.localPorts',
    reads: ['limits', ...KINDS_OF_SERVER],
    isBroken: ({ limits, target }) => limits?.localPorts !== undefined && !isBuiltIn(target),
    message: 'only a server that conntax starts itself runs in a network namespace with its clients',
    hint: "conntax's own server, or no localPorts",
  },
  {
    at: 'limits.serverCpus',
    reads: ['limits', ...URLS],
    isBroken: ({ limits, target }) => limits?.serverCpus !== undefined && isExternal(target),
    message: 'only a server that conntax starts runs in a control group of its own',
    hint: "conntax's own server, one that target.command starts, or no serverCpus",
  },
  {
    // What one client has used up, the next would have to wait for.
    at: 'limits',
    reads: ['timing.slicing'],
    check({ limits, timing }) {
      const name = (['serverCpus', 'clientCpus'] as const).find(cpus => limits?.[cpus] !== undefined);
      if (name === undefined || timing.slicing === 'whole') return undefined;
      const message =
        'clients that take turns every 100 ms would wait for CPU time that the others have used up';
      return [{ path: ['limits', name], message, hint: "timing.slicing: 'whole', or no limit of CPU time" }];
    },
  },
  {
    at: 'expect',
    reads: ['link'],
    check: scenario =>
      refuseExpectations(
        scenario,
        ({ metric }) => TIME_WAIT_METRICS.has(metric) && scenario.link !== undefined,
        {
          message: 'the relay of the link stands between the two ends of a connection',
          hint: 'no link, or another metric',
        },
      ),
  },
  {
    at: 'expect',
    reads: KINDS_OF_SERVER,
    check: scenario =>
      refuseExpectations(
        scenario,
        ({ metric }) => TIME_WAIT_METRICS.has(metric) && !isBuiltIn(scenario.target),
        {
          message: "both ends of a connection can only be seen with conntax's own server",
          hint: "conntax's own server, or another metric",
        },
      ),
  },
];

/** What several generators cannot share. */
export function divisionRule({ transports }: RuleContext): Rule {
  return {
    at: 'generators',
    reads: ['load', 'clients'],
    check: scenario =>
      refuseDivision(scenario, transports, evenWeights(countGenerators(scenario))).map(
        ({ path, ...refusal }) => ({ path: path.split('.'), ...refusal }),
      ),
  };
}

export function idleRule({ behaviours }: RuleContext): Rule {
  return {
    at: 'timing',
    reads: ['load', 'link', 'target', 'clients'],
    check: scenario => idleFindings(scenario, behaviours),
  };
}

/** Idle timeouts must be at least this many times the estimated gap between two slices of an arm. */
const GAP_SAFETY = 2;
const DEFAULT_KEEP_ALIVE_MS = Target.parse({}).keepAliveTimeoutMs;

/** An arm is idle between its slices: connections closed meanwhile would be counted as the arm's own cost. */
function idleFindings(scenario: Scenario, behaviours: RuleContext['behaviours']): Finding[] {
  const { timing, target, clients, link } = scenario;
  if (timing.slicing !== 'alternate') return [];
  const serviceMs = targetServiceMs(target, behaviours);
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
