// Every chart fulfils its contract for runs of every kind.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TopLevelSpec } from 'vega-lite';
import { armNames, viewCell } from '../cell-view.ts';
import { renderChart } from '../formats/chart-svg.ts';
import { charts } from '../testing/plugins.ts';
import { sampleRuns } from '../testing/sample-runs.ts';
import { CHART_PX } from './theme.ts';

/** Between them every chart applies. */
const INVALID = [
  'an invalid trial of six arms',
  'an invalid trial of an open load',
  'an invalid trial of a capacity search',
  'an invalid trial, held over time',
];

/** The points of the layer that is named for them. */
function figuresOf(spec: TopLevelSpec): unknown[] {
  const found: unknown[][] = [];
  JSON.stringify(spec, (_, value) => {
    if (value?.name === 'figures' && Array.isArray(value.values)) found.push(value.values);
    return value;
  });
  assert.equal(found.length, 1, 'one layer is named figures');
  return found[0]!;
}

for (const chart of charts) {
  for (const [name, { run, trials }] of Object.entries(sampleRuns)) {
    const views = run.cells.map(cell => viewCell(cell, trials, armNames(run)));
    for (const view of views.filter(view => chart.applies(view))) {
      test(`${chart.name} of ${name}: drawn without a warning, with every figure in its table`, async () => {
        const { columns, rows } = chart.table(view);
        const cells = rows.flatMap(row =>
          row.filter(({ value }, index) => !columns[index]!.isKey && value !== null),
        );
        assert.ok(chart.caption(view).length > 0);
        const warnings: string[] = [];
        const spec = chart.spec(view);
        const figures = figuresOf(spec);
        const svg = await renderChart(spec, {
          id: 'x',
          description: 'y',
          onWarning: text => warnings.push(text),
        });
        assert.deepEqual(warnings, []);
        assert.ok(
          figures.length > 0 && cells.length >= figures.length,
          `${cells.length} of ${figures.length}`,
        );
        assert.ok(svg.split('<title>').length > figures.length, 'each figure has words');
        assert.match(svg, /^<svg role="img" aria-label="y"/);
        assert.doesNotMatch(svg, / style=|<script|NaN|undefined|Infinity/);
        assert.equal(Number(/ width="([\d.]+)"/.exec(svg)?.[1]), CHART_PX);
      });
    }
  }

  test(`${chart.name} marks an invalid arm in picture and table`, async () => {
    const view = INVALID.map(name => sampleRuns[name]!)
      .map(({ run, trials }) => viewCell(run.cells[0]!, trials, armNames(run)))
      .find(view => chart.applies(view));
    assert.ok(view !== undefined, 'there is a sample for it');
    assert.match(
      await renderChart(chart.spec(view), { id: 'x', description: '' }),
      />[^<]*†<\/(?:text|tspan)>/,
    );
    assert.match(JSON.stringify(chart.table(view).rows), /†/);
  });

  test(`${chart.name} does not apply where nothing was measured`, () => {
    const { run, trials } = sampleRuns['no completed trial']!;
    assert.equal(chart.applies(viewCell(run.cells[0]!, trials, [])), false);
  });
}

test('a curve needs three arms; a ratio needs two', () => {
  const applying = (name: string) => {
    const { run, trials } = sampleRuns[name]!;
    const view = viewCell(run.cells[0]!, trials, armNames(run));
    return charts.filter(chart => chart.applies(view)).map(chart => chart.name);
  };
  assert.ok(applying('six arms').includes('amortisation'));
  assert.ok(!applying('two arms').includes('amortisation'));
  assert.ok(!applying('one arm').includes('replicate-ratios'));
});

test('two pictures in one page share no id', async () => {
  const spec: TopLevelSpec = {
    data: { values: [{ a: 1 }] },
    mark: { type: 'bar', clip: true },
    encoding: { x: { field: 'a', type: 'quantitative' } },
  };
  const ids = async (id: string) =>
    [...(await renderChart(spec, { id, description: '' })).matchAll(/\bid="([^"]+)"/g)].map(
      match => match[1],
    );
  assert.match((await ids('first'))[0] ?? '', /^first-clip/);
  assert.match((await ids('second'))[0] ?? '', /^second-clip/);
});

test('the first figure is of the metric that decides, and what only an open load has is drawn for it alone', () => {
  const applying = (name: string) => {
    const { run, trials } = sampleRuns[name]!;
    const view = viewCell(run.cells[0]!, trials, armNames(run));
    return new Set(charts.filter(chart => chart.applies(view)).map(chart => chart.name));
  };
  const own = ['requests-per-sec', 'mean-response', 'capacity', 'capacity-probes', 'response-and-service'];
  const ownOf = (name: string) => own.filter(chart => applying(name).has(chart));
  assert.deepEqual(ownOf('two arms'), ['requests-per-sec']);
  assert.deepEqual(ownOf('an open load'), ['mean-response', 'response-and-service']);
  assert.deepEqual(ownOf('a capacity search'), ['capacity', 'capacity-probes', 'response-and-service']);
  assert.deepEqual(ownOf('a search cut short'), ['capacity-probes']);
});
