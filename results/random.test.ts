// Random numbers are reproducible by seed and parts, and what is drawn from neighbouring parts or seeds is unrelated.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { createRandom, type Random, shuffled } from './random.ts';

const part = fc.oneof(fc.string({ maxLength: 12 }), fc.integer());

function draw(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => random());
}

suite('createRandom', () => {
  test('the same seed and parts give the same numbers, all in [0, 1)', () => {
    fc.assert(
      fc.property(fc.integer(), fc.array(part, { maxLength: 4 }), (seed, parts) => {
        const numbers = draw(createRandom(seed, ...parts), 20);
        assert.deepEqual(draw(createRandom(seed, ...parts), 20), numbers);
        assert.ok(numbers.every(number => number >= 0 && number < 1));
      }),
    );
  });

  test('another seed or another last part gives other numbers', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(10_000), fc.string(), (seed, index, name) => {
        const first = draw(createRandom(seed, name, index), 3);
        assert.notDeepEqual(draw(createRandom(seed + 1, name, index), 3), first);
        assert.notDeepEqual(draw(createRandom(seed, name, index + 1), 3), first);
      }),
    );
  });

  const DRAWS = 4_000;
  /** Half the draws agree by chance; 4.5 standard deviations either way are the margin. */
  const MARGIN = (4.5 * Math.sqrt(DRAWS)) / 2;

  const pairs: [what: string, of: (index: number) => [Random, Random]][] = [
    [
      'blocks 0 and 1',
      seed => [createRandom(seed, 'order', 'c', 0, 0), createRandom(seed, 'order', 'c', 0, 1)],
    ],
    [
      'blocks 3 and 4',
      seed => [createRandom(seed, 'order', 'c', 0, 3), createRandom(seed, 'order', 'c', 0, 4)],
    ],
    ['a block and the next', block => [createRandom(7, 'order', block), createRandom(7, 'order', block + 1)]],
    ['replicates 0 and 1', seed => [createRandom(seed, 'c', 0, 5), createRandom(seed, 'c', 1, 5)]],
    ['a seed and the next', seed => [createRandom(seed, 'order', 0), createRandom(seed + 1, 'order', 0)]],
    ['two names', seed => [createRandom(seed, 'load'), createRandom(seed, 'loae')]],
  ];
  for (const [what, of] of pairs) {
    test(`the first draws of ${what} agree by chance only, and each is even`, () => {
      let agreed = 0;
      let low = 0;
      for (let index = 0; index < DRAWS; index++) {
        const [left, right] = of(index).map(random => random() < 0.5);
        if (left === right) agreed++;
        if (left) low++;
      }
      assert.ok(Math.abs(agreed - DRAWS / 2) < MARGIN, `${agreed} of ${DRAWS} agree`);
      assert.ok(Math.abs(low - DRAWS / 2) < MARGIN, `${low} of ${DRAWS} are below a half`);
    });
  }
});

suite('shuffled', () => {
  test('holds the same items, leaves the original alone, and is reproducible', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { maxLength: 20 }), fc.nat(), (items, seed) => {
        const original = [...items];
        const shuffle = shuffled(items, createRandom(seed));
        assert.deepEqual(items, original);
        assert.deepEqual([...shuffle].sort(), [...items].sort());
        assert.deepEqual(shuffled(items, createRandom(seed)), shuffle);
      }),
    );
  });

  test('every order is about equally likely', () => {
    const ROUNDS = 6_000;
    const counts = new Map<string, number>();
    for (let block = 0; block < ROUNDS; block++) {
      const order = shuffled(['a', 'b', 'c'], createRandom(3, 'order', block)).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    assert.equal(counts.size, 6);
    const expected = ROUNDS / 6;
    const chiSquare = [...counts.values()].reduce(
      (sum, count) => sum + (count - expected) ** 2 / expected,
      0,
    );
    assert.ok(chiSquare < 25, `chi-square ${chiSquare.toFixed(1)} on 5 degrees of freedom`); // p = 0.00014
  });
});
