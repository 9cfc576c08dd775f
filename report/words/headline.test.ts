// Headlines claim no more than their figures support.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { summariseRun } from '../../results/baselines.ts';
import { compareArms, summariseArms } from '../../results/compare.ts';
import { gateRun } from '../../results/gate.ts';
import type { ArmSummary, CellResult, Comparison } from '../../results/model/run.ts';
import type { TrialResult } from '../../results/model/trial.ts';
import { Expectation } from '../../scenarios/model/scenario.ts';
import { buildReport } from '../build.ts';
import { armNames, viewCell } from '../cell-view.ts';
import { replicateRatios } from '../charts/ratios.ts';
import { buildGateReport } from '../gate.ts';
import type { Report, Table } from '../model.ts';
import { articleTable } from '../tables/main.ts';
import { formats, sweepCharts } from '../testing/plugins.ts';
import { type StoredSample, sampleRuns } from '../testing/sample-runs.ts';
import { sampleSweeps } from '../testing/sample-sweeps.ts';
import { cellHeadline, cellRemarks, runHeadline, runRemarks } from './headline.ts';

describe('Where arms differ in their error rates, no ratio of them stands anywhere without its mark, and the headline says it first', () => {
  /** In the chosen cells, this share of the requests of the last arm has failed. */
  function failing({ run, trials }: StoredSample, share: number, isMeant = (_index: number) => true) {
    const cells = run.cells.map((cell, index) => ({
      ...cell,
      arms: cell.arms.map((arm, place) => {
        if (place < cell.arms.length - 1 || !isMeant(index)) return arm;
        const failed = Math.round(100_000 * share);
        return { ...arm, completed: 100_000 - failed, failed, errorRatio: share };
      }),
    }));
    return { run: { ...run, cells }, trials };
  }

  function reportOf(sample: StoredSample): Report {
    return buildReport({ ...sample, charts: [replicateRatios], sweepCharts });
  }

  /** What a column of a table says. */
  function column({ columns, rows }: Table, key: string): string[] {
    const index = columns.findIndex(one => one.key === key);
    assert.ok(index >= 0, key);
    return rows.map(row => row[index]!.text);
  }

  const two = sampleRuns['two arms']!;
  const FIRST =
    /^Error rates differ \(short 0 %, persistent 12 %\), so ratios marked § compare different work\. /;

  for (const [share, isMarked] of [
    [0, false],
    [0.0099, false],
    [0.0101, true],
    [1, true],
  ] as const) {
    test(`error rates ${share * 100} percentage points apart: ${isMarked ? '' : 'not '}marked`, () => {
      const { headline, cells } = reportOf(failing(two, share));
      assert.equal(headline.startsWith('Error rates differ'), isMarked);
      assert.equal(JSON.stringify(cells).includes('§'), isMarked);
    });
  }

  test('arms that fail alike, or one alone: the headline says so first', () => {
    const alike = structuredClone(two);
    for (const arm of alike.run.cells[0]!.arms)
      Object.assign(arm, { completed: 40, failed: 60, errorRatio: 0.6 });
    const { headline } = reportOf(alike);
    assert.match(headline, /^Requests failed \(short 60 %, persistent 60 %\)\. A new connection costs /);
    const alone = failing(sampleRuns['one arm']!, 0.7);
    assert.match(reportOf(alone).headline, /^Requests failed \(short 70 %\)\. /);
    assert.doesNotMatch(reportOf(failing(sampleRuns['one arm']!, 0.0099)).headline, /failed/);
  });

  test('two arms: headline, ratios of every metric, charts and their tables, expectations', async () => {
    const expect = ['requestsPerSec', 'meanUs', 'successRatio'].map(metric =>
      Expectation.parse({ metric, of: 'persistent', over: 'short', atLeast: 0.5 }),
    );
    const interval = { value: 1, low: 0.9, high: 1.1 };
    const judged = { state: 'pass', interval, replicates: 4 } as const;
    const sample = failing(two, 0.12);
    const cells = sample.run.cells.map(cell => ({
      ...cell,
      expectations: expect.map(expectation => ({
        expectation,
        state: 'pass' as const,
        first: judged,
        confirmation: null,
        together: null,
      })),
    }));
    const report = reportOf({ run: { ...sample.run, cells }, trials: sample.trials });
    assert.match(report.headline, FIRST);
    assert.match(report.headline, /; reusing connections served [^;]*×[^;]*§ the requests/);
    const [cell] = report.cells;
    assert.ok(column(cell!.ratios!, 'ratio').every(text => text.endsWith('§')));
    assert.ok(column(cell!.figures[0]!.table, 'persistentRatio').every(text => text.endsWith('§')));
    assert.ok(JSON.stringify(cell!.figures[0]!.spec).includes('persistent§'), 'the axis of the chart');
    const expectations = cell!.special.find(({ name }) => name === 'expectations')!;
    assert.deepEqual(
      column(expectations, 'interval').map(text => text.endsWith('§')),
      [true, true, false],
    );
    assert.ok(cell!.markNotes.some(note => note.startsWith('§ unequal errors')));
    for (const format of formats) {
      const text = await format.render(report, { hasColour: false, columns: 100 });
      assert.ok(text.indexOf('Error rates differ') >= 0, format.name);
    }
  });

  test('several scenarios, drivers, and sweeps say it first too', () => {
    const several = reportOf(failing(sampleRuns['two scenarios']!, 0.12, index => index === 0));
    assert.match(several.headline, /^Error rates differ \(in short-vs-persistent\), so ratios marked §/);
    const drivers = reportOf(failing(sampleRuns['two drivers']!, 0.12));
    assert.match(drivers.headline, /^Error rates differ \(.*Relative to .*§ with/);
    const agreement = drivers.cells[0]!.special.find(({ name }) => name === 'agreement')!;
    assert.match(column(agreement, 'requestsPerSecRatio').at(-1)!, /§/);
    const sweep = reportOf(failing(sampleSweeps['a sweep']!, 0.12, index => index === 1));
    assert.match(
      sweep.headline,
      /^Error rates differ \(in round trip \d+ ms\), .* As round trip rises .*§\.$/,
    );
    const [first] = sweep.sweeps;
    for (const { table, pictures } of first!.measures.filter(({ table: { columns } }) =>
      columns.some(({ key }) => key === 'persistent:ratio'),
    )) {
      const marked = column(table, 'persistent:ratio').filter(text => text.includes('§'));
      assert.ok(marked.length <= 1);
      if (marked.length === 1)
        assert.ok(
          pictures.some(({ spec }) => JSON.stringify(spec).includes('§')),
          table.name,
        );
    }
    assert.ok(column(first!.measures[0]!.table, 'persistent:ratio').some(text => text.endsWith('§')));
  });

  test('a gate marks the side on which they differ, the change, and the regression of its headline', () => {
    const before = summariseRun(two.run);
    const after = summariseRun(failing(two, 0.12).run);
    for (const ratio of after.cells[0]!.ratios) {
      const { value, low, high } = ratio.interval!;
      ratio.interval = { value: value / 9, low: low / 9, high: high / 9 };
    }
    const result = gateRun(before, after, { minEffect: 0.05 });
    const { headline, remarks, tables } = buildGateReport({ before, after, result, trends: [] });
    assert.match(headline, /^Regression: /);
    assert.match(
      remarks[0]!,
      /^Error rates differ in this run \(short-vs-persistent: short 0 %, persistent 12 %\), /,
    );
    const ratios = tables.find(({ name }) => name === 'change-ratio')!;
    assert.ok(column(ratios, 'before').every(text => !text.includes('§')));
    for (const key of ['after', 'change']) assert.ok(column(ratios, key).every(text => text.endsWith('§')));
  });
});

describe('Headlines claim no more than their figures support', () => {
  const { run, trials: measured } = sampleRuns['two arms']!;
  /** Connections cost nothing, so that the headline is the ratio (connection-cost.test.ts has the others). */
  const trials = measured.map(withoutCost);

  function withoutCost(result: TrialResult): TrialResult {
    if (result.state === 'failed') return result;
    const { measurement } = result;
    return {
      ...result,
      measurement: { ...measurement, generator: { ...measurement.generator, cpuUsPerRequest: 30 } },
    };
  }

  function view(change: (cell: CellResult) => CellResult, of: readonly TrialResult[] = trials) {
    return viewCell(change(run.cells[0]!), of, ['short', 'persistent']);
  }

  function withRatio(ratio: Comparison['ratio'], verdict: Comparison['verdict']) {
    return view(cell => ({
      ...cell,
      comparisons: cell.comparisons.map(comparison =>
        comparison.isDeciding ? { ...comparison, ratio, verdict } : comparison,
      ),
    }));
  }

  test('a clear difference is reported with its interval and both latencies', () => {
    assert.match(
      cellHeadline(withRatio({ value: 7.112, low: 6.58, high: 7.69 }, 'better')),
      /^Persistent connections handle 7\.1× \(6\.6 to 7\.7\) as many requests per second as short ones; mean latency is [\d.]+ ms vs [\d.]+ ms, 0\.195× \(0\.191 to 0\.200\)\.$/,
    );
  });

  test('without a clear difference it says so, and never that they are the same', () => {
    const unsure = cellHeadline(withRatio({ value: 1.01, low: 0.96, high: 1.07 }, 'unsure'));
    assert.match(
      unsure,
      /^No significant difference: .*1\.01× \(0\.96 to 1\.07\).* the interval includes 1\.$/,
    );
    assert.match(cellHeadline(withRatio(null, 'unsure')), /^Too few replicates for an interval: /);
  });

  /** Its persistent arm by other figures. */
  function withArm(change: Partial<ArmSummary>, ratio: Comparison['ratio'] = null) {
    return view(cell => ({
      ...cell,
      arms: cell.arms.map(arm => (arm.arm === 'persistent' ? { ...arm, ...change } : arm)),
      comparisons: cell.comparisons.map(comparison => ({
        ...comparison,
        ...(ratio === null ? { ratio, replicateRatios: [], verdict: 'unsure' as const } : {}),
      })),
    }));
  }

  test('where the mean over all requests contradicts the replicates, no word says that it falls', () => {
    const headline = cellHeadline(withArm({ meanUs: 1e9 }, { value: 1, low: 1, high: 1 }));
    assert.match(
      headline,
      /; mean latency over all requests is [\d,.]+ ms vs [\d.]+ ms, although with replicates weighted equally/,
    );
  });

  test('of an arm without one good answer there is no latency, and no ratio that is missed', () => {
    const dead = withArm({ completed: 0, failed: 1_000, meanUs: 0 });
    assert.equal(cellHeadline(dead), 'No request of persistent succeeded, so nothing can be compared.');
    const [, row] = articleTable(dead).rows;
    assert.equal(row![2]!.value, null);
  });

  /** An arm of it without a completed trial. */
  function withLostArm({ run, trials }: StoredSample, arm: string): StoredSample {
    const lost = trials.map(
      (result): TrialResult =>
        result.trial.arm === arm
          ? {
              trial: result.trial,
              startedAt: result.startedAt,
              state: 'failed',
              error: {
                code: 'no-good-answer',
                message: `none of ${result.trial.seed},000 was answered well`,
              },
            }
          : result,
    );
    const cells = run.cells.map(cell => ({
      ...cell,
      arms: summariseArms(lost),
      comparisons: compareArms({ baseline: cell.scenario.baseline, trials: lost }),
    }));
    return { run: { ...run, state: 'failed', cells }, trials: lost };
  }

  test('an arm that could not be measured is named with its cause, and not as too few replicates', () => {
    const { headline, remarks, cells } = buildReport({
      ...withLostArm(sampleRuns['two arms']!, 'persistent'),
      charts: [],
    });
    assert.equal(headline, 'Nothing can be compared: none of 2,000 was answered well (similar in 4 trials).');
    assert.equal(remarks[0], 'There are no figures for persistent.');
    const [cell] = cells;
    assert.match(cell!.stop.text, /not every client could be measured/);
    assert.deepEqual(
      [...new Set(cell!.ratios!.rows.map(row => row[4]!.text))],
      ['unsure: nothing to compare', '–'],
    );
  });

  test('nor is it said to differ in nothing, beside other arms', () => {
    const { run, trials } = withLostArm(sampleRuns['six arms']!, 'ten');
    const { remarks } = buildReport({ run, trials, charts: [] });
    assert.ok(remarks.includes('There are no figures for ten.'), remarks.join('\n'));
    assert.doesNotMatch(remarks.join(), /No significant difference for .*ten/);
  });

  test('of two codes the headline says which they are', () => {
    const named = view(cell => ({
      ...cell,
      scenario: {
        ...cell.scenario,
        clients: Object.fromEntries(
          ['short', 'persistent'].map(arm => [arm, cell.scenario.clients['short']!]),
        ),
      },
      code: { short: 'undici 7.30.2', persistent: 'undici 8.13.1' },
    }));
    assert.match(
      cellHeadline(named),
      /^Clients of persistent \(undici 8\.13\.1\) handle .* as those of short \(undici 7\.30\.2\);/,
    );
  });

  test('many arms of which nothing has an interval are not said to be alike', () => {
    const { run, trials: six } = sampleRuns['six arms']!;
    const trials = six.map(withoutCost);
    const comparisons = run.cells[0]!.comparisons.map(comparison => ({
      ...comparison,
      ratio: null,
      verdict: 'unsure' as const,
    }));
    assert.equal(
      cellHeadline(viewCell({ ...run.cells[0]!, comparisons }, trials, [])),
      'Too few replicates for an interval: no ratio of requests per second to one is known.',
    );
  });

  test('an arm that should reuse connections and does not is named', () => {
    const { run, trials } = sampleRuns['two arms']!;
    /** In each of the first replicates, the client opened so many for 1,000 requests, of which some were refused. */
    const opening = (opened: number, { refused = 0, replicates = 4 } = {}): string => {
      const changed = structuredClone(trials);
      for (const trial of changed) {
        assert.ok(trial.state === 'completed');
        if (trial.trial.arm !== 'persistent' || trial.trial.replicate >= replicates) continue;
        const ends = { answered: 1_000 - refused, failed: refused, failures: { refused } };
        Object.assign(trial.measurement.ledger, { opened, requestsSent: 1_000, ...ends });
      }
      return cellHeadline(viewCell(run.cells[0]!, changed, armNames(run)));
    };
    assert.match(
      opening(1_000),
      / persistent opened a connection for each of 4,000 requests: it reuses none\.$/,
    );
    assert.match(
      opening(920),
      / persistent opened 3,680 connections for 4,000 requests: it hardly reuses any\.$/,
    );
    assert.match(
      opening(880, { refused: 120 }),
      / persistent opened a connection for each of 3,520 requests: it reuses none\.$/,
      'requests without a connection had none to reuse',
    );
    assert.doesNotMatch(opening(0, { refused: 1_000 }), /reuses/, 'no connection at all');
    assert.match(
      opening(1_000, { replicates: 2 }),
      / persistent, in 2 of 4 replicates, opened a connection for each of 2,000 requests: it reuses none\.$/,
      'a server may change between replicates',
    );
    assert.doesNotMatch(cellHeadline(view(cell => cell)), /reuses/);
  });

  test('a run of several scenarios that was cut short says so first', () => {
    const { run, trials } = sampleRuns['two scenarios']!;
    const { headline } = buildReport({ run: { ...run, state: 'partial' }, trials, charts: [] });
    assert.match(
      headline,
      /^Partial, interrupted: In short-vs-persistent, with undici, a new connection costs /,
    );
  });

  test('what failed or was cut short is reported', () => {
    const failed = sampleRuns['no completed trial']!;
    const nothing = viewCell(failed.run.cells[0]!, failed.trials, []);
    assert.equal(cellHeadline(nothing), 'Could not be measured: the target ended with exit code 1.');
    assert.deepEqual(cellRemarks(nothing), ['8 of 8 trials failed.']);
    const interrupted = view(cell => ({ ...cell, stop: 'interrupted', replicates: 2 }));
    assert.match(
      cellHeadline(interrupted),
      /^Partial, interrupted after 2 of at least \d+ replicates: Persistent/,
    );
  });

  test('figures of an invalid trial are marked in the headline, and the doubt comes first below it', () => {
    const { headline, remarks } = buildReport({ ...sampleRuns['an invalid trial']!, charts: [] });
    assert.match(
      headline,
      /^A new connection costs 153 µs† .*, 62\.0 µs† .*; reusing connections served [^;]*†/,
    );
    assert.equal(remarks[0], '† Not reliable: an audit failed for persistent.');
  });

  test('a busy generator is named in words', () => {
    const busy = trials.map(
      (result): TrialResult =>
        result.state === 'completed' && result.trial.arm === 'persistent'
          ? {
              ...result,
              measurement: {
                ...result.measurement,
                generator: { ...result.measurement.generator, cpuRatio: 0.97 },
              },
            }
          : result,
    );
    const bound = view(
      cell => ({
        ...cell,
        findings: [{ rule: 'bottleneck', state: 'warn', arm: 'persistent', detail: 'client-bound' }],
      }),
      busy,
    );
    assert.equal(
      cellRemarks(bound)[0],
      "Client-bound: the client's own CPU sets the rates and latencies of persistent. CPU per request and per connection do not depend on that.",
    );
    assert.doesNotMatch(JSON.stringify(articleTable(bound)), /client/, 'no figure is marked for it');
  });

  test('a client that waited for a core is limited by that, and not by its own work', () => {
    const waiting = view(
      cell => cell,
      trials.map(
        (result): TrialResult =>
          result.state === 'completed' && result.trial.arm === 'persistent'
            ? {
                ...result,
                measurement: {
                  ...result.measurement,
                  generator: {
                    ...result.measurement.generator,
                    cpuRatio: 0.65,
                    eventLoopRatio: 0.99,
                    runDelayRatio: 0.3,
                  },
                },
              }
            : result,
      ),
    );
    assert.match(
      cellRemarks(waiting)[0]!,
      /^Client-bound because it lacked a core: .* sets the rates and latencies of persistent\.$/,
    );
  });

  test('many arms are summarised by their range, and several scenarios by the largest difference', () => {
    const six = buildReport({ ...sampleRuns['six arms']!, charts: [] });
    assert.match(
      six.headline,
      / Relative to one, requests per second range from [\d.]+× .* with two to [\d.]+× .* with unlimited\.$/,
    );
    assert.match(
      six.remarks.join(' '),
      /With 100 at once, a new connection adds [\d.]+ ms of latency, shared by the requests on it \(mostly waiting for others: opening itself took [\d.]+ µs\); at \d+ or more requests/,
    );
    const two = buildReport({ ...sampleRuns['two scenarios']!, charts: [] });
    assert.match(
      two.headline,
      /^In short-vs-persistent, with undici, a new connection costs .* In requests-per-connection, /,
    );
    assert.equal(runHeadline([], 'complete'), 'Nothing was measured.');
    assert.deepEqual(runRemarks([]), []);
  });

  test('latencies that do not follow the model give no cost of a connection', () => {
    const { run, trials } = sampleRuns['six arms']!;
    const cell = run.cells[0]!;
    const arms = cell.arms.map((arm, index) => ({ ...arm, meanUs: index % 2 === 0 ? 10_000 : 20_000 }));
    const remarks = cellRemarks(viewCell({ ...cell, arms }, trials, []));
    assert.match(
      remarks.join(' '),
      / The latencies do not follow the model .* cannot be derived from them\.$/,
    );
  });

  test('under an open load the response time is reported, and what both waited for', () => {
    assert.match(
      buildReport({ ...sampleRuns['an open load']!, charts: [] }).headline,
      / Persistent connections take 0\.19\d?× \(.* to .*\) the mean response time of short ones; at 1,500 requests per second mean latency falls from [\d.]+ ms to [\d.]+ ms, p99 is [\d.]+ ms vs [\d.]+ ms\.$/,
    );
    const { headline } = buildReport({ ...sampleRuns['an invalid trial of an open load']!, charts: [] });
    assert.match(headline, /×[^;]*†[^;]*; .* to [\d.]+ ms†, p99 is [\d.]+ ms† vs [\d.]+ ms\.$/);
  });

  test('a capacity search is reported with both rates and the limiting side', () => {
    const { headline, remarks } = buildReport({ ...sampleRuns['a capacity search']!, charts: [] });
    assert.match(
      headline,
      / Persistent connections sustain at most [\d.]+× .* the rate of short ones; [\d,]+ vs at least [\d,]+¶ requests per second while p99 is at most 50 ms and at most 0\.05 % of the requests fail\.$/,
    );
    assert.match(
      remarks.join(' '),
      /For short the client, not the server, was the bottleneck: .* lower bound/,
    );
  });

  test('a search that was cut short has no capacity', () => {
    const cut = buildReport({ ...sampleRuns['a search cut short']!, charts: [] });
    assert.match(
      cut.headline,
      /^Partial, interrupted after 1 of .* replicates: No capacity of short and persistent was found\. For short the search was cut short after \d+ probes\./,
    );
    const [cell] = cut.cells;
    const capacity = cell!.special.find(({ name }) => name === 'capacity')!;
    assert.match(capacity.rows[0]!.map(({ text }) => text).join(' '), /– .*\(cut short\)/);
    assert.ok(cell!.main.rows.every(row => row.slice(1, 7).every(({ value }) => value === null)));
  });

  test('scenarios of different loads share no metric, and each keeps its own words', () => {
    const [closed, open] = [sampleRuns['two arms']!, sampleRuns['an open load']!];
    const views = [...closed.run.cells, ...open.run.cells].map(cell =>
      viewCell(cell, [...closed.trials, ...open.trials], ['short', 'persistent']),
    );
    assert.match(
      runHeadline(
        views.map(one => ({ ...one, trials: one.trials.map(withoutCost) })),
        'complete',
      ),
      /^A significant difference in 2 of 2 scenarios, the largest in .*: persistent (handles .* as many requests per second as|takes .* the mean response time of) short\.$/,
    );
  });
});

test('a client that failed to close is named, once however many replicates', () => {
  const { run, trials } = structuredClone(sampleRuns['two arms']!);
  const detail = (ms: number) => `close() of its module failed after ${ms} ms: gone`;
  const found = [1, 2].map(
    ms => ({ rule: 'closing', arm: 'short', state: 'warn', detail: detail(ms) }) as const,
  );
  const cell = { ...run.cells[0]!, findings: [...run.cells[0]!.findings, ...found] };
  const remarks = cellRemarks(viewCell(cell, trials, ['short', 'persistent']));
  assert.deepEqual(
    remarks.filter(text => text.includes('close()')),
    [`short: ${detail(1)} (similar in 2 trials).`],
  );
});

test('the null client is said to be a copy that shows the noise, and is left out of counts, verdicts and advice', () => {
  const { run, trials } = sampleRuns['two arms']!;
  const withThird = (client: object): Report => {
    const cells = run.cells.map(cell => ({
      ...cell,
      stop: 'budget' as const,
      scenario: {
        ...cell.scenario,
        clients: { ...cell.scenario.clients, null: { ...cell.scenario.clients['short']!, ...client } },
      },
      arms: [...cell.arms, { ...cell.arms.find(({ arm }) => arm === 'short')!, arm: 'null' }],
      comparisons: [
        ...cell.comparisons,
        ...cell.comparisons.map(comparison => ({
          ...comparison,
          candidate: 'null',
          ratio: { value: 1.01, low: 0.9, high: 1.13 },
          verdict: 'unsure' as const,
        })),
      ],
    }));
    const copies = trials
      .filter(({ trial }) => trial.arm === 'short')
      .map(result => ({ ...result, trial: { ...result.trial, arm: 'null' } }));
    return buildReport({ run: { ...run, cells }, trials: [...trials, ...copies], charts: [] });
  };
  const { answer, remarks } = withThird({});
  assert.match(answer.verdict, /^Reuse serves /);
  assert.deepEqual(
    answer.notes.filter(note => note.includes('null')),
    ['null is short again, to show the noise.'],
  );
  assert.equal(remarks.filter(remark => remark.includes('null')).length, 1);
  assert.ok(answer.badges.some(({ text }) => text === 'difference shown'));
  assert.doesNotMatch([...answer.notes, ...remarks].join('\n'), /Measure longer|No significant difference/);

  const own = withThird({ requestsPerConnection: 7 });
  assert.match(
    own.remarks.join('\n'),
    /No significant difference for null\.\nMeasure longer/,
    'of the author: one as any other',
  );
});
