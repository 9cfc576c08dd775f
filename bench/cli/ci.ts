// The `ci` command: runs the CI scenarios, compares with the baseline, confirms regressions and records the result.
import { describeConfirmation } from '../../report/gate.ts';
import {
  DEFAULT_BASELINE,
  listBaselines,
  type RunSummary,
  readBaseline,
  summariseRun,
} from '../../results/baselines.ts';
import { EXIT } from '../../results/errors.ts';
import { confirmGate, gateRun, regressionsOf } from '../../results/gate.ts';
import { appendHistory, readHistory } from '../../results/history.ts';
import { nameLatest, readRun, type StoredRun } from '../../results/store.ts';
import { describeSaving } from './baseline.ts';
import type { Context } from './context.ts';
import { gateOptionsOf, gateStatusOf, showGate } from './gate.ts';
import type { MeasureOptions } from './measure-plan.ts';
import { runCommand } from './run.ts';
import type { TimingOptions } from './scenario-options.ts';

export interface CiOptions extends MeasureOptions, TimingOptions {
  baseline?: string;
  minEffect?: number;
}

/** Where runs are stored by default. */
const DEFAULT_RESULTS = 'results';
/** Measured when no scenario is named. */
const TAG = 'ci';

/**
 * Measures with a null arm, compares the run with the baseline if there is one, and adds it to the history. A regression counts only
 * after a second measurement of its cells confirms it.
 *
 * @returns 3 when something is broken, 1 when something is slow, 130 when interrupted, else 0
 */
export async function ciCommand(selectors: string[], options: CiOptions, context: Context): Promise<number> {
  const { output } = context;
  const asked = selectors.length === 0 ? [TAG] : selectors;
  const name = options.baseline ?? DEFAULT_BASELINE;
  const hasBaseline = listBaselines(options.results).includes(name);
  // Files that cannot be read are reported before an hour of measuring, not after it.
  readHistory(options.results);
  if (hasBaseline) readBaseline(options.results, name);
  const measured = await runCommand(asked, { ...options, nullArm: true, confirm: true }, context);
  if (measured === EXIT.interrupted || measured === EXIT.cannotMeasure || options.dryRun) return measured;
  const stored = readRun(options.results);
  const night = { stored, summary: summariseRun(stored.run) };
  appendHistory(options.results, night.summary);
  if (!hasBaseline) {
    output.note(
      `No baseline "${name}" to compare with. ${describeSaving(stored.run, `conntax baseline save --name ${name}${resultsArgument(options.results)}`)}`,
    );
    return measured;
  }
  const gated = await gateConfirmed(night, { ...options, baseline: name }, asked, context);
  return gated === EXIT.ok ? measured : gated;
}

/** The `--results` option as a user would type it; empty for the default folder. */
export function resultsArgument(results: string): string {
  if (results === DEFAULT_RESULTS) return '';
  return ` --results ${/^[\w./:@%+,-]+$/.test(results) ? results : `'${results.replaceAll("'", String.raw`'\''`)}'`}`;
}

async function gateConfirmed(
  { stored, summary: first }: { stored: StoredRun; summary: RunSummary },
  options: CiOptions & { baseline: string },
  selectors: string[],
  context: Context,
): Promise<number> {
  const { results } = options;
  const before = readBaseline(results, options.baseline);
  const found = gateRun(before, first, gateOptionsOf(options));
  const showFirst = (to: Context): Promise<void> =>
    showGate({ before, after: first, result: found, stored }, options, to);
  const suspects = regressionsOf(found);
  if (suspects.length === 0) {
    await showFirst(context);
    return gateStatusOf(found, options);
  }
  // GitHub gets the final result only: an annotation cannot be taken back.
  const untold: Context = { ...context, env: { ...context.env, GITHUB_ACTIONS: undefined } };
  await showFirst(untold);
  context.output.note('Regression found: re-measuring its cells to confirm');
  const cells = new Set(suspects.map(({ cell }) => cell));
  const seed = stored.run.seed + 1; // the same seed would repeat the orders and grids of the first run
  const again = await runCommand(
    selectors,
    { ...options, seed, cells, nullArm: true, confirm: false },
    untold,
  );
  const fresh = summariseRun(readRun(results).run);
  // The first run stays the latest: it is complete, and the second only adds to it.
  nameLatest(results, first.runId);
  if (again === EXIT.cannotMeasure) {
    context.output.note(`The second measurement is not reliable: see run ${fresh.runId}`);
    await showFirst(context);
  }
  if (again === EXIT.interrupted || again === EXIT.cannotMeasure) return again;
  const { result, together, confirmations } = confirmGate(before, { first, fresh }, gateOptionsOf(options));
  const remarks = confirmations.map(describeConfirmation);
  await showGate({ before, after: together, result, stored, remarks }, options, context);
  for (const remark of remarks) context.output.note(remark);
  return gateStatusOf(result, options);
}
