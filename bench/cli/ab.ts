// Compares two versions of the client or server, interleaved in one run; exits with 1 when the change made something worse.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { UsageError } from '../../results/errors.ts';
import { headlineOf, isHigherBetter } from '../../results/metrics.ts';
import type { Load } from '../../scenarios/model/load.ts';
import type { Expectation, ExpectedMetric, Scenario, Timing } from '../../scenarios/model/scenario.ts';
import type { Code, Variant } from '../../scenarios/model/sweep.ts';
import { leaveOutMissing, planRun } from '../plan/plan.ts';
import { nameHint } from '../plan/problems.ts';
import { loadPlugins } from '../plan/read-scenarios.ts';
import { openInstallations } from '../run/npm-packages.ts';
import { readScenarios } from '../run/scenario-questions.ts';
import type { Context } from './context.ts';
import { LEAST_EFFECT, type Side } from './option-defaults.ts';
import { adjusted, type MeasureOptions, measurePlan, seedOf, type TimingOptions } from './run.ts';

export const BEFORE = 'before';
export const AFTER = 'after';

const MOST_CONNECTIONS_RATIO = 1.25;

/** Replicates before anything is decided: with fewer, chance would decide too often. */
export const LEAST_DECIDING = 4;

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
 * Makes one scenario per given arm, in which only the code of one side differs. It fails when the whole interval of that side's CPU
 * per request, or of the load's headline metric (requests/s, mean response time, capacity), lies beyond the minimum effect, or
 * when more requests fail than before. Replicates stop once the outcome is decided.
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

/** Limit on the load's headline metric; an open load fixes the rate, so its response time is judged. */
function headlineLimit(load: Pick<Load, 'model'>, minEffect: number): Expectation {
  const { metric } = headlineOf(load);
  const of = { metric, of: AFTER, over: BEFORE };
  return isHigherBetter(metric)
    ? { ...of, atLeast: Number((1 / (1 + minEffect)).toFixed(4)) }
    : { ...of, atMost: 1 + minEffect };
}

function otherLimits(cpuMetric: ExpectedMetric, minEffect: number): Expectation[] {
  return [
    { metric: cpuMetric, of: AFTER, over: BEFORE, atMost: 1 + minEffect },
    { metric: 'successRatio', of: AFTER, over: BEFORE, atLeast: 0.9995 },
    // Over a fixed pool they vary inversely with the rate, which has its own limit above.
    { metric: 'connectionsPer1kRequests', of: AFTER, over: BEFORE, atMost: MOST_CONNECTIONS_RATIO },
  ];
}

export interface AbOptions extends MeasureOptions, TimingOptions {
  /** Which of the two processes runs both versions. */
  side: Side;
  before?: string;
  after?: string;
  beforePackage?: string;
  afterPackage?: string;
  /** Version of the npm package `node`. */
  beforeNode?: string;
  afterNode?: string;
  client?: string;
  /** The older name of `client`. */
  arm?: string;
  minEffect?: number;
}

/** Measured when no scenario is named: one user, who meets what it takes to use an idle connection, and a hundred. */
const DEFAULT_SCENARIOS = ['sequential', 'short-vs-persistent'];
const DEFAULT_ARM = 'persistent';
/** The version of a side that no option names. */
const OWN_CODE: Code = { label: 'this conntax', dir: null, packages: {} };

/** A scenario, and which of its clients are each measured on two codes. */
export interface ChosenScenario {
  scenario: Variant;
  arms: readonly string[];
}

/** @throws UsageError for scenarios that cannot be read, or do not fit the options */
export async function chooseScenarios(
  selectors: readonly string[],
  options: Pick<AbOptions, 'side' | 'client' | 'arm'>,
  { plugins, builtinDir, cwd, signal }: Context,
): Promise<ChosenScenario[]> {
  const isDefault = selectors.length === 0;
  const scenarios = leaveOutMissing(
    await readScenarios(isDefault ? DEFAULT_SCENARIOS : [...selectors], {
      ...plugins,
      builtinDir,
      cwd,
      signal,
    }),
    await loadPlugins(plugins.transports),
  );
  const arm = namedClient(options) ?? (isDefault ? DEFAULT_ARM : undefined);
  if (options.side === 'target') scenarios.forEach(requireOwnTarget);
  return scenarios.map(scenario => ({
    scenario: isDefault ? { ...scenario, timing: { ...scenario.timing, ...DEFAULT_TIMING } } : scenario,
    arms: armsOf(scenario, arm),
  }));
}

