// JSON as editors write it is read; what is no JSON is refused with the place.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseJson } from './parse-json.ts';

for (const [why, text, value] of [
  ['a byte order mark', '\ufeff{"a": 1}', { a: 1 }],
  ['comments', '// c\n{ /* x */ "a": [1 /* y */, 2] } // z', { a: [1, 2] }],
  ['a comma after the last member', '{"a": [1, 2,], "b": {"c": null,},}', { a: [1, 2], b: { c: null } }],
  ['all of them, and Windows line ends', '\ufeff{\r\n  // c\r\n  "a": "//no",\r\n}\r\n', { a: '//no' }],
] as const) {
  test(`${why}: read`, () => assert.deepEqual(parseJson(text), value));
}

for (const [why, text, says] of [
  ['a missing comma', '{\n  "a": 1\n  "b": 2\n}', 'comma expected in line 3, column 3'],
  ['single quotes', "{ 'a': 1 }", 'invalid symbol in line 1, column 3'],
  ['two values', '{} {}', 'end of file expected in line 1, column 4'],
  ['a comment without end', '{"a": 1} /* x', 'unexpected end of comment in line 1, column 10'],
  ['an empty file', '', 'value expected in line 1, column 1'],
  ['a torn file', '{"a": [1,', 'value expected in line 1, column 10'],
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
  fc.assert(fc.property(fc.json(), text => assert.deepEqual(parseJson(`/* c */${text}`), JSON.parse(text))));
});
