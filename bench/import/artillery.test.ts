// The import of a report of Artillery: numbers add up, and what is wrong with a report is said.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { buildReport } from '../../report/build.ts';
import { armNames, viewCell } from '../../report/cell-view.ts';
import { ledger as ledgerChart } from '../../report/charts/connections.ts';
import { meanResponse } from '../../report/charts/deciding-metric.ts';
import { latencyPercentiles, responseAndService } from '../../report/charts/percentiles.ts';
import { timeline } from '../../report/charts/timeline.ts';
import { UsageError } from '../../results/errors.ts';
import type { CompletedTrial, TrialResult } from '../../results/model/trial.ts';
import { splitPhases } from '../../results/phases.ts';
import { sumOf } from '../../results/stats.ts';
import { importArtilleryReport } from './artillery.ts';
import {
  answeredTurn,
  SAMPLE_FACTS,
  type SampleTurn,
  sampleReport,
  summaryOf,
} from './testing/sample-report.ts';

function importText(text: string) {
  return importArtilleryReport(text, {
    file: 'report.json',
    command: ['conntax', 'import', 'report.json'],
    idOf: () => '2026-11-23T12-25-50Z-abcd',
  });
}

function completed(trials: readonly TrialResult[]): CompletedTrial[] {
  return trials.map(trial => {
    assert.ok(trial.state === 'completed', trial.state === 'failed' ? trial.error.message : '');
    return trial;
  });
}

/** Short connections take twice as long, and the machine is slower in each block. */
function pairs(blocks: number): SampleTurn[] {
  return Array.from({ length: blocks }, (_, index) => [
    answeredTurn({ arm: 'persistent', block: index + 1 }, 900 + index, 1_000 * (1 + index / 10)),
    answeredTurn({ arm: 'short', block: index + 1 }, 900 + index, 2_000 * (1 + index / 10)),
  ]).flat();
}

const figures = fc.record({
  answered: fc.nat(500),
  failed: fc.nat(50),
  unfinished: fc.nat(20),
  warmUp: fc.nat(30),
});

/** Of artillery 2.0.34 with three workers, less what the test does not look at. */
const recorded = readFileSync(new URL('testing/recorded-report.json', import.meta.url), 'utf8');

