// How figures are written: the sign and the word of a difference never contradict each other, and a percentage has the digits asked for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apart, roundPercent } from './figures.ts';

for (const [ratio, text] of [
  [0.125, '12.5 % above'],
  [-0.002, '0.2 % below'],
  [-0.467, '46.7 % below'],
  [0.0004, 'equal to'],
  [-0.0004, 'equal to'],
] as const) {
  test(`a difference of ${ratio} is "${text}"`, () => assert.equal(apart(ratio), text));
}

for (const [ratio, digits, text] of [
  [0.0312, 2, '3.1 %'],
  [0.03, 2, '3 %'],
  [0.0005, 2, '0.05 %'],
  [0.1234, 3, '12.3 %'],
] as const) {
  test(`${ratio} to ${digits} digits is "${text}"`, () => assert.equal(roundPercent(ratio, digits), text));
}
