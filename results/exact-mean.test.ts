// Means are merged as if everything had been summed at once, bit for bit.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { meanOfTicks, mergeMeans, ticksOf, ticksOfMean } from './exact-mean.ts';

function meanOf(values: readonly number[]): { meanUs: number; count: number } {
  const ticks = values.reduce((sum, us) => sum + ticksOf(us), 0);
  return { meanUs: meanOfTicks(ticks, values.length), count: values.length };
}

test('the mean of groups is that of all values, however they are grouped', () => {
  const group = fc.array(fc.double({ min: 0, max: 3_600_000_000, noNaN: true }), { maxLength: 20 });
  fc.assert(
    fc.property(fc.array(group, { maxLength: 6 }), groups => {
      assert.equal(mergeMeans(groups.map(meanOf)), meanOf(groups.flat()).meanUs);
    }),
  );
});

test('a sum is found again in its mean, up to four years of latency', () => {
  fc.assert(
    fc.property(fc.nat(2 ** 51), fc.integer({ min: 1, max: 1_000_000_000 }), (ticks, count) => {
      assert.equal(ticksOfMean(meanOfTicks(ticks, count), count), ticks);
    }),
  );
});

test('nothing has the mean 0', () => {
  assert.equal(mergeMeans([]), 0);
  assert.equal(mergeMeans([{ meanUs: 0, count: 0 }]), 0);
});
