// Two runs over each other: each client in one colour, its earlier curve dotted, and only what both runs have.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleRun } from '../../results/testing/sample-run.ts';
import { renderChart } from '../formats/chart-svg.ts';
import { overlayRuns } from './before-after.ts';

const after = sampleRun();
const before = sampleRun({ blocks: 4 });
const [cell] = after.run.cells;
const cells = new Set([cell!.cell]);

interface Found {
  arm: string;
  kind?: string;
  isFaint?: boolean;
}

function figuresOf(spec: object): Found[] {
  const found: Found[][] = [];
  JSON.stringify(spec, (_, value) => {
    if (value?.name === 'figures') found.push(value.values);
    return value;
  });
  return found.flat();
}

test('both runs are drawn for each scenario that was compared, with all figures in the tables', async () => {
  const [forest, curves, ...others] = overlayRuns({ before, after }, cells);
  assert.deepEqual(others, []);
  const rows = figuresOf(forest!.spec);
  assert.deepEqual([...new Set(rows.map(({ isFaint }) => isFaint))], [true, false]);
  assert.equal(forest!.table.rows.length, rows.length);
  const points = figuresOf(curves!.spec);
  const kinds = Map.groupBy(points, ({ arm, kind }) => `${arm}: ${kind}`);
  assert.deepEqual(
    [...kinds.keys()],
    ['short (baseline): after', 'short (baseline): before', 'persistent: after', 'persistent: before'],
  );
  for (const { spec } of [forest!, curves!]) {
    const warnings: string[] = [];
    await renderChart(spec, { id: 'x', description: '', onWarning: text => warnings.push(text) });
    assert.deepEqual(warnings, []);
  }
});

test('a client that only one run has is left out, and so is a scenario that was not compared', () => {
  const run = {
    ...before.run,
    cells: before.run.cells.map(one => ({
      ...one,
      comparisons: [],
      scenario: { ...one.scenario, clients: { short: one.scenario.clients['short']! } },
    })),
  };
  const trials = before.trials.filter(({ trial }) => trial.arm === 'short');
  const figures = overlayRuns({ before: { run, trials }, after }, cells);
  assert.deepEqual(
    [...new Set(figures.flatMap(({ spec }) => figuresOf(spec)).map(({ arm }) => arm))],
    ['short (baseline)'],
  );
  assert.deepEqual(overlayRuns({ before, after }, new Set()), []);
});
