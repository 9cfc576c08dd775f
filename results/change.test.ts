// The interval of a change holds the true change as often as it says, and turns round with its runs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createRandom } from './random.ts';
import { difference, ratioOfRatios } from './change.ts';
import { type Interval, replicateInterval } from './stats.ts';
import { TRUTHS } from './testing/truths.ts';

const interval = fc
  .tuple(fc.double({ min: 0.1, max: 100, noNaN: true }), fc.double({ min: 0, max: 0.9, noNaN: true }))
  .map(([value, half]): Interval => ({ value, low: value * (1 - half), high: value * (1 + half) }));

test('a change between two sure figures is as sure', () => {
  const sure = (value: number): Interval => ({ value, low: value, high: value });
  assert.deepEqual(difference(sure(2), sure(5)), sure(3));
});

test('the other way round it is the inverse', () => {
  fc.assert(
    fc.property(interval, interval, (before, after) => {
      const forth = ratioOfRatios(before, after);
      const back = ratioOfRatios(after, before);
      for (const [one, other] of [
        [forth.value, back.value],
        [forth.low, back.high],
        [forth.high, back.low],
      ] as const) {
        assert.ok(Math.abs(one * other - 1) < 1e-9);
      }
      assert.ok(forth.low <= forth.value && forth.value <= forth.high);
    }),
  );
});

for (const truth of TRUTHS) {
  test(`holds the true change of ${truth.name}`, () => {
    const random = createRandom(3, 'change', truth.name);
    const draw = truth.draws(random);
    const change = Math.log(1.1);
    const experiments = 600;
    let held = 0;
    for (let experiment = 0; experiment < experiments; experiment++) {
      const before = replicateInterval(Array.from({ length: 6 }, draw))!;
      const after = replicateInterval(Array.from({ length: 6 }, () => draw() + change))!;
      const { low, high } = ratioOfRatios(before, after);
      if (Math.log(low) <= change && change <= Math.log(high)) held++;
    }
    assert.ok(held / experiments >= 0.93, `${held} of ${experiments}`);
  });
}