suite('an imported report', () => {
  test('as Artillery has written one: counts are exact, times are those of the summaries', () => {
    const { run, trials } = importText(recorded);
    const [cell] = run.cells;
    assert.deepEqual([run.state, cell!.replicates, cell!.scenario.generators], ['complete', 3, 3]);
    assert.deepEqual(
      cell!.arms.map(({ arm, requestsSent, opened, completed: answered }) => [
        arm,
        requestsSent,
        opened,
        answered,
      ]),
      [
        ['short', 702, 702, 597],
        ['persistent', 702, 27, 594],
      ],
    );
    const { aggregate } = JSON.parse(recorded) as {
      aggregate: { summaries: Record<string, { mean: number; p99: number }> };
    };
    for (const { trial, measurement } of completed(trials)) {
      const summary = aggregate.summaries[`conntax.${trial.arm}.${trial.replicate + 1}.responseUs`]!;
      assert.deepEqual(
        [measurement.response.meanUs, measurement.response.p99Us],
        [summary.mean, summary.p99],
      );
      assert.doesNotMatch(measurement.caveats.join(' '), /Artillery's periods hold/);
    }
    assert.equal(cell!.scenario.load.model === 'open' && cell!.scenario.load.ratePerSec, 80);
    assert.ok(cell!.findings.every(({ state }) => state !== 'fail'));
  });

  test('has a replicate per block, the ratio of each, and an interval over them', () => {
    const { run, trials } = importText(sampleReport(pairs(4)));
    const [cell] = run.cells;
    assert.deepEqual([run.state, cell!.replicates, cell!.failedTrials, trials.length], ['complete', 4, 0, 8]);
    const mean = cell!.comparisons.find(({ metric }) => metric === 'meanUs')!;
    assert.equal(mean.baseline, 'short');
    for (const ratio of mean.replicateRatios) assert.ok(Math.abs(ratio - 0.5) < 1e-9, `${ratio}`);
    assert.ok(mean.ratio !== null && mean.isDeciding);
    assert.equal(mean.verdict, 'better');
    assert.deepEqual(
      cell!.findings.filter(({ state, rule }) => state !== 'pass' && rule !== 'imported'),
      [],
    );
    assert.equal(cell!.findings.filter(({ rule }) => rule === 'imported').length, 8);
  });

  test('two blocks give ratios, and no interval', () => {
    const [cell] = importText(sampleReport(pairs(2))).run.cells;
    const mean = cell!.comparisons.find(({ metric }) => metric === 'meanUs')!;
    assert.deepEqual([mean.replicateRatios.length, mean.ratio, mean.verdict], [2, null, 'unsure']);
  });

  test('limits of a pool are those of all workers, and the rate is the one that was asked for', () => {
    const { run, trials } = importText(sampleReport(pairs(1)));
    const { scenario } = run.cells[0]!;
    assert.equal(scenario.clients['persistent']!.pool.maxConnections, 10);
    assert.equal(scenario.generators, 2);
    assert.deepEqual(scenario.load, {
      model: 'open',
      ratePerSec: 100,
      arrivals: 'constant',
      maxInFlight: 1_000_000,
    });
    const persistent = completed(trials).find(({ trial }) => trial.arm === 'persistent')!;
    assert.deepEqual(persistent.measurement.ledger.needed, { least: 1, most: 10 });
    assert.equal(persistent.measurement.ledger.opened, 10);
  });

  test('numbers add up, whatever they are', () => {
    fc.assert(
      fc.property(fc.array(figures, { minLength: 1, maxLength: 6 }), all => {
        const turns = all.map(({ answered, failed, unfinished, warmUp }, index): SampleTurn => {
          const turn = answeredTurn(
            { arm: index % 2 ? 'short' : 'persistent', block: 1 + (index >> 1) },
            answered + 1,
            500,
          );
          return {
            ...turn,
            counters: {
              ...turn.counters,
              sent: answered + 1 + failed + unfinished + warmUp,
              answered: answered + 1 + warmUp,
              'failed.reset': failed,
              unfinished,
              'recorded.failed.reset': failed,
              'recorded.failed.noAnswer': unfinished,
            },
          };
        });
        const { run, trials } = importText(sampleReport(turns));
        const counted = (figure: RegExp): number =>
          sumOf(turns, ({ counters }) =>
            sumOf(Object.entries(counters), ([name, value]) => (figure.test(name) ? value : 0)),
          );
        const arms = run.cells[0]!.arms;
        assert.equal(
          sumOf(arms, arm => arm.requestsSent),
          counted(/^sent$/),
        );
        assert.equal(
          sumOf(arms, arm => arm.completed),
          counted(/^recorded\.answered$/),
        );
        assert.equal(
          sumOf(arms, arm => arm.failed),
          counted(/^recorded\.failed\./),
        );
        assert.equal(
          sumOf(arms, arm => arm.opened),
          counted(/^opened$/),
        );
        for (const { measurement } of completed(trials)) {
          const { ledger, response, outcomes } = measurement;
          assert.equal(ledger.requestsSent, ledger.answered + ledger.failed + ledger.unfinished);
          assert.equal(response.count, measurement.completed);
          assert.equal(
            sumOf(Object.values(outcomes), ({ count }) => count),
            measurement.completed + measurement.failed,
          );
        }
        const conservation = run.cells[0]!.findings.filter(({ rule }) => rule === 'conservation');
        assert.ok(conservation.every(({ state }) => state === 'pass'));
      }),
      { numRuns: 50 },
    );
  });

  test('what phases lack of the whole by rounding is no time that was not reported', () => {
    const [turn, other] = pairs(1) as [SampleTurn, SampleTurn];
    const { count, mean } = turn.summaries['responseUs']!;
    const phases = (bodyUs: number): SampleTurn => ({
      ...turn,
      summaries: {
        ...turn.summaries,
        waitUs: summaryOf(count, 100),
        firstByteUs: summaryOf(count, mean - 300),
        bodyUs: summaryOf(count, bodyUs),
      },
    });
    const unsplitUs = (bodyUs: number): number =>
      splitPhases(
        completed(importText(sampleReport([phases(bodyUs), other])).trials).filter(
          ({ trial }) => trial.arm === 'persistent',
        ),
      )!.parts.unsplit;
    assert.equal(unsplitUs(199.9), 0);
    assert.ok(Math.abs(unsplitUs(199) - 1) < 0.01);
  });

  test('the course over time has the periods that a turn fills', () => {
    const [turn] = pairs(1) as [SampleTurn];
    const whole = JSON.parse(sampleReport([turn])) as {
      aggregate: { summaries: Record<string, object> };
      intermediate: { period: string }[];
    };
    const [first] = whole.intermediate;
    // It began 3 s into the first period, had 1 s of warm-up, and was measured for 25 s: until 29 s, within the third.
    const counters = { ...turn.counters, windowMs: 2 * 25_000, warmUpMs: 2 * 1_000 };
    const long = JSON.parse(sampleReport([{ ...turn, counters }])) as typeof whole;
    const startedAtMs = Number(first!.period) + 3_000;
    const summaries = {
      ...long.aggregate.summaries,
      'conntax.persistent.1.startedAtEpochMs': { ...summaryOf(2, startedAtMs), min: startedAtMs },
    };
    const intermediate = [0, 1, 2].map(index => ({
      ...first,
      period: String(Number(first!.period) + index * 10_000),
    }));
    const text = JSON.stringify({ ...long, aggregate: { ...long.aggregate, summaries }, intermediate });
    const [trial] = completed(importText(text).trials);
    const { timeline, slices } = trial!.measurement;
    assert.deepEqual(
      timeline.buckets.map(({ atMs, completed: count }) => [atMs, count]),
      [[7_000, 900]],
    );
    assert.deepEqual([slices[0]!.atMs, slices[0]!.windowMs], [1_000, 25_000]);
    assert.equal(trial!.startedAt, new Date(startedAtMs).toISOString());
  });

  test('a client without a good answer has failed, with the kinds of its failures', () => {
    const [first, second] = pairs(1) as [SampleTurn, SampleTurn];
    const failing: SampleTurn = {
      ...second,
      counters: {
        ...second.counters,
        answered: 0,
        'recorded.answered': 0,
        'failed.refused': 990,
        'recorded.failed.refused': 900,
      },
      summaries: {},
    };
    const { run, trials } = importText(sampleReport([first, failing]));
    assert.equal(run.state, 'failed');
    const failed = trials.flatMap(trial => (trial.state === 'failed' ? [trial.error.message] : []));
    assert.equal(failed.length, 1);
    assert.match(failed[0]!, /none of 900 requests of short succeeded: 900 × connection refused/);
  });

  test('what disturbs figures is said: requests that overlapped, and periods that Artillery lost', () => {
    const [first, second] = pairs(1) as [SampleTurn, SampleTurn];
    const overlapping = { ...first, counters: { ...first.counters, overlapping: 7, 'due.requests': 500 } };
    const whole = JSON.parse(sampleReport([overlapping, second])) as { intermediate: object[] };
    const text = JSON.stringify({ ...whole, intermediate: whole.intermediate.slice(0, 1) });
    const [persistent, short] = completed(importText(text).trials).toSorted((a, b) =>
      a.trial.arm.localeCompare(b.trial.arm),
    );
    assert.match(
      persistent!.measurement.caveats.join(' '),
      /7 requests were still in flight when the next turn began/,
    );
    assert.match(short!.measurement.caveats.join(' '), /hold 0 of 990 requests/);
    assert.match(short!.measurement.caveats.join(' '), /sent 990 of the 2000 requests/);
    assert.doesNotMatch(persistent!.measurement.caveats.join(' '), /requests that its phase asked for/);
  });

  test('the report of the run says where it comes from, and nothing of slices or seeds', () => {
    const { run, trials } = importText(sampleReport(pairs(3)));
    const report = buildReport({ run, trials, charts: [] });
    const text = JSON.stringify(report);
    assert.match(text, /coarser than slices/);
    assert.match(text, /2 workers of Artillery/);
    assert.match(text, /Imported by/);
    const ledger = JSON.stringify(ledgerChart.table(viewCell(run.cells[0]!, trials, armNames(run))));
    assert.match(ledger, /✓ within need; accepted not known/);
    // Artillery's timers poll: what its workers use says nothing of clients.
    assert.ok(run.cells[0]!.comparisons.every(({ metric }) => metric !== 'cpuUsPerRequest'));
    assert.deepEqual(
      run.cells[0]!.arms.map(arm => arm.generatorCpuUsPerRequest),
      [null, null],
    );
    assert.doesNotMatch(text, /saves|CPU time per new connection/);
    assert.doesNotMatch(text, /shuffled|--seed|fresh generator|was due|steady time/);
  });

  test('charts do not speak of when a request was due, which is not known', () => {
    const { run, trials } = importText(sampleReport(pairs(3)));
    const view = viewCell(run.cells[0]!, trials, armNames(run));
    assert.ok(latencyPercentiles.applies(view) && !responseAndService.applies(view));
    assert.match(
      meanResponse.caption(view),
      /Every client was asked for .* Times count from when a request was sent/,
    );
    assert.match(timeline.caption(view), /periods of 10 s/);
  });

  test('what is no such report is refused, with what was expected', () => {
    const whole = sampleReport(pairs(1));
    const without = (subject: string): string =>
      sampleReport(
        pairs(1),
        Object.fromEntries(
          Object.entries(SAMPLE_FACTS).filter(([name]) => !name.startsWith(`conntax.about.${subject}`)),
        ),
      );
    const foreign = JSON.stringify({
      aggregate: { counters: { 'http.requests': 3 }, firstMetricAt: 1, lastMetricAt: 2 },
      intermediate: [],
    });
    const artillery1 = JSON.stringify({
      aggregate: { timestamp: '2021-01-01T00:00:00.000Z', scenariosCreated: 3, codes: { 200: 3 } },
      intermediate: [{ timestamp: '2021-01-01T00:00:00.000Z', scenariosCreated: 3 }],
    });
    const cases: [string, RegExp][] = [
      ['', /report\.json is empty; expected: the file that artillery run --output has written/],
      ['# Report', /report\.json is not JSON, or a part of it: .*; expected: the file that artillery/],
      [whole.slice(0, 200), /report\.json is not JSON, or a part of it: .* at position 200/],
      [artillery1, /report\.json has no figures of conntax/],
      [
        sampleReport([]),
        /report\.json states what was to be measured, and has no turn of a client: Artillery ended before/,
      ],
      ['{}', /report\.json is not a report of Artillery: aggregate: is missing/],
      [
        foreign,
        /report\.json has no figures of conntax; expected: the report of a script with config\.engines\.conntax/,
      ],
      [
        whole.replace('"mean":1000', '"mean":"1000"'),
        /summaries\.conntax\.persistent\.1\.responseUs\.mean: .*expected number/,
      ],
      [
        whole.replace('"conntax.short.1.answered":990', '"conntax.short.1.answered":-1'),
        /figures of short in block 1 cannot be right: measurement\.slices/,
      ],
      [
        whole.replace(/"conntax\.short\.1\.workers":\d+/, '"conntax.short.1.workers":1000000000'),
        /figures of short in block 1 cannot be right: workers: 1000000000 of them/,
      ],
      [
        whole.replace(/"conntax\.short\.1\.sent":\d+/, '"conntax.short.1.sent":1'),
        /short in block 1 cannot be right: responseUs: times of \d+ requests, of 1 that were sent/,
      ],
      [
        whole.replace(/"conntax\.short\.1\.windowMs":\d+/, '"conntax.short.1.windowMs":0'),
        /short in block 1 cannot be right: windowMs: times of \d+ requests in a window without length/,
      ],
      ['[]', /report\.json is not a report of Artillery: the file: /],
      [whole.replace(/"firstMetricAt":\d+/, '"firstMetricAt":1e300'), /aggregate\.firstMetricAt: Too big/],
      [whole.replace(/"lastMetricAt":\d+/, '"lastMetricAt":1'), /lastMetricAt is before firstMetricAt/],
      [whole.replace('"mean":1000', '"mean":1e12'), /the mean lies outside of the minimum and maximum/],
      [without('server'), /does not state the server/],
      [
        whole
          .replace('\\"question\\":', '\\"weather\\":\\"wet\\",\\"question\\":')
          .replace('0.1.0', '99.0.0'),
        /conntax\.about\.scenario has an unknown form: weather: is not known here; expected: what conntax \d.* writes; conntax 99\.0\.0 wrote it/,
      ],
      [without('client.short'), /report\.json does not state the client\.short/],
      [
        whole.replace('\\"requestsPerConnection\\":1', '\\"requestsPerConnection\\":0'),
        /conntax\.about\.scenario has an unknown form: clients\.short\.requestsPerConnection/,
      ],
      [whole.replace('{\\"conntax\\":\\"0.1.0\\"}', '{'), /conntax\.about\.versions is not followed by JSON/],
    ];
    for (const [text, message] of cases)
      assert.throws(
        () => importText(text),
        error => {
          assert.ok(error instanceof UsageError, String(error));
          assert.match(error.message, message);
          return true;
        },
      );
  });
});
