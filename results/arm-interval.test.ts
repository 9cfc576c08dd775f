// In: trials of known figures. Out: proof that an arm's interval is read as its metric is, over its replicates.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CompletedTrial } from './model/trial.ts';
import { armInterval } from './arm-interval.ts';
import { summariseArms } from './compare.ts';
import { comparedMetrics } from './metrics.ts';
import { overReplicates } from './stats.ts';
import { sampleRun } from './testing/sample-run.ts';

const { trials } = sampleRun();
const completed = trials.filter(
  (result): result is CompletedTrial => result.state === 'completed' && result.trial.arm === 'short',
);
const [summary] = summariseArms(trials);

test('every metric has an interval that holds its value; it agrees with the summary of the arm', () => {
  for (const metric of comparedMetrics({ model: 'closed' })) {
    const interval = armInterval(metric, completed);
    assert.ok(interval !== null && interval.low < interval.value && interval.value < interval.high, metric);
  }
  const near = (a: number, b: number) => Math.abs(a / b - 1) < 0.02;
  assert.ok(near(armInterval('requestsPerSec', completed)!.value, summary!.requestsPerSec!.value));
  assert.ok(near(armInterval('meanUs', completed)!.value, summary!.meanUs));
  assert.ok(near(armInterval('p99Us', completed)!.value, summary!.p99Us));
  assert.ok(near(armInterval('cpuUsPerRequest', completed)!.value, summary!.generatorCpuUsPerRequest));
});

test('one trial has a value without an interval, none has nothing', () => {
  const { value, low, high } = armInterval('p50Us', completed.slice(0, 1))!;
  assert.deepEqual([value, low, high], Array(3).fill(completed[0]!.measurement.response.p50Us));
  assert.equal(armInterval('meanUs', []), null);
});

test('over replicates: the geometric mean of what is above 0, else the mean without an interval', () => {
  const interval = overReplicates([1, 2, 4])!;
  assert.ok(Math.abs(interval.value - 2) < 1e-9 && interval.low < 1 && interval.high > 4);
  assert.deepEqual(overReplicates([0, 4]), { value: 2, low: 2, high: 2 });
  assert.equal(overReplicates([]), null);
});
