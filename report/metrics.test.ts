// Every metric of the table appears wherever metrics are compared, judged, shown or stored.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { summariseRun } from '../results/baselines.ts';
import { judgeAll } from '../results/expect.ts';
import { gateRun } from '../results/gate.ts';
import { findTrends } from '../results/history.ts';
import { comparedMetrics, headlineOf, isCompared, METRIC_ORDER, METRIC_TABLE } from '../results/metrics.ts';
import { METRICS, type Metric } from '../results/model/run.ts';
import type { Ledger, TrialResult } from '../results/model/trial.ts';
import { INTERVAL_NAME } from '../results/stats.ts';
import { sampleHistory, sampleRun } from '../results/testing/sample-run.ts';
import { type Expectation, ExpectedMetric } from '../scenarios/model/scenario.ts';
import { armNames, viewCell } from './cell-view.ts';
import prometheus from './formats/openmetrics.ts';
import { buildGateReport } from './gate.ts';
import { measureTable } from './sweeps/report.ts';
import { measureOf, measuresOf, type SweepView, sectionsOf } from './sweeps/view.ts';
import { expectationTable } from './tables/expectations.ts';
import { agreementTable, mainTable, ratioTable } from './tables/main.ts';
import { capacityTable } from './tables/open-loads.ts';
import { charts } from './testing/plugins.ts';
import { sampleRuns } from './testing/sample-runs.ts';
import { sampleSweeps } from './testing/sample-sweeps.ts';
import { auditLines, summarizeAudits } from './words/audits.ts';

/** A run whose load has the metric. */
function sampleWith(metric: ExpectedMetric) {
  const scenario = METRIC_TABLE[metric].onlyUnder === 'capacity' ? 'capacity' : 'short-vs-persistent';
  return sampleOf(scenario);
}

function sampleOf(scenario: 'capacity' | 'short-vs-persistent' | 'same-load' | 'drivers') {
  const { run, trials } = sampleRun({ scenario });
  const [cell] = run.cells;
  assert.ok(cell !== undefined);
  return { run, trials, cell, view: viewCell(cell, trials, armNames(run)) };
}

/** The same trial with ten requests that timed out. */
function withFailures(trial: TrialResult): TrialResult {
  if (trial.state === 'failed') return trial;
  const timeoutTotal = { count: 10, meanUs: 100_000 };
  const outcomes = { ...trial.measurement.outcomes, timeoutTotal };
  return { ...trial, measurement: { ...trial.measurement, outcomes } };
}

const { run: sweepRun, trials: sweepTrials } = sampleSweeps['a sweep']!;
const [section] = sectionsOf(sweepRun.cells.map(cell => viewCell(cell, sweepTrials, armNames(sweepRun))));
const sweep: SweepView = section?.kind === 'sweep' ? section.sweep : assert.fail('no sweep');

test('the table has a row for each metric that a scenario can name, and no other', () => {
  assert.deepEqual(METRIC_ORDER.toSorted(), ExpectedMetric.options.toSorted());
  assert.deepEqual(METRIC_ORDER.filter(isCompared).toSorted(), METRICS.toSorted());
});

test('columns for machines have names of their own', () => {
  const keys = METRIC_ORDER.flatMap(metric => {
    const { columnKey, complement } = METRIC_TABLE[metric];
    return complement === undefined ? [columnKey] : [columnKey, complement.columnKey];
  });
  assert.equal(new Set(keys).size, keys.length);
});

for (const metric of METRICS) {
  suite(`${metric}, on which clients are compared`, () => {
    const { run, cell, view } = sampleWith(metric);
    const { title } = METRIC_TABLE[metric];
    const isOf = (row: { metric: string }): boolean => row.metric === metric;

    test('is compared, and has a row in the table of ratios', () => {
      assert.ok(comparedMetrics(cell.scenario.load).includes(metric));
      assert.ok(cell.comparisons.some(comparison => isOf(comparison) && comparison.ratio !== null));
      assert.ok(ratioTable(view)?.rows.some(row => row[0]?.text === title));
    });

    test('has figures in a sweep, in the unit of its column', () => {
      const { key, title: shown, read } = measureOf(metric);
      assert.deepEqual([key, shown], [METRIC_TABLE[metric].columnKey, title]);
      assert.ok(view.arms.every(arm => (read(arm)?.value ?? 0) > 0));
    });

    test('is kept in a baseline, guarded by the gate, and has a trend', () => {
      const now = summariseRun(run);
      assert.ok(now.cells[0]?.ratios.some(isOf));
      const result = gateRun(now, now, { minEffect: 0.05 });
      assert.ok(result.lines.some(isOf));
      const { tables } = buildGateReport({ before: now, after: now, result, trends: [] });
      assert.ok(tables[0]?.rows.some(row => row[3]?.text === title));
      const history = sampleHistory(now, { count: 7, metric, atLevel: 3, factor: 1 });
      assert.ok(findTrends([...history, now]).some(isOf));
    });
  });
}

