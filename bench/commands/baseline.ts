// In: a stored run and a name. Out: its figures kept under that name, for later runs to be held against; or the names there are.
import { DEFAULT_BASELINE, listBaselines, readBaseline, saveBaseline } from '../../results/baselines.ts';
import { readRun } from '../../results/read-run.ts';
import { summariseRun } from '../../results/run-summary.ts';
import { EXIT, UsageError } from '../core/errors.ts';
import { visibleLine } from '../core/visible.ts';
import type { CommonOptions, Context } from './context.ts';
import { exitStatusOf } from './exit-status.ts';

export interface BaselineOptions extends CommonOptions {
  results: string;
  name?: string;
}

/** @throws UsageError for a run that is not complete, or that can't be relied on: a baseline is for months. */
export async function saveBaselineCommand(
  ref: string | undefined,
  { results, name = DEFAULT_BASELINE, json }: BaselineOptions,
  { output }: Context,
): Promise<void> {
  const { run } = readRun(results, ref);
  if (run.state !== 'complete') {
    throw new UsageError(`run ${run.id} is ${run.state}: only a complete run can be a baseline`);
  }
  if (exitStatusOf(run) === EXIT.cannotMeasure) {
    throw new UsageError(
      `a trial or an audit of run ${run.id} failed: only a run that can be relied on can be a baseline`,
    );
  }
  const file = saveBaseline(results, name, summariseRun(run));
  output.out(
    json ? JSON.stringify({ name, runId: run.id, file }) : `Baseline "${name}" is run ${run.id}: ${file}`,
  );
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
