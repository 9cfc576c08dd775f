// Compares two versions of the client or server, interleaved in one run; exits with 1 when the change made something worse.
import { neededConnections, whyUnbounded } from '../../results/connections.ts';
import { UsageError } from '../../results/errors.ts';
import { EXCESS_EFFECT } from '../../results/gate.ts';
import { headlineOf, isHigherBetter } from '../../results/metrics.ts';
import { AB_MIN_EFFECT } from '../../results/min-effect.ts';
import { externalUrls } from '../../scenarios/model/facts.ts';
import type { Load } from '../../scenarios/model/load.ts';
import type { Expectation, ExpectedMetric, Scenario, Timing } from '../../scenarios/model/scenario.ts';
import type { Code, Variant } from '../../scenarios/model/sweep.ts';
import { isBuiltIn } from '../../scenarios/model/target.ts';
import { leaveOutMissing } from '../plan/left-out.ts';
import { planRun } from '../plan/plan.ts';
import { nameHint } from '../plan/problems.ts';
import { loadPlugins, type ReplacedTarget } from '../plan/read-scenarios.ts';
import type { Context } from './context.ts';
import { begin, type MeasureOptions, measurePlan } from './measure-plan.ts';
import { startErrorInOptions } from './option-words.ts';
import type { Side } from './options.ts';
import { adjusted, readAsked, type TimingOptions } from './scenario-options.ts';
import { findVersions, requireTwo, type StartOptions, type VersionOptions } from './versions.ts';

export const BEFORE = 'before';
export const AFTER = 'after';

/** Replicates before anything is decided: with fewer, chance would decide too often. */
export const MIN_DECIDING = 4;

/**
 * Default timing: enough to detect and confirm a change of 10 % within two minutes. Slices of 0.1 s vary by a sixth in any
 * process, so total measured time is what matters (`npm run bench:gate-power`).
 */
export const DEFAULT_TIMING = { warmupMaxMs: 1_500, measureMs: 3_000, budgetMs: 110_000 } as const;

/** Which side's code changes, and the smallest change that counts. */
export interface CodeChange {
  side: Side;
  before: Code;
  after: Code;
  minEffect: number;
}

interface SideRules {
  /** CPU per request of the process whose code differs. */
  cpuMetric: ExpectedMetric;
  /** How the question names this side. */
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
    place: 'the server of ',
    processes: ({ before, after }) => ({
      targets: [
        { arms: [BEFORE], code: before },
        { arms: [AFTER], code: after },
      ],
    }),
  },
};

/**
 * Makes one scenario per given arm, in which only the code of one side differs. It fails when the whole interval of that side's CPU
 * per request, or of the load's headline metric (requests/s, mean response time, capacity), lies beyond the minimum effect, or
 * when more requests fail than before. Replicates stop once the outcome is decided.
 */
export function beforeAndAfter(scenario: Variant, arms: readonly string[], change: CodeChange): Variant[] {
  const { side, before, after, minEffect } = change;
  const { place, processes } = RULES[side];
  return arms.map(arm => ({
    ...scenario,
    name: arms.length === 1 ? scenario.name : `${scenario.name}-${arm}`,
    question: `Is ${place}${after.label} better or worse than ${before.label}? Client ${arm} of ${scenario.name}`,
    clients: { [BEFORE]: scenario.clients[arm]!, [AFTER]: scenario.clients[arm]! },
    baseline: BEFORE,
    timing: { ...scenario.timing, minReplicates: leastReplicates(scenario.timing), until: 'decided' },
    expect: [...limitsOn(side, scenario.load, minEffect), connectionsLimit(scenario, arm)],
    ...processes(change),
  }));
}

function leastReplicates({ minReplicates, maxReplicates }: Timing): number {
  return Math.min(Math.max(minReplicates, MIN_DECIDING), maxReplicates);
}

/** Limit on the load's headline metric; an open load fixes the rate, so its response time is judged. */
function headlineLimit(load: Pick<Load, 'model'>, minEffect: number): Expectation {
  const { metric } = headlineOf(load);
  const of = { metric, of: AFTER, over: BEFORE };
  return isHigherBetter(metric)
    ? { ...of, atLeast: Number((1 / (1 + minEffect)).toFixed(4)) }
    : { ...of, atMost: 1 + minEffect };
}

/** What is looked at first comes first: of two servers their CPU time, because the client usually sets the pace. */
function limitsOn(side: Side, load: Pick<Load, 'model'>, minEffect: number): Expectation[] {
  const cpuLimit = { metric: RULES[side].cpuMetric, of: AFTER, over: BEFORE, atMost: 1 + minEffect };
  const headline = headlineLimit(load, minEffect);
  return [
    ...(side === 'target' ? [cpuLimit, headline] : [headline, cpuLimit]),
    { metric: 'successRatio', of: AFTER, over: BEFORE, atLeast: 0.9995 },
  ];
}

/**
 * Where nothing says how many connections are needed: a version that is only slower has more of them per request, as many times
 * as it is slower, but one that is half as fast fails for that. Both versions are measured in the same slices, so the limit can
 * be lower than that of the gate, which compares two runs.
 */
const MAX_OPENED_RATIO = 2;

/** On connections beyond need, as in the gate: a version that is only slower, and so sends fewer requests, needs as many. */
function connectionsLimit({ clients, target, load }: Variant, arm: string): Expectation {
  const settings = { client: clients[arm]!, target, load };
  const isNeedKnown = whyUnbounded(settings, neededConnections({ ...settings, requests: 1 })) === null;
  return isNeedKnown
    ? { metric: 'unneededConnectionsPer1kRequests', of: AFTER, atMost: EXCESS_EFFECT * 1_000 }
    : { metric: 'connectionsPer1kRequests', of: AFTER, over: BEFORE, atMost: MAX_OPENED_RATIO };
}

