// The commands `baseline save` and `baseline list`: which runs may be a baseline, and what each could detect.
import { describeBlindness, describeLongerSight, describeSight } from '../../report/words/doubts.ts';
import { formatTime } from '../../report/words/run.ts';
import {
  DEFAULT_BASELINE,
  listBaselines,
  type RunSummary,
  readBaseline,
  saveBaseline,
  summariseRun,
} from '../../results/baselines.ts';
import { EXIT, MeasureError, UsageError } from '../../results/errors.ts';
import { areFailuresExpected } from '../../results/expect.ts';
import { ownSight, type Sight } from '../../results/gate.ts';
import { GATE_MIN_EFFECT } from '../../results/min-effect.ts';
import type { Run } from '../../results/model/run.ts';
import { readRun } from '../../results/store.ts';
import { visibleLine } from '../../results/visible.ts';
import type { CommonOptions, Context } from './context.ts';
import { exitStatusOf } from './exit-status.ts';

export interface BaselineOptions extends CommonOptions {
  results: string;
  name?: string;
  /** Also saves a run that could not detect the changes it should guard against. */
  force?: boolean;
}

/**
 * Saves a run as a baseline. A baseline serves for months, so its smallest detectable changes are printed when it is made.
 *
 * @throws MeasureError for a run that is incomplete, unreliable, or could not detect the changes it should guard against
 */
export async function saveBaselineCommand(
  ref: string | undefined,
  { results, name = DEFAULT_BASELINE, json, force = false }: BaselineOptions,
  { output }: Context,
): Promise<void> {
  const { run } = readRun(results, ref);
  const unsound = whyUnsound(run);
  if (unsound !== undefined) throw new MeasureError('unreliable', unsound);
  const summary = summariseRun(run);
  const sight = ownSight(summary, GATE_MIN_EFFECT);
  const blind = whyBlind(run, sight);
  if (blind !== undefined && !force) throw new MeasureError('unreliable', blind);
  const replaced = listBaselines(results).includes(name) ? readOld(results, name) : undefined;
  const file = saveBaseline(results, name, summary);
  if (json) {
    // JSON has null for what is infinite.
    const detectable = sight.ratios.map(({ cell, metric, arm, detectable }) => ({
      cell,
      metric,
      arm,
      detectable,
    }));
    output.out(JSON.stringify({ name, runId: run.id, file, replaced: replaced ?? null, detectable }));
    return;
  }
  output.out(`Baseline "${name}" is run ${run.id}: ${file}`);
  output.out(describeSight(sight));
  const failed = run.cells
    .flatMap(({ expectations }) => expectations)
    .filter(({ state }) => state === 'fail').length;
  if (failed > 0)
    output.out(
      `${failed === 1 ? 'An expectation of it' : `${failed} expectations of it`} failed: a gate compares with it all the same, and does not repeat that.`,
    );
  if (sight.blind.length > 0) output.out(describeBlindness(sight));
  if (replaced !== undefined)
    output.out(`It replaces run ${replaced.runId}, measured ${formatTime(replaced.startedAt)}.`);
}

/** Why no option makes `baseline save` take a run; undefined if it can be taken. */
function whyUnsound(run: Run): string | undefined {
  if (run.state !== 'complete') return `run ${run.id} is ${run.state}: only a complete run can be a baseline`;
  if (exitStatusOf(run) === EXIT.cannotMeasure)
    return `a trial or an audit of run ${run.id} failed: only a reliable run can be a baseline`;
  for (const { cell, arms, scenario } of run.cells) {
    const silent = arms.filter(
      ({ arm, completed }) => completed === 0 && !areFailuresExpected(arm, scenario),
    );
    if (silent.length > 0)
      return `in run ${run.id} no request of ${silent.map(({ arm }) => arm).join(', ')} in ${cell} succeeded: only a reliable run can be a baseline`;
  }
  return undefined;
}

/** Why `baseline save` takes a run only with --force, and what would help; undefined if it takes it. */
function whyBlind(run: Run, sight: Sight): string | undefined {
  return sight.isBlind
    ? `run ${run.id} is not usable as a baseline. ${describeBlindness(sight)} ${describeLongerSight(sight, run.cells)}, or save it anyway with --force`
    : undefined;
}

/** How to make a run a baseline, or why `baseline save` would refuse it. @param command that saves it */
export function describeSaving(run: Run, command: string): string {
  const why = whyUnsound(run) ?? whyBlind(run, ownSight(summariseRun(run), GATE_MIN_EFFECT));
  return why === undefined ? `To use this run: ${command}` : `Baseline save would refuse this run: ${why}`;
}

/** A baseline that cannot be read is replaced too. */
function readOld(results: string, name: string): Pick<RunSummary, 'runId' | 'startedAt'> | undefined {
  try {
    const { runId, startedAt } = readBaseline(results, name);
    return { runId, startedAt };
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
  else if (found.length === 0) output.out('No baselines yet. To save one: conntax baseline save');
  else
    for (const { name, runId, cells } of found)
      output.out(visibleLine(`${name}: run ${runId} (${cells.join(', ')})`));
}
