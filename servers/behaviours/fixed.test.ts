// fixed.test.ts
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { makeJson, makeText } from './fixed.ts';

describe('Bodies have exactly the length that was asked for', () => {
  const lengths = fc.integer({ min: 0, max: 5_000 });

  test('a text has exactly the bytes asked for', () => {
    fc.assert(fc.property(lengths, bytes => Buffer.byteLength(makeText(bytes)) === bytes));
  });

  test('a JSON text has exactly the bytes asked for', () => {
    fc.assert(fc.property(lengths, bytes => Buffer.byteLength(makeJson(bytes)) === bytes));
  });

  test('a JSON text parses from 1 byte on, as the most that fits', () => {
    for (let bytes = 1; bytes < 200; bytes++) {
      const expected = bytes === 1 ? 'number' : bytes < 11 ? 'string' : 'object';
      assert.equal(typeof JSON.parse(makeJson(bytes)), expected, `${bytes} bytes`);
    }
    assert.equal(makeJson(0), '', '0 bytes: no body, hence no JSON');
  });
});
