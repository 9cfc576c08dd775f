// In: two codes, by folder or by package version, and scenarios. Out: both measured in the same slices; exit 1 when it got worse.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { UsageError } from '../../results/errors.ts';
import { writing } from '../../results/files.ts';
import type { Load } from '../../scenarios/model/load.ts';
import type { Expectation, ExpectedMetric, Scenario, Timing } from '../../scenarios/model/scenario.ts';
import type { Code, Variant } from '../../scenarios/model/sweep.ts';
import { leaveOutMissing, planRun } from '../plan/plan.ts';
import { nameHint } from '../plan/problems.ts';
import { loadPlugins } from '../plan/read-scenarios.ts';
import { readScenarios } from '../run/scenario-questions.ts';
import type { Context } from './context.ts';
import { adjusted, type MeasureOptions, measurePlan, seedOf, type TimingOptions } from './run.ts';

// From a package and version as npm knows them. Out: it installed in a folder of its own, for one run.

const exec = promisify(execFile);
const INSTALL_TIMEOUT_MS = 120_000;

/**
 * Installs one package with npm, without its scripts. `spec` is what `npm install` takes, such as `undici@7`.
 *
 * @throws UsageError when it is no package, or npm can't install it; the signal's reason when that aborts
 */
export async function installPackage(
  spec: string,
  signal: AbortSignal,
): Promise<{ code: Code; remove: () => Promise<void> }> {
  const name = /^(@[^/@\s]+\/)?[^/@\s]+/.exec(spec)?.[0];
  if (name === undefined || spec.startsWith('-')) {
    throw new UsageError(`"${spec}" is no package: a name and a version, such as undici@7`);
  }
  const start = join(tmpdir(), 'conntax-package-');
  const folder = writing(start, () => mkdtempSync(start));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true }));
    await exec('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', spec], {
      cwd: folder,
      timeout: INSTALL_TIMEOUT_MS,
      signal,
    });
    const manifest = await readFile(join(folder, 'node_modules', name, 'package.json'), 'utf8');
    const { version } = JSON.parse(manifest) as { version: string };
    return { code: { label: `${name} ${version}`, dir: null, packages: { [name]: folder } }, remove };
  } catch (cause) {
    await remove();
    signal.throwIfAborted();
    const { stderr = '', message } = cause as Error & { stderr?: string };
    throw new UsageError(`npm can't install ${spec}: ${stderr.trim() || message}`);
  }
}

// From a scenario and two codes. Out: the scenario as a comparison of them: one arm's client, once on each.

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

export interface AbOptions extends MeasureOptions, TimingOptions {
  /** Which of the two processes starts from the two codes. */
  side: Side;
  before?: string;
  after?: string;
  beforePackage?: string;
  afterPackage?: string;
  arm?: string;
  minEffect?: number;
}

/** What is measured when no scenario is named. */
const DEFAULT_SCENARIO = 'short-vs-persistent';
const DEFAULT_ARM = 'persistent';
/** What a side is that nothing is said of. */
const OWN_CODE: Code = { label: 'this conntax', dir: null, packages: {} };

/** @returns the exit status. @throws UsageError, MeasureError */
export function abCommand(selectors: string[], options: AbOptions, context: Context): Promise<number> {
  // What was installed is removed, however this ends.
  return context.keep(() => installAndMeasure(selectors, options, context), context.output.note);
}

async function installAndMeasure(selectors: string[], options: AbOptions, context: Context): Promise<number> {
  const { plugins, builtinDir, cwd, output, signal } = context;
  const isDefault = selectors.length === 0;
  const scenarios = leaveOutMissing(
    await readScenarios(isDefault ? [DEFAULT_SCENARIO] : selectors, { ...plugins, builtinDir, cwd, signal }),
    await loadPlugins(plugins.transports),
  );
  const arm = options.arm ?? (isDefault ? DEFAULT_ARM : undefined);
  if (options.side === 'target') scenarios.forEach(requireOwnTarget);
  const chosen = scenarios.map(scenario => ({ scenario, arms: armsOf(scenario, arm) }));
  await using installed = new AsyncDisposableStack();
  const codeOf = async (dir: string | undefined, spec: string | undefined): Promise<Code> => {
    if (spec === undefined) return dir === undefined ? OWN_CODE : folderCode(resolve(cwd, dir), dir);
    output.note(`Installing ${spec}`);
    const { code, remove } = await installPackage(spec, signal);
    installed.defer(remove);
    return code;
  };
  requireTwo(options);
  const change = {
    side: options.side,
    before: await codeOf(options.before, options.beforePackage),
    after: await codeOf(options.after, options.afterPackage),
    minEffect: options.minEffect ?? LEAST_EFFECT,
  };
  signal.throwIfAborted();
  const startedAt = new Date();
  const pairs = chosen.flatMap(({ scenario, arms }) =>
    beforeAndAfter(
      isDefault ? { ...scenario, timing: { ...scenario.timing, ...DEFAULT_TIMING } } : scenario,
      arms,
      change,
    ),
  );
  const plan = planRun(
    pairs.map(pair => adjusted(pair, options)),
    { seed: seedOf(options, startedAt) },
  );
  return await measurePlan(plan, { startedAt, options, context });
}

function requireTwo({ before, after, beforePackage, afterPackage }: AbOptions): void {
  for (const [side, dir, spec] of [
    ['before', before, beforePackage],
    ['after', after, afterPackage],
  ] as const) {
    if (dir !== undefined && spec !== undefined) {
      throw new UsageError(`--${side} and --${side}-package both say what comes ${side}: give one of them`);
    }
  }
  if ([before, after, beforePackage, afterPackage].every(one => one === undefined)) {
    throw new UsageError(
      'there is nothing to compare: give --before and --after (folders), or --before-package and --after-package',
    );
  }
}

function requireOwnTarget({ name, target: { url } }: Scenario): void {
  if (url === undefined) return;
  throw new UsageError(
    `--side target starts the server from two codes, and that of scenario ${name} is not started by conntax: ` +
      `it has target.url ${url}; take a scenario without one, or --side client`,
  );
}

function folderCode(dir: string, label: string): Code {
  if (!existsSync(dir)) throw new UsageError(`there is no folder ${dir}`);
  return { label, dir, packages: {} };
}

/** @throws UsageError for an arm that the scenario does not have. */
function armsOf({ name, clients }: Scenario, arm: string | undefined): string[] {
  const known = Object.keys(clients);
  if (arm === undefined) return known;
  if (known.includes(arm)) return [arm];
  throw new UsageError(`scenario ${name} has no client "${arm}": ${nameHint(arm, known)}`);
}
