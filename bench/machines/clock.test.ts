// The clock of another machine is known from the quickest of many questions, and a slice is ordered early enough to reach it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createRandom } from '../../results/random.ts';
import { bestOf, type ClockSample, isAbsorbed, leadMs, sampleOf } from './clock.ts';

describe('an offset of clocks', () => {
  test('of a question that took equally long in both directions is exact', () => {
    // Sent at 100, read there at 100 + 2 + 3,000 ahead, back at 104.
    assert.deepEqual(sampleOf(100, 3_102, 104), { offsetMs: 3_000, errorMs: 2, atMs: 104 });
  });

  test('is within its error however unequal the two directions are', () => {
    const random = createRandom(7, 'clock');
    for (let i = 0; i < 1_000; i++) {
      const [thereMs, backMs] = [random() * 50, random() * 50];
      const { offsetMs, errorMs } = sampleOf(10, 10 + thereMs - 3_000, 10 + thereMs + backMs);
      assert.ok(Math.abs(offsetMs + 3_000) <= errorMs + 1e-9, `${thereMs} there, ${backMs} back`);
    }
  });

  test('is that of the quickest question, until drift may have made it worse than a newer one', () => {
    const quick: ClockSample = { offsetMs: 5, errorMs: 0.1, atMs: 0 };
    const slow: ClockSample = { offsetMs: 6, errorMs: 1, atMs: 20_000 };
    assert.equal(bestOf([quick, slow], 1_000).offsetMs, 5);
    assert.deepEqual(bestOf([quick, slow], 20_000), { offsetMs: 6, errorMs: 1 });
  });
});

test('a slice is ordered two of the longest round trips before it begins, and a moment for processes to wake up', () => {
  assert.equal(leadMs([1, 30, 2]) - leadMs([0]), 60);
  assert.ok(leadMs([]) > 0);
});

test('the first half of a ramp makes up for a late start', () => {
  assert.deepEqual(
    [-1, 0, 25, 25.1, Number.POSITIVE_INFINITY].map(lateMs => isAbsorbed(lateMs, 50)),
    [true, true, true, false, false],
  );
});
