// In: a planned cell. Out: its result: replicates until the answer is precise enough, or the budget is spent.
import { auditCell, auditTrial } from '../../results/audit.ts';
import { compareArms, isPrecise, summariseArms } from '../../results/compare.ts';
import type { CellResult, Comparison, StopReason, TrialResult } from '../core/types.ts';
import type { Emit } from './events.ts';
import { measureReplicate, type ReplicateOptions } from './replicate.ts';

export type CellOptions = Pick<ReplicateOptions, 'cell' | 'seed' | 'pinning' | 'generatorFlags' | 'signal'> & { emit: Emit };

/** After so many replicates in a row without one whole comparison, more of the same is no use. */
const FAILED_IN_A_ROW = 2;

export async function measureCell(options: CellOptions): Promise<CellResult> {
  const { cell, emit, signal } = options;
  const { scenario } = cell;
  const { timing } = scenario;
  const startedAtMs = performance.now();
  const elapsedMs = (): number => performance.now() - startedAtMs;
  const trials: TrialResult[] = [];
  let comparisons: Comparison[] = [];
  let replicates = 0;
  let failedInARow = 0;

  function stop(): { stop: StopReason; stopDetail: string } | undefined {
    if (signal.aborted) return { stop: 'interrupted', stopDetail: `interrupted in replicate ${replicates}` };
    if (failedInARow >= FAILED_IN_A_ROW) {
      const causes = new Set(trials.flatMap(trial => (trial.state === 'failed' ? [trial.error.message] : [])));
      return { stop: 'failed', stopDetail: `${failedInARow} replicates in a row failed: ${[...causes].join('; ')}` };
    }
    if (replicates >= timing.minReplicates && isPrecise(comparisons, timing.precision)) {
      const within = `${timing.precision * 100} %`;
      return { stop: 'precise', stopDetail: `every ratio of requests/s is known within ${within}` };
    }
    if (replicates >= timing.maxReplicates) {
      return { stop: 'max-replicates', stopDetail: `${replicates} replicates, the most that the scenario allows` };
    }
    // A replicate that would end well past the budget is not begun, once there are the two that an interval needs.
    const typicalMs = replicates === 0 ? 0 : elapsedMs() / replicates;
    if (replicates >= Math.min(2, timing.minReplicates) && elapsedMs() + typicalMs / 2 > timing.budgetMs) {
      return { stop: 'budget', stopDetail: `the budget of ${timing.budgetMs / 1_000} s was spent` };
    }
    return undefined;
  }

  let reason = stop();
  while (reason === undefined) {
    const results = await measureReplicate({
      ...options,
      replicate: replicates,
      leftMs: () => Math.max(0, timing.budgetMs - elapsedMs()),
    });
    for (const result of results) {
      trials.push(result);
      emit({ type: 'trial', result });
    }
    failedInARow = results.filter(result => result.state === 'completed').length >= Math.min(2, cell.arms.length) ? 0 : failedInARow + 1;
    comparisons = compareArms({ baseline: scenario.baseline, trials });
    emit({ type: 'replicate-finished', cell: cell.id, replicate: replicates, comparisons });
    replicates++;
    reason = stop();
  }

  return {
    cell: cell.id,
    scenario,
    replicates,
    ...reason,
    elapsedMs: elapsedMs(),
    arms: summariseArms(trials),
    comparisons,
    findings: [
      ...trials.flatMap(trial => (trial.state === 'completed' ? auditTrial(trial) : [])),
      ...auditCell(trials),
    ],
  };
}
