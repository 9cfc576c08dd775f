// The draw of requests: by weight, the same from the same seed, and as a script of a load tool repeats it.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { boundsOf, createDraw, LCG, RequestDraw } from './draw.ts';

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
