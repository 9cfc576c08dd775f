// In: a stored run and a name. Out: its figures kept under that name, for later runs to be held against; or the names there are.
import { blindText, sightText } from '../../report/gate-sight-text.ts';
import { timeText } from '../../report/run-text.ts';
import { DEFAULT_BASELINE, listBaselines, readBaseline, saveBaseline } from '../../results/baselines.ts';
import { areFailuresExpected } from '../../results/expected-failures.ts';
import { DEFAULT_MIN_EFFECT } from '../../results/gate.ts';
import { ownSight } from '../../results/gate-sight.ts';
import { readRun } from '../../results/read-run.ts';
import { type RunSummary, summariseRun } from '../../results/run-summary.ts';
import { EXIT, UsageError } from '../../results/errors.ts';
import type { Run } from '../../results/model/run.ts';
import { visibleLine } from '../../results/visible.ts';
import type { CommonOptions, Context } from '../cli/context.ts';
import { exitStatusOf } from './exit-status.ts';

export interface BaselineOptions extends CommonOptions {
  results: string;
  name?: string;
  /** Saves also a run that is blind to what it is to guard. */
  force?: boolean;
}

/**
 * A baseline is for months: what it can see is said when it is made.
 *
 * @throws UsageError for a run that is not complete, that can't be relied on, or that is blind
 */
export async function saveBaselineCommand(
  ref: string | undefined,
  { results, name = DEFAULT_BASELINE, json, force = false }: BaselineOptions,
  { output }: Context,
): Promise<void> {
  const { run } = readRun(results, ref);
  requireSound(run);
  const summary = summariseRun(run);
  const sight = ownSight(summary, DEFAULT_MIN_EFFECT);
  if (sight.isBlind && !force) {
    throw new UsageError(
      `run ${run.id} is no use as a baseline. ${blindText(sight)} Measure longer (--budget-sec), or save it all the same with --force`,
    );
  }
  const replaced = listBaselines(results).includes(name) ? readOld(results, name) : undefined;
  const file = saveBaseline(results, name, summary);
  if (json) {
    const { runId, startedAt } = replaced ?? {};
    const detectable = sight.ratios.map(({ cell, metric, arm, detectable }) => ({
      cell,
      metric,
      arm,
      detectable: Number.isFinite(detectable) ? detectable : null,
    }));
    output.out(
      JSON.stringify({
        name,
        runId: run.id,
        file,
        replaced: runId === undefined ? null : { runId, startedAt },
        detectable,
      }),
    );
    return;
  }
  output.out(`Baseline "${name}" is run ${run.id}: ${file}`);
  output.out(sightText(sight));
  if (sight.blind.length > 0) output.out(blindText(sight));
  if (replaced !== undefined)
    output.out(`It replaces run ${replaced.runId}, measured ${timeText(replaced.startedAt)}.`);
}

/** @throws UsageError */
function requireSound(run: Run): void {
  if (run.state !== 'complete') {
    throw new UsageError(`run ${run.id} is ${run.state}: only a complete run can be a baseline`);
  }
  if (exitStatusOf(run) === EXIT.cannotMeasure) {
    throw new UsageError(
      `a trial or an audit of run ${run.id} failed: only a run that can be relied on can be a baseline`,
    );
  }
  for (const { cell, arms, scenario } of run.cells) {
    const silent = arms.filter(
      ({ arm, completed }) => completed === 0 && !areFailuresExpected(arm, scenario),
    );
    if (silent.length > 0) {
      throw new UsageError(
        `in run ${run.id} no request of ${silent.map(({ arm }) => arm).join(', ')} in ${cell} was answered well: only a run that can be relied on can be a baseline`,
      );
    }
  }
}

/** One that can't be read any more is replaced too. */
function readOld(results: string, name: string): Pick<RunSummary, 'runId' | 'startedAt'> | undefined {
  try {
    return readBaseline(results, name);
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

export async function listBaselinesCommand(
  { results, json }: BaselineOptions,
  { output }: Context,
): Promise<void> {
  const found = listBaselines(results).map(name => {
    const { runId, startedAt, cells } = readBaseline(results, name);
    return { name, runId, startedAt, cells: cells.map(({ cell }) => cell) };
  });
  if (json) output.out(JSON.stringify(found, null, 2));
  else if (found.length === 0) output.out('There are no baselines yet: conntax baseline save');
  else
    for (const { name, runId, cells } of found)
      output.out(visibleLine(`${name}: run ${runId} (${cells.join(', ')})`));
}
