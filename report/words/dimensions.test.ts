// Settings that are swept are said in words, with their units, the same everywhere.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SweepPoint, SweepValue } from '../../scenarios/model/scenario.ts';
import { combinations } from '../../scenarios/model/sweep.ts';
import { describeAt, describePlace, describePlaces, dimensionOf, nameWithUnit } from './dimensions.ts';

for (const [path, words] of [
  ['link.roundTripMs', 'round trip (ms)'],
  ['link.bytesPerSec', 'bytes (per second)'],
  ['load.ratePerSec', 'rate (per second)'],
  ['clients.sized.pool.maxConnections', 'max connections'],
  ['target.tls', 'tls'],
  ['clients.one.requestsPerConnection', 'requests per connection'],
  ['target.ms', 'ms'],
] as const) {
  test(`an axis of ${path} reads ${words}`, () => assert.equal(nameWithUnit(path), words));
}

for (const [name, value, said] of [
  ['roundTripMs', 80, '80 ms round trip'],
  ['roundTripMs', 1_500, '1,500 ms round trip'],
  ['ratePerSec', 50, 'rate 50 per second'],
  ['maxConnections', 20, 'max connections 20'],
  ['maxConnections', 'unlimited', 'max connections unlimited'],
  ['lossRatio', 0.01, 'loss 0.01'],
  ['tls', '1.3', 'tls 1.3'],
] as [string, SweepValue, string][]) {
  test(`in a sentence: ${said}`, () => assert.equal(describeAt(value, dimensionOf(name)), said));
}

const RTT = 'link.roundTripMs';
const POOLS = ['clients.a.pool.maxConnections', 'clients.b.pool.maxConnections'] as const;

test('a point names its settings, and of two that end alike also whose they are', () => {
  const points = (...pairs: [string, SweepValue][]): SweepPoint[] =>
    pairs.map(([path, value]) => ({ path, value }));
  assert.equal(describePlace(points([RTT, 20], [POOLS[0], 5])), 'round trip 20 ms, max connections 5');
  assert.equal(
    describePlace(points([POOLS[0], 5], [POOLS[1], 7])),
    'max connections of a.pool 5, max connections of b.pool 7',
  );
});

test('some points share the words of their setting', () => {
  const axes = [
    { path: RTT, values: [0, 5, 20] },
    { path: POOLS[0], values: [10, 'unlimited'] },
  ];
  const all = combinations(axes);
  const where = (isMeant: (ms: SweepValue, most: SweepValue) => boolean): string =>
    describePlaces(
      axes,
      all.filter(([ms, most]) => isMeant(ms!.value, most!.value)),
    );
  assert.equal(
    where(() => true),
    '',
  );
  assert.equal(
    where(ms => ms !== 0),
    'round trip 5 and 20 ms',
  );
  assert.equal(
    where((ms, most) => ms === 5 && most === 10),
    'round trip 5 ms, max connections 10',
  );
  assert.equal(
    where((ms, most) => ms === 0 || most === 10),
    'round trip 0 ms, max connections 10 and 3 more',
  );
});
