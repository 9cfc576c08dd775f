// How audits write a difference: the sign and the word never contradict each other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apart } from './rule.ts';

for (const [ratio, text] of [
  [0.125, '12.5 % above'],
  [-0.002, '0.2 % below'],
  [-0.467, '46.7 % below'],
  [0.0004, 'equal to'],
  [-0.0004, 'equal to'],
] as const) {
  test(`a difference of ${ratio} is "${text}"`, () => assert.equal(apart(ratio), text));
}
