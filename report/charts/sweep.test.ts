// The scale of an axis is the one on which the values of a swept setting lie most evenly.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SweepValue } from '../../scenarios/model/scenario.ts';
import { armNames, viewCell } from '../cell-view.ts';
import { measureOf, type SweepView, sectionsOf } from '../sweeps/view.ts';
import { sampleSweeps } from '../testing/sample-sweeps.ts';
import type { SweepPicture } from './chart.ts';
import { axisScale, ratioLines, valueLines } from './sweep.ts';

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

describe('A limit stands in the chart of what it limits', () => {
  /** The sample, with its limits left out at some points. */
  function sweepOf(keeps: (value: SweepValue) => boolean = () => true): SweepView {
    const { run, trials } = sampleSweeps['a sweep']!;
    const cells = run.cells.map(cell =>
      keeps(cell.sweepPoints[0]!.value) ? cell : { ...cell, expectations: [] },
    );
    const [section] = sectionsOf(cells.map(cell => viewCell(cell, trials, armNames(run))));
    assert.ok(section?.kind === 'sweep');
    return section.sweep;
  }

  interface Drawn {
    mark: { type: string };
    data?: { values: { limit?: number }[] };
    encoding: { color?: { value: string } };
  }
  const limitsIn = ({ spec }: SweepPicture): Drawn[] =>
    (spec() as unknown as { layer: Drawn[] }).layer.filter(
      ({ data }) => data?.values[0]?.limit !== undefined,
    );

  test('as a line across with its words, in red where it was missed', () => {
    const [picture] = ratioLines.pictures(sweepOf(), measureOf('requestsPerSec'));
    const drawn = limitsIn(picture!);
    assert.deepEqual(
      drawn.map(({ mark, data, encoding }) => [mark.type, data!.values[0]!.limit, encoding.color!.value]),
      [
        ['rule', 3, 'var(--bad)'],
        ['text', 3, 'var(--bad)'],
      ],
    );
    assert.match(picture!.caption, /limits, .*: persistent ≥ 3×\.$/);
    const [values] = valueLines.pictures(sweepOf(), measureOf('requestsPerSec'));
    assert.deepEqual(limitsIn(values!), []);
    assert.doesNotMatch(values!.caption, /limit/);
  });

  test('a stroke at each point where it is for some only', () => {
    const [picture] = ratioLines.pictures(
      sweepOf(value => value !== 0),
      measureOf('requestsPerSec'),
    );
    const [stroke, ...others] = limitsIn(picture!);
    assert.deepEqual([stroke!.mark.type, stroke!.data!.values.length, others.length], ['tick', 4, 0]);
  });

  test('one far beyond the figures is named, and does not squeeze them', () => {
    const [picture] = valueLines.pictures(sweepOf(), measureOf('p99Us'));
    assert.deepEqual(limitsIn(picture!), []);
    assert.match(picture!.caption, /far beyond the figures: persistent ≤ 1,000 ms\.$/);
  });
});
