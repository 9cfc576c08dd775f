// The scale of an axis is the one on which the values of a swept setting lie most evenly.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SweepValue } from '../../scenarios/model/scenario.ts';
import { axisScale } from './sweep.ts';

describe('The scale of a swept setting is the one that separates its values best: a table', () => {
  const TABLE: [why: string, values: SweepValue[], scale: ReturnType<typeof axisScale>][] = [
    ['equal steps', [10, 20, 30, 40], { type: 'linear' }],
    ['equal steps from 0', [0, 10, 20, 30], { type: 'linear' }],
    ['two values', [1, 1_000], { type: 'linear' }],
    ['equal factors', [1, 2, 5, 10, 20, 50, 100], { type: 'log' }],
    ['factors, with 0', [0, 1, 5, 20, 80], { type: 'symlog', constant: 1 }],
    ['small factors, with 0', [0, 0.1, 1, 10], { type: 'symlog', constant: 0.1 }],
    ['below 0', [-10, 0, 1_000], { type: 'linear' }],
    ['a single value', [5], { type: 'point' }],
    ['a single 0', [0], { type: 'point' }],
    ['words', ['none', '1.2', '1.3'], { type: 'point' }],
    ['a mixture', [1, 10, 'unlimited'], { type: 'point' }],
    ['yes and no', [true, false], { type: 'point' }],
  ];
  for (const [why, values, scale] of TABLE) {
    test(`${why}: ${scale.type}`, () => {
      const isNumeric = values.every(value => typeof value === 'number');
      assert.deepEqual(axisScale({ values, isNumeric }), scale);
    });
  }
});
