// In: nothing. Out: stored runs of every kind a report may meet: sound, invalid, failed, hostile, of one arm, of none.

import type { Run } from '../../bench/core/run-types.ts';
import type { TrialResult } from '../../bench/core/types.ts';
import { compareArms } from '../../results/compare.ts';
import { sampleRun } from '../../results/testing/sample-run.ts';

export interface StoredSample {
  run: Run;
  trials: readonly TrialResult[];
}

/** What a stored run from elsewhere might call its arm. */
export const HOSTILE_NAME = `</script><script>alert(1)</script><img src=x onerror=alert(2)>|"'&\`_*[a](javascript:b)\u001b[2J`;

export const sampleRuns: Record<string, StoredSample> = {
  'two arms': sampleRun(),
  'six arms': sampleRun({ scenario: 'requests-per-connection' }),
  'an invalid trial': sampleRun({ trouble: 'invalid-trial' }),
  'an invalid trial of six arms': sampleRun({
    scenario: 'requests-per-connection',
    trouble: 'invalid-trial',
  }),
  'a failed trial': sampleRun({ trouble: 'failed-trial' }),
  'a hostile name': renamed(sampleRun(), 'persistent', HOSTILE_NAME),
  'one arm': onlyArm(sampleRun(), 'short'),
  'one replicate': sampleRun({ replicates: 1 }),
  'no completed trial': allFailed(sampleRun()),
  'a link': sampleRun({ scenario: 'behind-a-link' }),
  'an invalid trial behind a link': sampleRun({ scenario: 'behind-a-link', trouble: 'invalid-trial' }),
  'two scenarios': together(sampleRun(), sampleRun({ scenario: 'requests-per-connection' })),
};

/** Every string and key that is `from` becomes `to`. */
function renamed<T>(value: T, from: string, to: string): T {
  const rename = (item: unknown): unknown => {
    if (item === from) return to;
    if (Array.isArray(item)) return item.map(rename);
    if (typeof item !== 'object' || item === null) return item;
    return Object.fromEntries(Object.entries(item).map(([key, member]) => [rename(key), rename(member)]));
  };
  return rename(value) as T;
}

function onlyArm({ run, trials }: StoredSample, name: string): StoredSample {
  const kept = trials.filter(({ trial }) => trial.arm === name);
  const cells = run.cells.map(cell => ({
    ...cell,
    scenario: { ...cell.scenario, clients: { [name]: cell.scenario.clients[name]! } },
    arms: cell.arms.filter(({ arm }) => arm === name),
    comparisons: compareArms({ baseline: name, trials: kept }),
    findings: cell.findings.filter(({ arm }) => arm === name),
  }));
  return { run: { ...run, cells }, trials: kept };
}

function allFailed({ run, trials }: StoredSample): StoredSample {
  const failed = trials.map(
    ({ trial, startedAt }): TrialResult => ({
      trial,
      startedAt,
      state: 'failed',
      error: { code: 'target-died', message: 'the target ended with exit code 1' },
    }),
  );
  const cells = run.cells.map(cell => ({
    ...cell,
    stop: 'failed' as const,
    stopDetail: '2 replicates in a row failed: the target ended with exit code 1',
    failedTrials: failed.length,
    arms: cell.arms.map(arm => ({ ...arm, trials: 0, requestsPerSec: null, meanUs: 0, requestsSent: 0 })),
    comparisons: cell.comparisons.map(comparison => ({
      ...comparison,
      ratio: null,
      replicateRatios: [],
      verdict: 'unsure' as const,
    })),
    findings: [],
  }));
  return { run: { ...run, state: 'failed', cells }, trials: failed };
}

function together(first: StoredSample, second: StoredSample): StoredSample {
  return {
    run: { ...first.run, cells: [...first.run.cells, ...second.run.cells] },
    trials: [...first.trials, ...second.trials],
  };
}
