// Random numbers are reproducible by seed and parts, and what is drawn from neighbouring parts or seeds is unrelated.

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { boundsOf, createDraw, createRandom, LCG, type Random, RequestDraw, shuffled } from './random.ts';

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

function drawn(weights: readonly number[], seed: number, count: number): number[] {
  const draw = new RequestDraw(weights);
  draw.restart(seed);
  return Array.from({ length: count }, () => draw.next());
}

const weights = fc.array(fc.double({ min: 0.001, max: 1_000_000, noNaN: true }), {
  minLength: 2,
  maxLength: 50,
});
const seed = fc.integer({ min: 0, max: 2 ** 31 - 1 });

suite('the draw of requests', () => {
  test('the same seed gives the same sequence, however often it is begun anew', () => {
    fc.assert(
      fc.property(weights, seed, (all, from) => {
        const draw = new RequestDraw(all);
        draw.restart(from);
        for (let i = 0; i < 7; i++) draw.next();
        draw.restart(from);
        assert.deepEqual(
          Array.from({ length: 200 }, () => draw.next()),
          drawn(all, from, 200),
        );
      }),
    );
  });

  test('numbers that are doubles only, as in Lua, give the same sequence', () => {
    fc.assert(
      fc.property(weights, seed, (all, from) => {
        const bounds = boundsOf(all).map(bound => Number(String(bound)));
        let state = from;
        const expected = Array.from({ length: 200 }, () => {
          state = (LCG.multiplier * state + LCG.increment) % LCG.range;
          return bounds.findIndex(bound => state < bound);
        });
        assert.deepEqual(drawn(all, from, 200), expected);
      }),
    );
  });

  const mixes: number[][] = [
    [1, 1],
    [3, 1],
    [70, 25, 5],
    [0.1, 0.1, 0.1, 0.7],
  ];
  for (const mix of mixes) {
    test(`weights ${mix.join(', ')}: shares and pairs of neighbours are those of independent draws`, () => {
      const count = 200_000;
      const total = mix.reduce((sum, weight) => sum + weight, 0);
      for (const from of [1, 2, 77]) {
        const sequence = drawn(mix, from, count);
        const drawnOf = mix.map(() => 0);
        const pairsOf = mix.map(() => 0);
        let last: number | undefined;
        for (const one of sequence) {
          drawnOf[one]!++;
          if (one === last) pairsOf[one]!++;
          last = one;
        }
        for (const [index, weight] of mix.entries()) {
          const share = weight / total;
          assertNear(drawnOf[index]!, count, share);
          assertNear(pairsOf[index]!, count, share ** 2);
        }
      }
    });
  }

  test('sequences of neighbouring seeds are not alike', () => {
    const [one, other] = [drawn([1, 1], 1_000, 10_000), drawn([1, 1], 1_001, 10_000)];
    assertNear(one.filter((index, at) => index === other[at]).length, 10_000, 0.5);
  });

  test('a single request needs none', () => {
    assert.equal(createDraw([{ weight: 3 }]), undefined);
    assert.equal(createDraw([{ weight: 3 }, { weight: 1 }])?.size, 2);
  });
});

/** Within five standard deviations of a binomial. */
function assertNear(count: number, of: number, share: number): void {
  const deviation = Math.sqrt(of * share * (1 - share));
  assert.ok(Math.abs(count - of * share) < 5 * deviation, `${count} of ${of}, expected ${of * share}`);
}
