// In: values with and without modes. Out: proof that only clear groups are called modes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findModes } from './modes.ts';

const rows = [
  { why: 'one value', values: [0.1], main: [0.1], isDistinct: false },
  { why: 'one group', values: [0.01, -0.02, 0], main: [-0.02, 0, 0.01], isDistinct: false },
  { why: 'a slow mode', values: [0, -0.25, 0.01, -0.01], main: [-0.01, 0, 0.01], isDistinct: true },
  { why: 'modes on both sides', values: [0, -0.25, 0.01, 0.26], main: [0, 0.01], isDistinct: true },
  {
    why: 'a gap no wider than the group',
    values: [0, 0.05, 0.1, 0.2],
    main: [0, 0.05, 0.1],
    isDistinct: false,
  },
  { why: 'every value alone', values: [0, 0.2, 0.4], main: [0], isDistinct: false },
];

for (const { why, values, main, isDistinct } of rows) {
  test(`modes: ${why}`, () => {
    const found = findModes(values);
    assert.deepEqual([found.main, found.isDistinct], [main, isDistinct]);
    assert.deepEqual(
      found.groups.flat(),
      values.toSorted((a, b) => a - b),
    );
  });
}
