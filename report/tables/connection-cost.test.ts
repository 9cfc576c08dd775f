// The table of what a connection costs says where there are too few replicates for an interval.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeCost } from './connection-cost.ts';

for (const [replicateUs, text] of [
  [[158], '158 (2 more replicates needed)'],
  [[158, 167], '158, 167 (1 more replicate needed)'],
] as const) {
  test(`a cost of ${replicateUs.length} replicates: ${text}`, () =>
    assert.equal(describeCost({ valueUs: 160, interval: null, replicateUs: [...replicateUs] }), text));
}

test('a cost with its interval', () => {
  const interval = { value: 163, low: 150, high: 176 };
  assert.equal(describeCost({ valueUs: 163, interval, replicateUs: [160, 163, 166] }), '163 (150 to 176)');
});
