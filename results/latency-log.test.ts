// Each line of the latency log spans the windows of its trial, so clients that took turns have times of their own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latencyLog } from './latency-log.ts';
import { sampleRun } from './testing/sample-run.ts';

test('a line runs from the first window of its trial to the end of its last', () => {
  const { run, trials } = sampleRun({ scenario: 'short-vs-persistent' });
  const startedAt = new Date(Date.parse(run.startedAt) + 1_197).toISOString();
  const spans = {
    short: [100, 2_500, 4_000],
    persistent: [600, 1_900, 4_700],
  };
  const replicate = trials
    .filter(({ trial }) => trial.replicate === 0)
    .map(trial => {
      if (trial.state === 'failed') return trial;
      const [slice] = trial.measurement.slices;
      const slices = spans[trial.trial.arm as keyof typeof spans].map(atMs => ({
        ...slice!,
        atMs,
        windowMs: 100,
      }));
      return { ...trial, startedAt, measurement: { ...trial.measurement, slices } };
    });
  const lines = latencyLog(replicate, run)
    .split('\n')
    .filter(line => line.startsWith('Tag='))
    .map(line => line.split(','));
  assert.deepEqual(
    lines.map(([tag, start, length]) => [tag, start, length]),
    replicate.map(({ trial: { id, arm } }) => [
      `Tag=${id}`,
      arm === 'short' ? '1.297' : '1.797',
      arm === 'short' ? '4.000' : '4.200',
    ]),
  );
});
