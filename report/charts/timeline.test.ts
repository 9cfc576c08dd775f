// The caption says a leak where one is certain, and no more than is known elsewhere.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CompletedTrial } from '../../results/model/trial.ts';
import { sampleHeld } from '../../results/testing/sample-measurement.ts';
import { sampleRun } from '../../results/testing/sample-run.ts';
import { describeLeaks } from './timeline.ts';

const [trial] = sampleRun({ replicates: 1 }).trials as CompletedTrial[];

function describe(...leftPerRequest: number[]): string {
  const trials = leftPerRequest.map(left => ({
    ...trial!,
    measurement: { ...trial!.measurement, held: sampleHeld({ leftPerRequest: left }) },
  }));
  return describeLeaks([{ label: 'it', trials }]);
}

const sentences: [leftPerRequest: number[], expected: RegExp][] = [
  [
    [1],
    /^it leaks 1\.00 descriptors per request \([\d.]+ to [\d.]+\), and its memory grows by [\d.]+ MiB per 1,000 requests \(.*\)\.$/,
  ],
  [[0], /^it shows no leak: its descriptors grow by at most [\d.]+ per 1,000 requests\.$/],
  [[1, 0], /^it may leak: .* not in all\.$/],
  [[0.05], /^it leaks 0\.05\d* descriptors per request/],
  // Four requests are in flight at once at most.
  [
    [0.004],
    /^it fills its pool: [\d.]+ more descriptors per 1,000 requests \(.*\), and not more than twice the requests that were in flight at once\.$/,
  ],
  [[], /^$/],
];

for (const [left, expected] of sentences) {
  test(`left per request: ${left.join(' and ') || 'not sampled'}`, () =>
    assert.match(describe(...left), expected));
}
