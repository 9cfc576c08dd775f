// Every chart of sweeps fulfils its contract for sweeps of every kind.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TopLevelSpec } from 'vega-lite';
import { armNames, viewCell } from '../cell-view.ts';
import { renderChart } from '../formats/chart-svg.ts';
import { measureTable } from '../sweeps/report.ts';
import { measuresOf, type SweepView, sectionsOf } from '../sweeps/view.ts';
import { sweepCharts } from '../testing/plugins.ts';
import { sampleSweeps } from '../testing/sample-sweeps.ts';
import { CHART_PX } from './theme.ts';

const SAMPLES = ['a sweep', 'a sweep of two settings', 'a sweep of words', 'a troubled sweep'];
/** Drawn one by one: enough to see every kind of axis, band and legend. */
const DRAWN = ['requestsPerSec', 'errorPercent', 'connectionsPer1000Count'];

function sweepIn(sample: string): SweepView {
  const { run, trials } = sampleSweeps[sample]!;
  const [section] = sectionsOf(run.cells.map(cell => viewCell(cell, trials, armNames(run))));
  assert.ok(section?.kind === 'sweep');
  return section.sweep;
}

/** Everything within the spec that is called so. */
function foundIn(spec: TopLevelSpec, key: string): unknown[] {
  const found: unknown[] = [];
  JSON.stringify(spec, (name, value) => {
    if (name === key) found.push(value);
    return value;
  });
  return found;
}

function figuresOf(spec: TopLevelSpec): { value: number; low: number; high: number; tip: string }[] {
  const named = foundIn(spec, 'data').filter(
    (data): data is { name: string; values: never[] } => (data as { name?: string }).name === 'figures',
  );
  assert.equal(named.length, 1, 'one layer is named figures');
  return named[0]!.values;
}

for (const sample of SAMPLES) {
  const sweep = sweepIn(sample);
  for (const measure of measuresOf(sweep)) {
    test(`${measure.key} of ${sample}: each figure of the table is in a picture, once`, () => {
      const { columns, rows } = measureTable(sweep, measure);
      const cells = rows.flatMap(row =>
        row.filter(({ value }, index) => !columns[index]!.isKey && value !== null),
      );
      const specs = sweepCharts.flatMap(chart =>
        chart.pictures(sweep, measure).map(picture => picture.spec()),
      );
      const figures = specs.flatMap(figuresOf);
      assert.ok(figures.length > 0);
      assert.equal(figures.length, cells.length);
      for (const { value, low, high, tip } of figures) {
        assert.ok(low <= value && value <= high && tip.length > 0, tip);
      }
    });

    if (!DRAWN.includes(measure.key)) continue;
    test(`${measure.key} of ${sample} is drawn without a warning`, async () => {
      for (const picture of sweepCharts.flatMap(chart => chart.pictures(sweep, measure))) {
        const warnings: string[] = [];
        const spec = picture.spec();
        const svg = await renderChart(spec, {
          id: 'x',
          description: picture.caption,
          onWarning: text => warnings.push(text),
        });
        assert.deepEqual(warnings, []);
        assert.ok(svg.split('<title>').length > figuresOf(spec).length, 'each figure has words');
        assert.doesNotMatch(svg, / style=|<script|NaN|undefined|Infinity/);
        assert.equal(Number(/ width="([\d.]+)"/.exec(svg)?.[1]), CHART_PX);
      }
    });
  }
}

const requests = (sweep: SweepView) => measuresOf(sweep).find(({ key }) => key === 'requestsPerSec')!;

function picturesOf(sweep: SweepView, chart: string) {
  return sweepCharts.find(({ name }) => name === chart)!.pictures(sweep, requests(sweep));
}

test('one setting: a line an arm, and one for each ratio; a single arm has no ratio', () => {
  const sweep = sweepIn('a sweep');
  assert.deepEqual(
    picturesOf(sweep, 'values').map(({ title }) => title),
    ['Each client'],
  );
  assert.deepEqual(
    picturesOf(sweep, 'ratios').map(({ title }) => title),
    ['Relative to short'],
  );
  assert.deepEqual(picturesOf(sweepIn('a sweep of words'), 'ratios'), []);
});

test('two settings: a picture an arm, in it a line for each value of the second', () => {
  const sweep = sweepIn('a sweep of two settings');
  const pictures = [...picturesOf(sweep, 'values'), ...picturesOf(sweep, 'ratios')];
  assert.deepEqual(
    pictures.map(({ title }) => title),
    ['reused', 'persistent (baseline)', 'reused relative to persistent'],
  );
  for (const { spec } of pictures) {
    const lines = new Set(figuresOf(spec()).map(figure => (figure as unknown as { line: string }).line));
    assert.deepEqual([...lines], ['1', 'unlimited']);
  }
});

test('the axis is the one that fits: symlog for factors from 0 on, places for words', () => {
  const typesOf = (sample: string) => foundIn(picturesOf(sweepIn(sample), 'values')[0]!.spec(), 'scale');
  assert.deepEqual(
    typesOf('a sweep').find(scale => (scale as { constant?: number }).constant === 1),
    {
      type: 'symlog',
      constant: 1,
      nice: false,
      zero: false,
      padding: 14,
    },
  );
  assert.ok(typesOf('a sweep of words').some(scale => (scale as { type?: string }).type === 'point'));
});

test('an interval that says nothing has no band, and its words what the replicates gave', () => {
  const { run, trials } = sampleSweeps['a sweep']!;
  const cells = run.cells.map((cell, index) => ({
    ...cell,
    comparisons: cell.comparisons.map(comparison => ({
      ...comparison,
      ratio: index === 0 ? { value: 3, low: 1e-9, high: 1e9 } : comparison.ratio,
    })),
  }));
  const [section] = sectionsOf(cells.map(cell => viewCell(cell, trials, armNames(run))));
  assert.ok(section?.kind === 'sweep');
  const figures = figuresOf(picturesOf(section.sweep, 'ratios')[0]!.spec());
  assert.ok(Math.max(...figures.map(({ high }) => high)) < 20);
  assert.ok(figures.some(({ tip, low, high }) => tip.endsWith('(unknown)') && low === high));
});

test('a figure of an invalid trial is marked in picture and table', async () => {
  const sweep = sweepIn('a troubled sweep');
  for (const chart of ['values', 'ratios']) {
    const svg = await renderChart(picturesOf(sweep, chart)[0]!.spec(), { id: 'x', description: '' });
    assert.equal(svg.match(/>†<\/text>/g)?.length, 1);
  }
  const marked = measureTable(sweep, requests(sweep)).rows.filter(row =>
    row.some(({ text }) => text.includes('†')),
  );
  assert.deepEqual(
    marked.map(([place]) => place!.value),
    [20],
  );
});
