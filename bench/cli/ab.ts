// In: two codes, by folder or by package version, and scenarios. Out: both measured in the same slices; exit 1 when it got worse.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Code } from '../core/code.ts';
import { UsageError } from '../../results/errors.ts';
import type { Scenario } from '../../scenarios/model/scenario.ts';
import { beforeAndAfter, DEFAULT_TIMING, LEAST_EFFECT, type Side } from '../plan/before-after.ts';
import { leaveOutMissing } from '../plan/leave-out.ts';
import { loadPlugins } from '../plan/read-scenarios.ts';
import { nameHint } from '../plan/nearest.ts';
import { planRun } from '../plan/plan.ts';
import { readScenarios } from '../run/scenario-questions.ts';
import type { Context } from './context.ts';
import { installPackage } from '../commands/install-package.ts';
import { type MeasureOptions, measurePlan, seedOf } from './run.ts';
import { adjusted, type TimingOptions } from '../commands/run.ts';

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