for (const metric of METRIC_ORDER) {
  const { resultColumn, columnKey, unit, gauge, ofSummary, complement } = METRIC_TABLE[metric];

  if (resultColumn !== undefined) {
    test(`${metric} is a column of the results by client, with a figure for each`, () => {
      const { key = columnKey, heading, unit: ownUnit = unit } = resultColumn;
      const { columns, rows } = mainTable(sampleWith(metric).view);
      const at = columns.findIndex(column => column.key === key);
      const shown = METRIC_TABLE[metric].isIntervalStored === true ? INTERVAL_NAME : ownUnit;
      assert.deepEqual([columns[at]?.heading, columns[at]?.unit], [heading, shown]);
      assert.ok(rows.every(row => row[at]?.value !== null));
    });
  }

  if (gauge !== undefined) {
    test(`the gauge of ${metric} is set`, async () => {
      const { run, trials } = sampleWith(metric);
      const text = await prometheus.render({ run, trials, report: undefined as never });
      const labels = Object.entries(gauge.labels ?? {}).map(([name, value]) => `${name}="${value}"`);
      const lines = text.split('\n').filter(line => line.startsWith(`conntax_${gauge.name}{`));
      assert.ok(lines.some(line => labels.every(label => line.includes(label))));
      assert.ok(text.includes(`# HELP conntax_${gauge.name} ${gauge.help}`));
    });
  }

  if (ofSummary !== undefined && METRIC_TABLE[metric].onlyUnder === undefined) {
    test(`${metric} is a measure of a sweep, with a table`, () => {
      const measure = measureOf(metric);
      const { columns } = measureTable(sweep, measure);
      const key = complement?.columnKey ?? columnKey;
      assert.ok(columns.some(column => column.key === `short:${key}` && column.unit === measure.unit));
      const hasFigure = sweep.cells.some(({ view }) =>
        view.arms.some(arm => (measure.read(arm)?.value ?? 0) > 0),
      );
      assert.equal(
        measuresOf(sweep).some(shown => shown.key === key),
        hasFigure,
      );
    });
  }

  test(`an expectation of ${metric} is judged by an interval and shown by its title`, () => {
    const { trials: sampled, cell, view } = sampleWith(metric);
    const trials = metric === 'failureMeanUs' ? sampled.map(withFailures) : sampled;
    if (metric === 'busiestBackendRatio') addBackends(trials);
    if (metric === 'clientTimeWaitPer1kRequests' || metric === 'serverTimeWaitPer1kRequests')
      addTimeWait(trials);
    if (metric === 'throttledRatio' || metric === 'targetThrottledRatio') addThrottling(trials);
    // Nothing bounds the connections that the other client may need.
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

test('the mean time to failure is that of all kinds, without requests that conntax gave up; without failures there is none', () => {
  const trial = sampleOf('short-vs-persistent').trials.find(({ state }) => state === 'completed');
  assert.ok(trial?.state === 'completed');
  const { ofTrial } = METRIC_TABLE.failureMeanUs;
  const meanWith = (outcomes: object) =>
    ofTrial({ ...trial, measurement: { ...trial.measurement, outcomes } } as typeof trial);
  const failed = { timeoutTotal: { count: 10, meanUs: 100 }, reset: { count: 30, meanUs: 20 } };
  assert.equal(meanWith({ ok: { count: 9 }, ...failed, noAnswer: { count: 5, meanUs: 900 } }), 40);
  assert.equal(meanWith({ ok: { count: 9 }, noAnswer: { count: 5, meanUs: 900 } }), null);
});

test('connections left open are those at the end of all requests; unknown where the client does not count them', () => {
  const trial = sampleOf('short-vs-persistent').trials.find(({ state }) => state === 'completed');
  assert.ok(trial?.state === 'completed');
  const { ofTrial } = METRIC_TABLE.leftOpenPer1kRequests;
  const figureOf = (leftOpen: number | null) => {
    const ledger = { ...trial.measurement.ledger, leftOpen, requestsSent: 400 };
    return ofTrial({ ...trial, measurement: { ...trial.measurement, ledger } });
  };
  assert.deepEqual([figureOf(400), figureOf(2), figureOf(0), figureOf(null)], [1_000, 5, 0, null]);
});

test('each metric on which clients are compared has a column of results, or is the capacity, which has a table of its own', () => {
  const without = METRICS.filter(metric => METRIC_TABLE[metric].resultColumn === undefined);
  assert.deepEqual(without, ['capacityPerSec']);
  const columns = capacityTable(sampleOf('capacity').view)?.columns ?? [];
  assert.ok(columns.some(({ key }) => key === METRIC_TABLE.capacityPerSec.columnKey));
});

/** Only some targets have several. */
function addBackends(trials: readonly TrialResult[]): void {
  for (const trial of trials) {
    if (trial.state !== 'completed') continue;
    trial.measurement.backends = { accepted: [2, 2], requests: [30, 10], growth: null };
  }
}

/** Counted only where an expectation asks. */
function addTimeWait(trials: readonly TrialResult[]): void {
  for (const trial of trials)
    if (trial.state === 'completed') trial.measurement.timeWait = { client: 4, server: 1 };
}

/** Only containers and limited scenarios have it. */
function addThrottling(trials: readonly TrialResult[]): void {
  for (const trial of trials) {
    if (trial.state !== 'completed') continue;
    const throttling = { cpus: 0.5, periodMs: 100, periods: 40, throttledPeriods: 10, throttledMs: 300 };
    trial.measurement.generator.throttling = throttling;
    trial.measurement.target!.throttling = { ...throttling, throttledPeriods: 0, throttledMs: 0 };
  }
}

test('throttled periods are a share of those in which there was something to run; unknown without a limit', () => {
  const trials = sampleOf('short-vs-persistent').trials.filter(({ state }) => state === 'completed');
  const figures = () =>
    trials.slice(0, 1).flatMap(trial => {
      assert.ok(trial.state === 'completed');
      return (['throttledRatio', 'targetThrottledRatio'] as const).map(metric =>
        METRIC_TABLE[metric].ofTrial(trial),
      );
    });
  assert.deepEqual(figures(), [null, null]);
  addThrottling(trials);
  assert.deepEqual(figures(), [0.25, 0]);
});

test('TIME_WAIT of each end is that of all requests of the slices; unknown where it was not counted', () => {
  const trial = sampleOf('short-vs-persistent').trials.find(({ state }) => state === 'completed');
  assert.ok(trial?.state === 'completed');
  const [slice] = trial.measurement.slices;
  const slices = [
    { ...slice!, exchanges: 300 },
    { ...slice!, exchanges: 100 },
  ];
  const figuresOf = (timeWait: { client: number; server: number } | null, measured = slices) =>
    (['clientTimeWaitPer1kRequests', 'serverTimeWaitPer1kRequests'] as const).map(metric =>
      METRIC_TABLE[metric].ofTrial({
        ...trial,
        measurement: { ...trial.measurement, timeWait, slices: measured },
      }),
    );
  assert.deepEqual(figuresOf({ client: 400, server: 2 }), [1_000, 5]);
  assert.deepEqual(figuresOf(null), [null, null]);
  assert.deepEqual(figuresOf({ client: 0, server: 0 }, []), [null, null]);
});

test('each metric has a gauge, but for quantiles, which are a summary, and those of expectations alone', () => {
  const without = METRIC_ORDER.filter(metric => METRIC_TABLE[metric].gauge === undefined);
  assert.deepEqual(without, [
    'p50Us',
    'p99Us',
    'p999Us',
    'unneededConnectionsPer1kRequests',
    'leftOpenPer1kRequests',
    'failureMeanUs',
    'busiestBackendRatio',
    'clientTimeWaitPer1kRequests',
    'serverTimeWaitPer1kRequests',
    'throttledRatio',
    'targetThrottledRatio',
  ]);
});

const DECIDING = {
  'short-vs-persistent': 'requests-per-sec',
  'same-load': 'mean-response',
  capacity: 'capacity',
} as const;

for (const [scenario, name] of Object.entries(DECIDING)) {
  test(`the first chart of clients' own figures of ${scenario} has bars of its deciding metric, under its name and in its unit`, () => {
    const { view, cell } = sampleOf(scenario as keyof typeof DECIDING);
    const [first] = charts.filter(({ section, applies }) => section !== 'answer' && applies(view));
    const { columnKey, noun, title, unit } = METRIC_TABLE[headlineOf(cell.scenario.load).metric as Metric];
    assert.equal(first?.name, name);
    const column = first.table(view).columns[1];
    assert.deepEqual([column?.key, column?.heading], [columnKey, noun ?? title]);
    assert.equal(column?.unit, unit === title ? INTERVAL_NAME : `${unit}, ${INTERVAL_NAME}`);
  });
}

test('the agreement of load tools is shown on metrics of the table, under its names', () => {
  const { columns } = agreementTable(sampleOf('drivers').view) ?? assert.fail('no table');
  for (const metric of ['requestsPerSec', 'meanUs', 'p99Us'] as const) {
    const { columnKey, resultColumn } = METRIC_TABLE[metric];
    assert.equal(columns.find(({ key }) => key === columnKey)?.heading, resultColumn?.heading);
  }
});

test('two replicates have a figure in metrics.prom, and no interval', async () => {
  const { run, trials } = structuredClone(sampleWith('requestsPerSec'));
  const [cell] = run.cells;
  cell!.arms = cell!.arms.map(arm => ({ ...arm, trials: 2 }));
  const text = await prometheus.render({ run, trials, report: undefined as never });
  assert.match(text, /^conntax_requests_per_second\{/m);
  assert.doesNotMatch(text, /^conntax_requests_per_second_(?:low|high)\{/m);
});

test('audits are counted as in the report, however many trials each was made of', async () => {
  const { run, trials } = sampleRuns['two arms']!;
  const findings = run.cells[0]!.findings.map(finding => ({ ...finding }));
  findings.find(({ rule }) => rule === 'conservation')!.state = 'warn';
  const result = { ...run.cells[0]!, findings };
  const text = await prometheus.render({
    run: { ...run, cells: [result] },
    trials,
    report: undefined as never,
  });
  const [pass, warn, fail] = ['pass', 'warn', 'fail'].map(state =>
    Number(new RegExp(`^conntax_audits\\{.*state="${state}"\\} (\\d+)$`, 'm').exec(text)?.[1]),
  ) as [number, number, number];
  const lines = auditLines({ result });
  assert.ok(lines.length < findings.length && warn > 0);
  assert.equal(
    summarizeAudits(lines),
    `${lines.length} audits: ${pass} passed, ${warn} warning${warn === 1 ? '' : 's'}, ${fail} failures.`,
  );
});

test('reuse in metrics.prom and in the results by client is of requests that had a connection; without any it is unknown', async () => {
  const { run, trials, cell } = structuredClone(sampleWith('requestsPerSec'));
  const ends: Record<string, Partial<Ledger>> = {
    short: { requestsSent: 1_017, answered: 760, failures: { refused: 257 }, opened: 760 },
    persistent: { requestsSent: 100, answered: 0, failures: { refused: 100 }, opened: 0 },
  };
  for (const { trial, ...result } of trials) {
    assert.ok(result.state === 'completed');
    Object.assign(result.measurement.ledger, ends[trial.arm]);
  }
  const text = await prometheus.render({ run, trials, report: undefined as never });
  const gauges = text.split('\n').filter(line => line.startsWith('conntax_connection_reuse_ratio{'));
  assert.deepEqual(
    gauges.map(line => /arm="(\w+)".* (\S+)$/.exec(line)?.slice(1)),
    [['short', '0']],
  );
  const { columns, rows } = mainTable(viewCell(cell, trials, armNames(run)));
  const at = columns.findIndex(({ key }) => key === 'reuseRatio');
  assert.deepEqual(
    rows.map(row => [row[0]!.value, row[at]!.text]),
    [
      ['short', '0 %'],
      ['persistent', '–'],
    ],
  );
});
