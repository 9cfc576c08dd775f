// Combinations of a sweep, and the words for them: tables, and properties of the names of cells.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyText } from '../testing/any-text.ts';
import { cellId, combinations, describePoints, describeSubset, type SweepAxis, shortNames } from './sweep.ts';

const ROUND_TRIP: SweepAxis = { path: 'link.roundTripMs', values: [0, 5, 20] };
const POOL: SweepAxis = { path: 'clients.*.pool.maxConnections', values: [10, 'unlimited'] };

test('combinations are in the order of the lists, the last setting running fastest', () => {
  assert.deepEqual(combinations([]), [[]]);
  assert.deepEqual(combinations([ROUND_TRIP, POOL]).map(describePoints), [
    'roundTripMs = 0, maxConnections = 10',
    'roundTripMs = 0, maxConnections = unlimited',
    'roundTripMs = 5, maxConnections = 10',
    'roundTripMs = 5, maxConnections = unlimited',
    'roundTripMs = 20, maxConnections = 10',
    'roundTripMs = 20, maxConnections = unlimited',
  ]);
});

const NAMES: [why: string, paths: string[], names: string[]][] = [
  ['the last key tells enough', ['link.roundTripMs', 'load.concurrency'], ['roundTripMs', 'concurrency']],
  [
    'as many keys as tell two arms apart',
    ['clients.a.pool.maxConnections', 'clients.b.pool.maxConnections'],
    ['a.pool.maxConnections', 'b.pool.maxConnections'],
  ],
  ['one path is the end of another', ['phases', 'clients.*.options.phases'], ['phases', 'options.phases']],
  ['one key', ['phases'], ['phases']],
];
for (const [why, paths, names] of NAMES) {
  test(`short names: ${why}`, () => assert.deepEqual(shortNames(paths), names));
}

const SUBSETS: [why: string, chosen: (values: unknown[]) => boolean, text: string][] = [
  ['all of them need no words', () => true, ''],
  ['one value, whatever the other', ([ms]) => ms === 5, 'roundTripMs = 5'],
  ['two values', ([ms]) => ms !== 0, 'roundTripMs = 5, 20'],
  ['a part of both', ([ms, most]) => ms !== 5 && most === 10, 'roundTripMs = 0, 20 and maxConnections = 10'],
  [
    'no simple part: the first, and how many more',
    ([ms, most]) => (ms === 0) === (most === 10),
    'roundTripMs = 0, maxConnections = 10 and 2 more',
  ],
];
for (const [why, chosen, text] of SUBSETS) {
  test(`some of a sweep: ${why}`, () => {
    const axes = [ROUND_TRIP, POOL];
    const subset = combinations(axes).filter(points => chosen(points.map(({ value }) => value)));
    assert.equal(describeSubset(axes, subset), text);
  });
}

test('a cell without a sweep is named as its scenario, one of a sweep by its values too', () => {
  assert.equal(cellId('plain', []), 'plain');
  const [first] = combinations([ROUND_TRIP, POOL]);
  assert.equal(cellId('far', first!), 'far[roundTripMs=0;maxConnections=10]');
});

test('whatever its values are, a cell has a name of its own that ends no tag, no line and no path', () => {
  const value = fc.oneof(anyText, fc.double(), fc.boolean());
  fc.assert(
    fc.property(fc.uniqueArray(value, { selector: String, minLength: 1, maxLength: 6 }), values => {
      const ids = combinations([{ path: 'clients.*.options.x', values }]).map(points => cellId('s', points));
      assert.equal(new Set(ids).size, values.length);
      for (const id of ids) assert.match(id, /^s\[x=[\w.!~*'()%-]*\]$/);
    }),
  );
});
