// Replays recorded trials as the replicates of a cell, so that commands and decisions are tested without processes.
import type { CompletedTrial } from '../../../results/model/trial.ts';
import { sampleCell } from '../../../results/testing/sample-run.ts';
import { trialsOf } from '../../plan/plan.ts';
import type { CreateSource } from '../context.ts';

/** @param change is applied to each trial before it is replayed */
export function replay(change: (trial: CompletedTrial) => CompletedTrial = trial => trial): CreateSource {
  return ({ cell, seed }) => ({
    serviceMs: 0,
    replicateMs: 0,
    async next(replicate) {
      const recorded = sampleCell({ scenario: cell.scenario, replicates: replicate + 1 }).trials.slice(
        -cell.arms.length,
      );
      return trialsOf(cell, replicate, seed).map(trial => {
        const sample = recorded.find(one => one.trial.arm === trial.arm);
        if (sample?.state !== 'completed') throw new Error(`no trial of ${trial.arm} is recorded`);
        return change({ ...sample, trial });
      });
    },
    async profile() {},
    async close() {},
  });
}

/** The trial with a third of its requests timed out instead of answered. */
export function withTimeouts(trial: CompletedTrial): CompletedTrial {
  const { measurement } = trial;
  const slices = measurement.slices.map(slice => {
    const timedOut = Math.floor(slice.completed / 3);
    return { ...slice, completed: slice.completed - timedOut, failed: timedOut };
  });
  const failed = slices.reduce((sum, slice) => sum + slice.failed, 0);
  const completed = measurement.completed - failed;
  const { ledger } = measurement;
  return {
    ...trial,
    measurement: {
      ...measurement,
      slices,
      completed,
      failed,
      outcomes: { ok: { count: completed }, timeoutTotal: { count: failed } },
      statuses: { '200': completed },
      ledger: { ...ledger, answered: ledger.answered - failed, failed },
    },
  };
}
