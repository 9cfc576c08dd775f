// The chart of ratios turns every metric so that right is better, and follows the values rather than the widest whisker.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Interval } from '../../results/stats.ts';
import { armNames, type CellView, viewCell } from '../cell-view.ts';
import { sampleRuns } from '../testing/sample-runs.ts';
import { forest } from './ratios.ts';

function viewOf(name: string): CellView {
  const { run, trials } = sampleRuns[name]!;
  return viewCell(run.cells[0]!, trials, armNames(run));
}

/** The ratio of one metric replaced. */
function withRatio(metric: string, ratio: Interval): CellView {
  const view = viewOf('two arms');
  const comparisons = view.result.comparisons.map(one => (one.metric === metric ? { ...one, ratio } : one));
  return { ...view, result: { ...view.result, comparisons } };
}

interface Layer {
  data: { values: Record<string, unknown>[] };
  mark: { shape?: string };
  encoding: { x: { scale?: { domain: [number, number] } } };
}

function layersOf(view: CellView): Layer[] {
  return (forest.spec(view) as unknown as { layer: Layer[] }).layer;
}

describe('More than 1 is better in every row', () => {
  test('a rate that rises and times that fall lie on the same side, in the order of the metrics', () => {
    const { rows } = forest.table(viewOf('two arms'));
    assert.deepEqual(
      rows.map(([metric]) => metric!.text),
      ['requests/s', 'mean latency', 'p50 latency', 'p99 latency', 'client CPU per request'],
    );
    for (const [metric, , gain] of rows)
      assert.ok((gain!.value as { value: number }).value > 1, metric!.text);
  });

  test('the bounds of a time change places', () => {
    const { rows } = forest.table(withRatio('p99Us', { value: 0.5, low: 0.4, high: 0.8 }));
    assert.deepEqual(rows.find(([metric]) => metric!.text === 'p99 latency')?.[2]?.value, {
      value: 2,
      low: 1 / 0.8,
      high: 2.5,
    });
  });

  for (const [sample, left] of [
    ['an open load', ['mean latency', 'p50 latency', 'p99 latency', 'client CPU per request']],
    ['a capacity search', ['capacity', 'client CPU per request']],
  ] as const) {
    test(`${sample} leaves out what its load sets, or what is measured at different rates`, () => {
      const { rows } = forest.table(viewOf(sample));
      assert.deepEqual(
        rows.map(([metric]) => metric!.text),
        left,
      );
    });
  }
});

describe('The axis follows the values', () => {
  test('a whisker that reaches far beyond them ends in an arrow', () => {
    const plain = layersOf(viewOf('two arms'));
    const wide = layersOf(withRatio('p99Us', { value: 0.2, low: 0.03, high: 1.7 }));
    const drawn = wide[1]!.data.values as { value: number; high: number }[];
    const highest = Math.max(...drawn.map(({ value }) => value));
    assert.ok(drawn.every(({ high }) => high <= 2 * highest));
    const shapes = (layers: Layer[]) => layers.flatMap(({ mark }) => mark.shape ?? []);
    assert.deepEqual(shapes(plain), []);
    assert.deepEqual(shapes(wide), ['triangle-right']);
  });

  test('bounds a factor of 1,000 away are worded, and do not move it', () => {
    const view = withRatio('p99Us', { value: 0.2, low: 0.0002, high: 200 });
    const texts = layersOf(view).flatMap(({ data }) => data.values.flatMap(({ text }) => text ?? []));
    assert.equal(texts[3], 'not known');
    assert.match(forest.table(view).rows[3]![2]!.text, /unknown/);
  });
});
