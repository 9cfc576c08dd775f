// The timeline loses nothing, whatever the duration, in a bounded number of equal buckets.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { createTimeline } from './timeline.ts';

interface Ended {
  atMs: number;
  responseMs: number;
  isOk: boolean;
}

const MOST_BUCKETS = 256;
const FIRST_WIDTH_MS = 1_000;
const WEEK_MS = 7 * 24 * 3_600_000;

const ended = fc.record<Ended>({
  atMs: fc.oneof(fc.nat(10_000), fc.double({ min: 0, max: WEEK_MS, noNaN: true })),
  responseMs: fc.nat(60_000),
  isOk: fc.boolean(),
});

function fold(exchanges: readonly Ended[]) {
  const timeline = createTimeline();
  for (const { atMs, responseMs, isOk } of exchanges) timeline.add(atMs, responseMs, isOk);
  return timeline.finish();
}

function assertClose(actual: number, expected: number): void {
  assert.ok(
    Math.abs(actual - expected) <= 1e-6 * Math.max(1, Math.abs(expected)),
    `${actual}, not ${expected}`,
  );
}

suite('timeline', () => {
  test('every bucket holds exactly what ended in its half-open span, in any order of arrival', () => {
    fc.assert(
      fc.property(fc.array(ended, { maxLength: 200 }), exchanges => {
        const { widthMs, buckets } = fold(exchanges);
        for (const bucket of buckets) {
          const within = exchanges.filter(({ atMs }) => Math.floor(atMs / widthMs) * widthMs === bucket.atMs);
          const answered = within.filter(({ isOk }) => isOk).map(({ responseMs }) => responseMs);
          assert.equal(bucket.completed, answered.length);
          assert.equal(bucket.failed, within.length - answered.length);
          assertClose(bucket.maxUs, Math.max(0, ...answered) * 1_000);
          const sumMs = answered.reduce((sum, value) => sum + value, 0);
          assertClose(bucket.meanUs, answered.length === 0 ? 0 : (sumMs / answered.length) * 1_000);
        }
        const held = buckets.reduce((sum, { completed, failed }) => sum + completed + failed, 0);
        assert.equal(held, exchanges.length);
      }),
    );
  });

  test('buckets are bounded in number, ordered, never empty, and no wider than the duration asks for', () => {
    fc.assert(
      fc.property(fc.array(ended, { minLength: 1, maxLength: 400 }), exchanges => {
        const { widthMs, buckets } = fold(exchanges);
        const lastMs = Math.max(...exchanges.map(({ atMs }) => atMs));
        assert.ok(buckets.length <= MOST_BUCKETS);
        assert.ok(Number.isInteger(Math.log2(widthMs / FIRST_WIDTH_MS)), `width ${widthMs}`);
        assert.ok(lastMs < MOST_BUCKETS * widthMs);
        assert.ok(widthMs === FIRST_WIDTH_MS || lastMs >= (MOST_BUCKETS * widthMs) / 2);
        const starts = buckets.map(({ atMs }) => atMs);
        assert.deepEqual(
          starts,
          [...new Set(starts)].sort((a, b) => a - b),
        );
        assert.ok(buckets.every(({ completed, failed }) => completed + failed > 0));
      }),
    );
  });

  const edges: [why: string, atMs: number[], widthMs: number, starts: number[]][] = [
    ['nothing', [], 1_000, []],
    ['a bucket begins at its start', [0, 999.999], 1_000, [0]],
    ['and ends before the next', [1_000], 1_000, [1_000]],
    ['the last bucket is used', [255_999], 1_000, [255_000]],
    ['past it the width doubles', [0, 1_000, 256_000], 2_000, [0, 256_000]],
    ['as often as it takes', [0, 1_100_000], 8_000, [0, 1_096_000]],
    ['a clock that is a little early counts as the start', [-3, -0.001], 1_000, [0]],
  ];
  for (const [why, atMs, widthMs, starts] of edges) {
    test(`edges: ${why}`, () => {
      const timeline = fold(atMs.map(at => ({ atMs: at, responseMs: 1, isOk: true })));
      assert.equal(timeline.widthMs, widthMs);
      assert.deepEqual(
        timeline.buckets.map(bucket => bucket.atMs),
        starts,
      );
      assert.equal(
        timeline.buckets.reduce((sum, { completed }) => sum + completed, 0),
        atMs.length,
      );
    });
  }

  test('a failure counts, but its time is no answer time', () => {
    const { buckets } = fold([
      { atMs: 1, responseMs: 5_000, isOk: false },
      { atMs: 2, responseMs: 3, isOk: true },
    ]);
    assert.deepEqual(buckets, [{ atMs: 0, completed: 1, failed: 1, meanUs: 3_000, maxUs: 3_000 }]);
  });
});
