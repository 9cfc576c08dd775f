// The cells of a run in sections, those of a sweep in the order of their values whatever order they were measured in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { armNames, viewCell } from '../cell-view.ts';
import { type StoredSample, sampleRuns, sweepAndScenario } from '../testing/sample-runs.ts';
import { sampleSweeps } from '../testing/sample-sweeps.ts';
import { type SweepView, sectionsOf } from './view.ts';

function sectionsIn({ run, trials }: StoredSample) {
  return sectionsOf(run.cells.map(cell => viewCell(cell, trials, armNames(run))));
}

function sweepIn(sample: string): SweepView {
  const [section] = sectionsIn(sampleSweeps[sample]!);
  assert.ok(section?.kind === 'sweep');
  return section.sweep;
}

test('numbers rise along the axis, in whatever order they are listed and measured', () => {
  const sweep = sweepIn('a sweep');
  assert.deepEqual(
    [sweep.x.path, sweep.x.words, sweep.x.unit, sweep.x.values, sweep.x.isNumeric],
    ['link.roundTripMs', 'round trip', 'ms', [0, 1, 5, 20, 80], true],
  );
  assert.equal(sweep.other, undefined);
  assert.deepEqual(
    sweep.cells.map(({ x, place }) => [x, place]),
    [0, 1, 5, 20, 80].map(x => [x, `round trip ${x} ms`]),
  );
  assert.deepEqual(
    sweep.inOrder.map(points => points[0]!.value),
    [5, 1, 0, 80, 20],
  );
  assert.deepEqual(
    sweep.arms.map(({ name, label }) => [name, label]),
    [
      ['short', 'short (baseline)'],
      ['persistent', 'persistent'],
    ],
  );
});

test('of two settings the one with numbers lies along the axis, and words keep the order of their list', () => {
  const sweep = sweepIn('a sweep of two settings');
  assert.equal(sweep.x.words, 'round trip');
  assert.deepEqual([sweep.other?.words, sweep.other?.values], ['requests per connection', [1, 'unlimited']]);
  assert.deepEqual(
    sweep.cells.map(({ other, x }) => [other, x]),
    [1, 'unlimited'].flatMap(other => [0, 5, 20].map(x => [other, x])),
  );
});

test('a mixture of numbers and words is words; a single arm is no baseline', () => {
  const sweep = sweepIn('a sweep of words');
  assert.deepEqual([sweep.x.values, sweep.x.isNumeric], [[20, 50, 'unlimited'], false]);
  assert.deepEqual(
    sweep.arms.map(({ label }) => label),
    ['only'],
  );
});

test('what the run never came to is known by what was asked for', () => {
  assert.deepEqual(sweepIn('a troubled sweep').missing, [[{ path: 'link.roundTripMs', value: 0 }]]);
  assert.deepEqual(sweepIn('a sweep').missing, []);
});

test('sweeps and single cells are distinguished', () => {
  assert.deepEqual(
    sectionsIn(sweepAndScenario()).map(section =>
      section.kind === 'sweep' ? section.sweep.name : section.view.result.cell,
    ),
    ['pool', 'short-vs-persistent'],
  );
  assert.deepEqual(
    sectionsIn(sampleRuns['two scenarios']!).map(({ kind }) => kind),
    ['cell', 'cell'],
  );
});