/** @returns the exit status. @throws UsageError, MeasureError */
export function abCommand(selectors: string[], options: AbOptions, context: Context): Promise<number> {
  // Installed packages are removed, however this ends.
  return context.keep(() => installAndMeasure(selectors, options, context), context.output.note);
}

async function installAndMeasure(selectors: string[], options: AbOptions, context: Context): Promise<number> {
  const { cwd, output, signal } = context;
  const chosen = await chooseScenarios(selectors, options, context);
  requireTwo(options);
  await using installed = openInstallations(signal, output.note);
  const codeOf = async ({ dir, spec, node }: Named): Promise<Code> => {
    const wanted = node === undefined ? spec : `node@${node}`;
    if (wanted !== undefined) return await installed.install(wanted);
    return dir === undefined ? OWN_CODE : folderCode(resolve(cwd, dir), dir);
  };
  const { before, after } = sidesOf(options);
  const change = {
    side: options.side,
    before: await codeOf(before),
    after: await codeOf(after),
    minEffect: options.minEffect ?? LEAST_EFFECT,
  };
  signal.throwIfAborted();
  const startedAt = new Date();
  const pairs = chosen.flatMap(({ scenario, arms }) => beforeAndAfter(scenario, arms, change));
  const plan = planRun(
    pairs.map(pair => adjusted(pair, options)),
    { seed: seedOf(options, startedAt) },
  );
  return await measurePlan(plan, { startedAt, options, context });
}

/** Which version one of the two is, by at most one of the options. */
interface Named {
  dir?: string | undefined;
  spec?: string | undefined;
  node?: string | undefined;
}

function sidesOf(options: AbOptions): Record<'before' | 'after', Named> {
  const { before, beforePackage, beforeNode, after, afterPackage, afterNode } = options;
  return {
    before: { dir: before, spec: beforePackage, node: beforeNode },
    after: { dir: after, spec: afterPackage, node: afterNode },
  };
}

function requireTwo(options: AbOptions): void {
  const sides = Object.entries(sidesOf(options)).map(([side, named]) => ({
    side,
    count: Object.values(named).filter(one => one !== undefined).length,
  }));
  for (const { side, count } of sides) {
    if (count > 1) throw new UsageError(`use only one of --${side}, --${side}-package and --${side}-node`);
  }
  if (sides.every(({ count }) => count === 0)) {
    throw new UsageError(
      'nothing to compare: give --before or --after (folders), or one of them with -package or -node (versions)',
    );
  }
}

/** @throws UsageError when both names of the option are given, for different clients */
function namedClient({ client, arm }: Pick<AbOptions, 'client' | 'arm'>): string | undefined {
  if (client !== undefined && arm !== undefined && client !== arm) {
    throw new UsageError('--arm is another name of --client: use only one of them');
  }
  return client ?? arm;
}

function requireOwnTarget({ name, target: { url } }: Scenario): void {
  if (url === undefined) return;
  throw new UsageError(
    `--side target runs two versions of the server, but scenario ${name} uses an external server ` +
      `(target.url ${url}); use a scenario without target.url, or --side client`,
  );
}

function folderCode(dir: string, label: string): Code {
  if (!existsSync(dir)) throw new UsageError(`folder not found: ${dir}`);
  return { label, dir, packages: {} };
}

/** @throws UsageError for a client that the scenario does not have */
function armsOf({ name, clients }: Scenario, arm: string | undefined): string[] {
  const known = Object.keys(clients);
  if (arm === undefined) return known;
  if (known.includes(arm)) return [arm];
  throw new UsageError(`scenario ${name} has no client "${arm}": ${nameHint(arm, known)}`);
}
