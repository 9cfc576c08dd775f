// The queue against the plainest model of it: an array that is searched.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createDueQueue } from './due-queue.ts';

const step = fc.oneof(
  fc.record({ add: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.double({ noNaN: true })) }),
  fc.constant('take' as const),
  { weight: 1, arbitrary: fc.constant('clear' as const) },
);

test('adding and taking in any order gives the earliest each time', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), steps => {
      const queue = createDueQueue<number>();
      let model: number[] = [];
      for (const one of steps) {
        if (one === 'clear') {
          queue.clear();
          model = [];
        } else if (one === 'take') {
          const least = Math.min(...model);
          assert.equal(queue.firstMs, least);
          assert.equal(queue.take(), model.length === 0 ? undefined : least);
          if (model.length > 0) model.splice(model.indexOf(least), 1);
        } else {
          queue.add(one.add, one.add);
          model.push(one.add);
        }
        assert.equal(queue.size, model.length);
      }
      const rest = model.map(() => queue.take()!);
      assert.deepEqual(
        rest,
        model.toSorted((a, b) => a - b),
      );
    }),
    { numRuns: 300 },
  );
});
