// Why trials failed is told once for each cause, however many trials it stands for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TrialResult } from './model/trial.ts';
import { failureCauses } from './failure-causes.ts';
import { sampleRun } from './testing/sample-run.ts';

const [sample] = sampleRun().trials;

function failed(message: string): TrialResult {
  const { trial, startedAt } = sample!;
  return { trial, startedAt, state: 'failed', error: { code: 'internal', message } };
}

const cases: [why: string, messages: string[], causes: string[]][] = [
  ['none', [], []],
  ['the same in all', ['it died', 'it died'], ['it died']],
  [
    'other numbers',
    ['none of 1,000 was answered', 'none of 999 was answered'],
    ['none of 1,000 was answered (alike in 2 trials)'],
  ],
  ['two causes', ['it died', 'it hung', 'it died'], ['it died', 'it hung']],
];
for (const [why, messages, causes] of cases) {
  test(why, () => assert.deepEqual(failureCauses([sample!, ...messages.map(failed)]), causes));
}
