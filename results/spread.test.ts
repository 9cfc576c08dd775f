// Shares of backends, and the time until they are even, from counts that are known.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { Target } from '../scenarios/model/target.ts';
import type { Backends, CompletedTrial } from './model/trial.ts';
import { sharesOf, spreadOf } from './spread.ts';
import { sampleRun } from './testing/sample-run.ts';

const WINDOW_MS = 6_000;
const AFTER_MS = 1_000;

function trialWith(backends: Backends | null, setting: unknown = 2): CompletedTrial {
  const [trial] = sampleRun({ replicates: 1 }).trials;
  assert.ok(trial?.state === 'completed');
  const [slice] = trial.measurement.slices;
  return {
    ...trial,
    trial: { ...trial.trial, target: Target.parse({ backends: setting }) },
    measurement: { ...trial.measurement, slices: [{ ...slice!, windowMs: WINDOW_MS }], backends },
  };
}

test('the busiest of n backends has from 1 to n times the mean, and shares add up to 1', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1_000), { minLength: 2, maxLength: 20 }), counts => {
      const shares = sharesOf(counts);
      if (counts.every(count => count === 0)) assert.equal(shares, null);
      else {
        assert.ok(shares!.busiestRatio >= 1 - 1e-9 && shares!.busiestRatio <= counts.length + 1e-9);
        assert.ok(Math.abs(shares!.shares.reduce((sum, share) => sum + share, 0) - 1) < 1e-9);
      }
    }),
  );
});

test('without growth, all requests and connections count', () => {
  const spread = spreadOf(trialWith({ accepted: [3, 1], requests: [10, 30], growth: null }));
  assert.deepEqual(spread!.requests, { shares: [0.25, 0.75], busiestRatio: 1.5 });
  assert.deepEqual(spread!.connections, { shares: [0.75, 0.25], busiestRatio: 1.5 });
  assert.ok(!('evenAfterMs' in spread!));
  assert.equal(spreadOf(trialWith(null)), null);
  assert.equal(spreadOf(trialWith({ accepted: [0, 0], requests: [0, 0], growth: null })), null);
});

/** Snapshots ten times a second for seven seconds, with 100 requests in each tenth, of which the second backend has `shareAt`. */
function growing(shareAt: (atMs: number) => number): Backends {
  const requests = [500, 0];
  const snapshots = Array.from({ length: 70 }, (_, index) => {
    const snapshot = { afterMs: index * 100, requests: [...requests] };
    const second = Math.round(100 * shareAt(index * 100));
    requests[0]! += 100 - second;
    requests[1]! += second;
    return snapshot;
  });
  return { accepted: [8, 4], requests, growth: { snapshots } };
}

suite('after backends were added', () => {
  const setting = { from: 1, to: 2, afterMs: AFTER_MS };
  const rows: [
    why: string,
    shareAt: (atMs: number) => number,
    evenAfterMs: number | null,
    busiest: number,
  ][] = [
    ['even at once', () => 0.5, 0, 1],
    ['never', () => 0, null, 2],
    [
      'from one moment on: the first second that has a share of at least 37.5 %',
      at => (at < 2_000 ? 0 : 0.5),
      1_800,
      1,
    ],
    ['even in between does not count', at => (at >= 1_000 && at < 3_000 ? 0.5 : 0.1), null, 1.8],
    ['what follows the window does not count', at => (at < 5_000 ? 0.5 : 0), 0, 1],
  ];
  for (const [why, shareAt, evenAfterMs, busiest] of rows) {
    test(why, () => {
      const spread = spreadOf(trialWith(growing(shareAt), setting))!;
      assert.equal(spread.evenAfterMs, evenAfterMs);
      assert.ok(Math.abs(spread.requests.busiestRatio - busiest) < 1e-9, `${spread.requests.busiestRatio}`);
    });
  }
});
