// What intervals show of a course, and no more than they show: a table, and properties.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Interval } from '../../results/stats.ts';
import { type Trend, trendOf } from './trend.ts';

const around = (value: number, reach = 1): Interval => ({ value, low: value - reach, high: value + reach });

const TABLE: [why: string, figures: Interval[], trend: Trend][] = [
  ['nothing', [], { kind: 'alone' }],
  ['one figure', [around(5)], { kind: 'alone' }],
  ['two that touch', [around(5), around(7)], { kind: 'unshown' }],
  ['two that are apart', [around(5), around(8)], { kind: 'rises', isEveryStep: true, level: null }],
  [
    'falling all the way',
    [around(9), around(6), around(3)],
    { kind: 'falls', isEveryStep: true, level: null },
  ],
  [
    'level from the second on',
    [around(2), around(5), around(5.5), around(5.2)],
    { kind: 'rises', isEveryStep: false, level: { from: 1, most: 6.5 / 4 - 1 } },
  ],
  [
    'small steps that add up, to the last but one',
    [around(2), around(3.5), around(5), around(6.5)],
    { kind: 'rises', isEveryStep: false, level: { from: 2, most: 7.5 / 4 - 1 } },
  ],
  [
    'a small step, then a large one',
    [around(2), around(3.5), around(9)],
    { kind: 'rises', isEveryStep: false, level: null },
  ],
  ['up and down again', [around(2), around(8), around(2)], { kind: 'mixed' }],
  [
    'up, and a step down that is not shown',
    [around(2), around(8), around(7)],
    { kind: 'rises', isEveryStep: false, level: { from: 1, most: 9 / 6 - 1 } },
  ],
  ['the same ends, but a peak', [around(2), around(4), around(8), around(2)], { kind: 'mixed' }],
  ['one so wide that it shows nothing', [around(2), around(8, 9), around(2.5)], { kind: 'unshown' }],
  [
    'what comes after is not known, so that nothing is said of how far it may go',
    [around(2), around(5), around(5, 0)],
    { kind: 'rises', isEveryStep: false, level: { from: 1, most: null } },
  ],
  ['figures without an interval are apart from none', [around(2, 0), around(8, 0)], { kind: 'unshown' }],
];
for (const [why, figures, trend] of TABLE) {
  test(`trend: ${why}`, () => assert.deepEqual(trendOf(figures), trend));
}

const interval = fc
  .tuple(fc.double({ min: 1, max: 100, noNaN: true }), fc.double({ min: 0.01, max: 20, noNaN: true }))
  .map(([value, reach]) => around(value, reach));
const figures = fc.array(interval, { minLength: 2, maxLength: 8 });

test('backwards, what rises falls, and what is mixed or unshown stays so', () => {
  const turned = { rises: 'falls', falls: 'rises', mixed: 'mixed', unshown: 'unshown', alone: 'alone' };
  fc.assert(
    fc.property(figures, found => {
      assert.equal(trendOf(found.toReversed()).kind, turned[trendOf(found).kind]);
    }),
  );
});

test('wider intervals never show more', () => {
  const strength = (trend: Trend): number =>
    trend.kind === 'mixed' ? 2 : trend.kind === 'rises' || trend.kind === 'falls' ? 1 : 0;
  fc.assert(
    fc.property(figures, fc.double({ min: 1, max: 5, noNaN: true }), (found, factor) => {
      const wider = found.map(({ value, high }) => around(value, (high - value) * factor));
      assert.ok(strength(trendOf(wider)) <= strength(trendOf(found)));
    }),
  );
});

test('a level begins where no two of the rest are apart, and not a figure earlier', () => {
  fc.assert(
    fc.property(figures, found => {
      const trend = trendOf(found);
      if (trend.kind !== 'rises' && trend.kind !== 'falls') return;
      const { level } = trend;
      if (level === null) return;
      assert.equal(trendOf(found.slice(level.from)).kind, 'unshown');
      assert.notEqual(trendOf(found.slice(level.from - 1)).kind, 'unshown');
      for (const one of found.slice(level.from))
        for (const other of found.slice(level.from))
          assert.ok(level.most === null || one.value / other.value - 1 <= level.most);
    }),
  );
});
