// In: nothing but a baseline's name. Out: what a scheduled job needs: measured, held against the baseline, confirmed, remembered.
import { DEFAULT_BASELINE, listBaselines, readBaseline } from '../../results/baselines.ts';
import { DEFAULT_MIN_EFFECT, type GateLine, gateRun } from '../../results/gate.ts';
import { appendHistory } from '../../results/history.ts';
import { readRun } from '../../results/read-run.ts';
import { summariseRun } from '../../results/run-summary.ts';
import { EXIT } from '../core/errors.ts';
import type { Context } from './context.ts';
import { type GateOptions, gateCommand } from './gate.ts';
import { type RunOptions, runCommand } from './run.ts';

export interface CiOptions extends Omit<RunOptions, 'confirm' | 'nullArm'> {
  baseline?: string;
  minEffect?: number;
}

/** What is measured when nothing is named. */
const TAG = 'ci';

/**
 * Measures with a null arm, holds the run against the baseline if there is one, and adds it to the history. A regression is measured
 * again, in its scenarios only, before it counts.
 *
 * @returns 3 when something is broken, 1 when something is slow, 130 when interrupted, else 0
 */
export async function ciCommand(selectors: string[], options: CiOptions, context: Context): Promise<number> {
  const { output } = context;
  const asked = selectors.length === 0 ? [TAG] : selectors;
  const measured = await runCommand(asked, { ...options, nullArm: true, confirm: true }, context);
  if (measured === EXIT.interrupted || measured === EXIT.cannotMeasure || options.dryRun) return measured;
  const { run } = readRun(options.results);
  appendHistory(options.results, summariseRun(run));
  const name = options.baseline ?? DEFAULT_BASELINE;
  if (!listBaselines(options.results).includes(name)) {
    output.note(
      `There is no baseline "${name}" to hold it against: conntax baseline save --name ${name} makes this run one`,
    );
    return measured;
  }
  const gated = await gateConfirmed(asked, name, options, context);
  return gated === EXIT.ok ? measured : gated;
}

async function gateConfirmed(
  selectors: string[],
  baseline: string,
  { results, minEffect, strict, json, ...run }: CiOptions,
  context: Context,
): Promise<number> {
  const gateOptions: GateOptions = {
    results,
    baseline,
    ...(minEffect === undefined ? {} : { minEffect }),
    ...(strict === undefined ? {} : { strict }),
    ...(json === undefined ? {} : { json }),
  };
  const first = await gateCommand(undefined, gateOptions, context);
  const suspects = regressions(baseline, results, minEffect);
  if (suspects.length === 0) return first;
  context.output.note('A regression: measuring its scenarios again to be sure');
  const cells = new Set(suspects.map(({ cell }) => cell));
  const again = await runCommand(
    selectors,
    { ...run, results, cells, nullArm: true, confirm: false },
    context,
  );
  if (again === EXIT.interrupted || again === EXIT.cannotMeasure) return again;
  await gateCommand(undefined, gateOptions, context);
  const confirmed = regressions(baseline, results, minEffect).filter(line => suspects.some(isSame(line)));
  for (const line of confirmed)
    context.output.note(`Confirmed: ${line.metric} of ${line.arm} in ${line.cell}`);
  if (confirmed.length > 0) return EXIT.failed;
  context.output.note('It did not show again: not a regression that can be believed');
  return strict === true ? EXIT.failed : EXIT.ok;
}

/** Those of the latest run that fail a gate. */
function regressions(baseline: string, results: string, minEffect = DEFAULT_MIN_EFFECT): GateLine[] {
  const { lines } = gateRun(readBaseline(results, baseline), summariseRun(readRun(results).run), {
    minEffect,
  });
  return lines.filter(({ state, isBinding }) => state === 'regression' && isBinding);
}

function isSame({ cell, arm, metric, kind }: GateLine): (other: GateLine) => boolean {
  return other => other.cell === cell && other.arm === arm && other.metric === metric && other.kind === kind;
}