export interface AbOptions extends MeasureOptions, TimingOptions, VersionOptions {
  client?: string;
  /** The older name of `client`. */
  arm?: string;
  minEffect?: number;
}

/** Measured when no scenario is named: one user, who meets what it takes to use an idle connection, and a hundred. */
const DEFAULT_SCENARIOS = ['sequential', 'short-vs-persistent'];
const DEFAULT_ARM = 'persistent';
/** The same of a server of the user's own, by all of its clients: what a connection costs the server may have changed. */
const DEFAULT_OF_SERVERS = 'short-vs-persistent';

/** A scenario, and which of its clients are each measured on two codes. */
export interface ChosenScenario {
  scenario: Variant;
  arms: readonly string[];
}

/** @throws UsageError for scenarios that cannot be read, or do not fit the options */
export async function chooseScenarios(
  selectors: readonly string[],
  options: Pick<AbOptions, 'side' | 'client' | 'arm'> & StartOptions,
  context: Context,
): Promise<ChosenScenario[]> {
  const isOwnServer = options.start !== undefined;
  const isDefault = selectors.length === 0;
  const defaults = isOwnServer ? [DEFAULT_OF_SERVERS] : DEFAULT_SCENARIOS;
  const scenarios = await readAll(isDefault ? defaults : selectors, options, context);
  const arm = namedClient(options) ?? (isDefault && !isOwnServer ? DEFAULT_ARM : undefined);
  if (options.side === 'target' && !isOwnServer) scenarios.forEach(requireOwnTarget);
  return scenarios.map(scenario => ({
    scenario: isDefault ? { ...scenario, timing: { ...scenario.timing, ...DEFAULT_TIMING } } : scenario,
    arms: armsOf(scenario, arm),
  }));
}

/** Both versions of a server of the user's own are started from their folders; else conntax has a target. */
export function sideOf({ start, side }: Pick<AbOptions, 'start' | 'side'>): Side {
  return start === undefined ? side : 'target';
}

/** The scenarios, with --start on that server. @throws UsageError */
async function readAll(
  selectors: readonly string[],
  options: StartOptions,
  context: Context,
): Promise<Variant[]> {
  const replaced = replacedTarget(options);
  const read = await readAsked(selectors, context, replaced).catch((error: unknown) => {
    throw replaced === undefined ? error : startErrorInOptions(error, options);
  });
  const scenarios = leaveOutMissing(read, await loadPlugins(context.plugins.transports));
  if (replaced === undefined) return scenarios;
  // The folder of the command is that of each version, not that of the scenario's file.
  const folder = options.cwd ?? '.';
  return scenarios.map(scenario => ({ ...scenario, target: { ...scenario.target, cwd: folder } }));
}

/** @returns the exit status. @throws UsageError, MeasureError */
export function abCommand(selectors: string[], options: AbOptions, context: Context): Promise<number> {
  // What is installed or checked out is removed, however this ends.
  return context.keep(() => installAndMeasure(selectors, options, context), context.output.note);
}

async function installAndMeasure(selectors: string[], options: AbOptions, context: Context): Promise<number> {
  requireTwo(options);
  const chosen = await chooseScenarios(selectors, options, context);
  await using installed = new AsyncDisposableStack();
  const { before, after } = await findVersions(options, context, installed);
  const change = { side: sideOf(options), before, after, minEffect: options.minEffect ?? AB_MIN_EFFECT };
  context.signal.throwIfAborted();
  const begun = begin(options);
  const pairs = chosen.flatMap(({ scenario, arms }) => beforeAndAfter(scenario, arms, change));
  const plan = planRun(
    pairs.map(pair => adjusted(pair, options)),
    begun.pace,
  );
  return await measurePlan(plan, { ...begun, options, context });
}

function replacedTarget({ start, ready, portEnv, portFrom, path }: StartOptions): ReplacedTarget | undefined {
  if (start === undefined) return undefined;
  return {
    target: {
      command: start,
      ...(ready === undefined ? {} : { ready }),
      ...(portEnv === undefined ? {} : { portEnv }),
      ...(portFrom === undefined ? {} : { portFrom }),
    },
    ...(path === undefined ? {} : { path }),
  };
}

/** @throws UsageError when both names of the option are given, for different clients */
function namedClient({ client, arm }: Pick<AbOptions, 'client' | 'arm'>): string | undefined {
  if (client !== undefined && arm !== undefined && client !== arm) {
    throw new UsageError('--arm is another name of --client: use only one of them');
  }
  return client ?? arm;
}

/** @throws UsageError for a server that is not conntax's own */
function requireOwnTarget({ name, target }: Scenario): void {
  if (isBuiltIn(target)) return;
  const its =
    target.command === undefined
      ? `an external server (${externalUrls(target).join(', ')})`
      : `a server that a command starts (target.command ${target.command})`;
  throw new UsageError(
    `--side target runs two versions of conntax's own server, but scenario ${name} uses ${its}; ` +
      "expected: --start with the command that starts your server, a scenario with conntax's own server, or --side client",
  );
}

/** @throws UsageError for a client that the scenario does not have */
function armsOf({ name, clients }: Scenario, arm: string | undefined): string[] {
  const known = Object.keys(clients);
  if (arm === undefined) return known;
  if (known.includes(arm)) return [arm];
  throw new UsageError(`scenario ${name} has no client "${arm}": ${nameHint(arm, known)}`);
}
