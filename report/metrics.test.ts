// Every row of the table of metrics turns up wherever metrics are compared, judged, shown or kept.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { summariseRun } from '../results/baselines.ts';
import { judgeAll } from '../results/expect.ts';
import { findTrends } from '../results/history.ts';
import { comparedMetrics, METRIC_TABLE } from '../results/metrics.ts';
import { METRICS } from '../results/model/run.ts';
import { sampleHistory } from '../results/testing/sample-history.ts';
import { sampleRun } from '../results/testing/sample-run.ts';
import { type Expectation, ExpectedMetric } from '../scenarios/model/scenario.ts';
import { armNames, viewCell } from './cell-view.ts';
import prometheus from './formats/openmetrics.ts';
import { measureOf } from './sweeps/view.ts';
import { expectationTable } from './tables/expectations.ts';
import { ratioTable } from './tables/ratios.ts';

/** A load that has the metric. */
function sampleWith(metric: ExpectedMetric) {
  const scenario = METRIC_TABLE[metric].onlyUnder === 'capacity' ? 'capacity' : 'short-vs-persistent';
  const { run, trials } = sampleRun({ scenario });
  const [cell] = run.cells;
  assert.ok(cell !== undefined);
  return { run, trials, cell, view: viewCell(cell, trials, armNames(run)) };
}

test('the table has a row for each metric that a scenario can name, and no other', () => {
  assert.deepEqual(Object.keys(METRIC_TABLE).toSorted(), ExpectedMetric.options.toSorted());
});

test('columns for machines have names of their own', () => {
  const keys = Object.values(METRIC_TABLE).map(({ columnKey }) => columnKey);
  assert.equal(new Set(keys).size, keys.length);
});

for (const metric of METRICS) {
  suite(`${metric}, on which clients are compared`, () => {
    const { run, trials, cell, view } = sampleWith(metric);
    const { title } = METRIC_TABLE[metric];
    const isOf = (row: { metric: string }): boolean => row.metric === metric;

    test('is compared, and has a row in the table of ratios', () => {
      assert.ok(comparedMetrics(cell.scenario.load).includes(metric));
      assert.ok(cell.comparisons.some(comparison => isOf(comparison) && comparison.ratio !== null));
      assert.ok(ratioTable(view)?.rows.some(row => row[0]?.text === title));
    });

    test('has a figure in a sweep, in the unit of its column', () => {
      const { key, title: shown, read } = measureOf(metric);
      assert.deepEqual([key, shown], [METRIC_TABLE[metric].columnKey, title]);
      assert.ok(view.arms.every(arm => (read(arm)?.value ?? 0) > 0));
    });

    test('is kept in a baseline, and has a trend', () => {
      const now = summariseRun(run);
      assert.ok(now.cells[0]?.ratios.some(isOf));
      const history = sampleHistory(now, { count: 7, metric, atLevel: 3, factor: 1 });
      assert.ok(findTrends([...history, now]).some(isOf));
    });

    test('its gauge is set, if it has one', async () => {
      const { gauge } = METRIC_TABLE[metric];
      if (gauge === undefined) return;
      const text = await prometheus.render({ run, trials, report: undefined as never });
      assert.match(text, new RegExp(`^conntax_${gauge.name}\\{.*\\} [\\d.e-]+$`, 'm'));
    });
  });
}

for (const metric of ExpectedMetric.options) {
  test(`an expectation of ${metric} is judged by an interval and shown by its title`, () => {
    const { trials, cell, view } = sampleWith(metric);
    // Reuse is limited in no way that would bound the connections of the other client.
    const of = metric === 'unneededConnectionsPer1kRequests' ? 'short' : 'persistent';
    const expectation: Expectation = { metric, of, atLeast: 0 };
    const [judgement] = judgeAll([expectation], trials);
    assert.ok(judgement !== undefined && judgement.interval !== null);
    const expectations = [
      { expectation, state: judgement.state, first: judgement, confirmation: null, together: null },
    ];
    const table = expectationTable({ ...view, result: { ...cell, expectations } });
    assert.ok(table?.rows[0]?.[0]?.text.startsWith(METRIC_TABLE[metric].title.replace(' per ', ' / ')));
  });
}
