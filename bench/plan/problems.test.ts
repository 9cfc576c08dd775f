// problems.test.ts
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { joinWords } from '../../results/figures.ts';
import { byLikeness, nameHint, nearest } from './problems.ts';

describe('Which known name may have been meant by an unknown one', () => {
  const known = ['read', 'dump', 'maxConnections'];
  const cases: [string, string, string | undefined][] = [
    ['one letter more', 'reads', 'read'],
    ['two letters swapped', 'raed', 'read'],
    ['a long name may differ in more', 'maxConection', 'maxConnections'],
    ['another word altogether', 'timeout', undefined],
    ['nothing', '', undefined],
  ];
  for (const [why, name, expected] of cases) {
    test(`nearest: ${why}`, () => assert.equal(nearest(name, known), expected));
  }

  test('nearest: a name of which nothing is right was not meant', () => {
    assert.equal(nearest('zz', ['h1']), undefined);
  });

  test('hints', () => {
    assert.equal(nameHint('reed', known), 'did you mean read? Known: read, dump, maxConnections');
    assert.match(nameHint('python', ['go', 'python-requests']), /^did you mean python-requests\?/);
    assert.equal(nameHint('zzzzzzzz', known), 'read, dump or maxConnections');
    assert.equal(nameHint('x', []), 'no names are known here');
    assert.equal(nearest('x', []), undefined);
  });

  test('the most similar come first', () => assert.deepEqual(byLikeness('dumb', known)[0], 'dump'));

  test('lists read as a sentence', () => {
    assert.deepEqual(
      [
        joinWords([], 'or'),
        joinWords(['a'], 'or'),
        joinWords(['a', 'b'], 'or'),
        joinWords(['a', 'b', 'c'], 'or'),
        joinWords(['a', 'b', 'c'], 'and'),
      ],
      ['', 'a', 'a or b', 'a, b or c', 'a, b and c'],
    );
  });
});
