// JSON as editors write it is read, what is no JSON is refused with the place, and keys given twice are found.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { findDuplicateKeys, parseJson } from './scenario-json.ts';

describe('JSON as editors write it is read; what is no JSON is refused with the place', () => {
  for (const [why, text, value] of [
    ['a byte order mark', '\ufeff{"a": 1}', { a: 1 }],
    ['comments', '// c\n{ /* x */ "a": [1 /* y */, 2] } // z', { a: [1, 2] }],
    ['a comma after the last member', '{"a": [1, 2,], "b": {"c": null,},}', { a: [1, 2], b: { c: null } }],
    ['all of them, and Windows line ends', '\ufeff{\r\n  // c\r\n  "a": "//no",\r\n}\r\n', { a: '//no' }],
  ] as const) {
    test(`${why}: read`, () => assert.deepEqual(parseJson(text), value));
  }

  for (const [why, text, says] of [
    ['a missing comma', '{\n  "a": 1\n  "b": 2\n}', 'comma expected at line 3, column 3'],
    ['single quotes', "{ 'a': 1 }", 'invalid symbol at line 1, column 3'],
    ['two values', '{} {}', 'end of file expected at line 1, column 4'],
    ['a comment without end', '{"a": 1} /* x', 'unexpected end of comment at line 1, column 10'],
    ['an empty file', '', 'value expected at line 1, column 1'],
    ['a torn file', '{"a": [1,', 'value expected at line 1, column 10'],
  ] as const) {
    test(`${why}: refused with line and column`, () =>
      assert.throws(() => parseJson(text), { name: 'SyntaxError', message: says }));
  }

  test('members named as those of every object stay members', () => {
    const value = parseJson('{"__proto__": {"isFit": true}, "constructor": 1,}');
    assert.deepEqual(Object.keys(value as object), ['__proto__', 'constructor']);
    assert.equal((value as { isFit?: boolean }).isFit, undefined);
  });

  test('with a comment before it, every JSON is what it is without', () => {
    fc.assert(
      fc.property(fc.json(), text => assert.deepEqual(parseJson(`/* c */${text}`), JSON.parse(text))),
    );
  });
});

describe('Keys given twice are found with all of their places', () => {
  for (const [why, text, expected] of [
    ['none', '{"a": {"b": 1}, "c": [{"b": 1}, {"b": 2}]}', []],
    [
      'in the outermost object',
      '{\n  "name": 1,\n  "name": 2\n}',
      [['name', 'is given twice: at line 2, column 3 and line 3, column 3']],
    ],
    [
      'deep within, in a list, with the same value',
      '{"x": [0, {"k": {}, "k": {}}]}',
      [['x.1.k', 'is given twice: at line 1, column 12 and line 1, column 21']],
    ],
    [
      'three times, and once more in a value that would be ignored',
      '{"a": 1, // first\n"a": {"b": 1, "b": 2},\n"a": 3,}',
      [
        ['a', 'is given 3 times: at line 1, column 2, line 2, column 1 and line 3, column 1'],
        ['a.b', 'is given twice: at line 2, column 7 and line 2, column 15'],
      ],
    ],
    [
      'by an escape, after a byte order mark',
      '\ufeff{"a": 1, "\\u0061": 2}',
      [['a', 'is given twice: at line 1, column 2 and line 1, column 10']],
    ],
    ['names of every object, once', '{"__proto__": 1, "constructor": 2}', []],
  ] as const) {
    test(why, () =>
      assert.deepEqual(
        findDuplicateKeys(text).map(({ path, message }) => [path, message]),
        expected,
      ),
    );
  }

  test('what JSON.stringify writes has none', () => {
    fc.assert(
      fc.property(fc.jsonValue(), value => assert.deepEqual(findDuplicateKeys(JSON.stringify(value)), [])),
    );
  });
});
