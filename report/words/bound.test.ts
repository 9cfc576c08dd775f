// What limited a measurement is always said, with the figures behind it, also where nothing did, or a search for a capacity found none.
import assert from 'node:assert/strict';
import { describe, suite, test } from 'node:test';
import { compareArms, summariseArms } from '../../results/compare.ts';
import { judge } from '../../results/expect.ts';
import type { Capacity, CompletedTrial, TrialResult } from '../../results/model/trial.ts';
import { type SampleOptions, sampleRun, sampleSweep } from '../../results/testing/sample-run.ts';
import { Expectation } from '../../scenarios/model/scenario.ts';
import { buildReport } from '../build.ts';
import { viewCell } from '../cell-view.ts';
import type { Badge } from '../model.ts';
import { charts } from '../testing/plugins.ts';
import { cellAnswer } from './answer.ts';
import { describeConnectionCosts } from './connection-cost.ts';
import { cellHeadline, cellRemarks } from './headline.ts';

type Use = [client: number, server: number];

/** What is said of a sample whose processes used so much of a core, by client. */
function limitOf(uses: { short: Use; persistent: Use }, scenario?: SampleOptions['scenario']): Badge {
  const { run, trials } = sampleRun(scenario === undefined ? {} : { scenario });
  for (const { trial, measurement } of trials as CompletedTrial[]) {
    const [client, server] = uses[trial.arm as 'short' | 'persistent'];
    measurement.generator.cpuRatio = client;
    measurement.target!.cpuRatio = server;
  }
  return buildReport({ run, trials, charts: [] }).answer.limitedBy!;
}

const idle: Use = [0.3, 0.41];

describe('What set the pace of a scenario', () => {
  for (const [text, tone, badge] of [
    [
      'CPU to spare on both sides (client 30 %, server 41 % of a core): the number of users set the rate',
      'plain',
      limitOf({ short: idle, persistent: idle }),
    ],
    [
      'CPU to spare on both sides (client 30 to 50 %, server 41 % of a core): the number of users set the rate',
      'plain',
      limitOf({ short: idle, persistent: [0.5, 0.41] }),
    ],
    [
      "server's CPU was the bottleneck (97 % of a core)",
      'plain',
      limitOf({ short: [0.5, 0.97], persistent: [0.4, 0.97] }),
    ],
    [
      "client's CPU was the bottleneck (96 to 98 % of a core)",
      'doubt',
      limitOf({ short: [0.96, 0.5], persistent: [0.98, 0.4] }),
    ],
    [
      "bottleneck of short: client's CPU (96 % of a core); of persistent: server's CPU (95 % of a core)",
      'doubt',
      limitOf({ short: [0.96, 0.5], persistent: [0.7, 0.95] }),
    ],
    [
      "bottleneck of short: client's CPU (96 % of a core); of persistent: the number of users (client 30 %, server 41 % of a core)",
      'doubt',
      limitOf({ short: [0.96, 0.5], persistent: idle }),
    ],
    [
      "client's and server's CPU in turn were the bottleneck (client 70 %, server 65 % of a core)",
      'plain',
      limitOf({ short: [0.7, 0.65], persistent: [0.7, 0.65] }),
    ],
    [
      'the load that was asked for set the pace (client 30 %, server 41 % of a core)',
      'plain',
      limitOf({ short: idle, persistent: idle }, 'same-load'),
    ],
    [
      'what ended the search of short: its generator (client 30 %, server 41 % of a core); of persistent: latency at the next rate (client 30 %, server 41 % of a core)',
      'doubt',
      limitOf({ short: idle, persistent: idle }, 'capacity'),
    ],
  ] as const) {
    test(text, () => assert.deepEqual(badge, { text, tone }));
  }

  test('a server that conntax did not start may be unknown', () => {
    const { run, trials } = sampleRun();
    for (const { measurement } of trials as CompletedTrial[]) {
      measurement.generator.cpuRatio = 0.3;
      measurement.target = null;
    }
    assert.equal(
      buildReport({ run, trials, charts: [] }).answer.limitedBy!.text,
      'no bottleneck found (client 30 % of a core, server unknown)',
    );
  });
});

test('of many clients those of the largest group are the others', () => {
  const { run, trials } = sampleRun({ scenario: 'requests-per-connection' });
  for (const { trial, measurement } of trials as CompletedTrial[])
    measurement.generator.cpuRatio = trial.arm === 'one' ? 0.96 : 0.5;
  for (const { measurement } of trials as CompletedTrial[]) measurement.target!.cpuRatio = 0.4;
  assert.equal(
    buildReport({ run, trials, charts: [] }).answer.limitedBy!.text,
    "bottleneck of one: client's CPU (96 % of a core); of the others: the number of users (client 50 %, server 40 % of a core)",
  );
});

test('of clients that a sweep limits differently, each has its own', () => {
  const { run, trials } = sampleSweep('link');
  for (const { trial, measurement } of trials as CompletedTrial[]) {
    measurement.generator.cpuRatio = trial.arm === 'short' || trial.link!.roundTripMs === 0 ? 0.97 : 0.3;
    measurement.target!.cpuRatio = 0.4;
    measurement.response.meanUs = 1_000_000;
  }
  assert.equal(
    buildReport({ run, trials, charts: [] }).answer.limitedBy!.text,
    "bottleneck of short: client's CPU; of persistent: client's CPU at round trip 0 ms, the number of users elsewhere",
  );
});

test('of a sweep it is said where each limit held, and beside each point', () => {
  const { run, trials } = sampleSweep('link');
  for (const { trial, measurement } of trials as CompletedTrial[]) {
    const isNear = trial.link!.roundTripMs <= 1;
    measurement.generator.cpuRatio = isNear ? 0.97 : 0.3;
    measurement.target!.cpuRatio = 0.4;
    measurement.response.meanUs = isNear ? 5_000 : trial.link!.roundTripMs * 1_000;
  }
  const { answer, sweeps } = buildReport({ run, trials, charts: [] });
  assert.deepEqual(answer.limitedBy, {
    text: "bottleneck: client's CPU at round trip 0 and 1 ms, the link elsewhere",
    tone: 'doubt',
  });
  const { columns, rows } = sweeps[0]!.cellTable;
  const at = columns.findIndex(({ key }) => key === 'limitedBy');
  assert.deepEqual(
    rows.map(row => row[at]!.text),
    ["client's CPU", "client's CPU", 'the link', 'the link', 'the link'],
  );
});

const LOWEST_FAILED = { ratePerSec: 0, notKeptPerSec: 1_000 } as const;
const HIGHEST_SUSTAINED = { ratePerSec: 50_000, notKeptPerSec: null } as const;

/** A sample of searches, of which those of `arm` in the first `count` replicates ended differently. */
function searched(arm: string, change: Partial<Capacity>, count = 4) {
  const { run, trials } = sampleRun({ scenario: 'capacity' });
  for (const result of trials) {
    if (result.state !== 'completed' || result.trial.arm !== arm || result.trial.replicate >= count) continue;
    Object.assign(result.measurement.capacity!, change);
  }
  const cell = {
    ...run.cells[0]!,
    arms: summariseArms(trials),
    comparisons: compareArms({ baseline: 'short', trials }),
  };
  return { view: viewCell(cell, trials, ['short', 'persistent']), run: { ...run, cells: [cell] }, trials };
}

/** All that a report says of it, apart from the tables of what was measured at the rates. */
function said({ run, trials }: { run: ReturnType<typeof searched>['run']; trials: TrialResult[] }): string {
  const { headline, remarks, answer } = buildReport({ run, trials, charts: [] });
  return [
    headline,
    ...remarks,
    answer.verdict,
    answer.precision,
    answer.context,
    ...answer.notes,
    ...answer.badges.map(({ text }) => text),
  ].join(' ');
}

const RATIO = /\d×|times the rate|saves|CPU \(|difference/;

suite('a search without a capacity', () => {
  test('whose lowest rate failed says what was tried, and why it failed', () => {
    const { view, run, trials } = searched('short', LOWEST_FAILED);
    assert.equal(cellAnswer(view).verdict, 'No capacity of short was found');
    assert.match(
      cellHeadline(view),
      /^No capacity of short was found\. For short the lowest rate tried, about [\d,]+ requests per second, already missed the objective[^.]*; the other tables show that rate\. Expected: a lower load\.minRatePerSec\. persistent sustains 2\d,\d+ \(.*\) requests per second\.$/,
    );
    assert.doesNotMatch(said({ run, trials }), RATIO);
    assert.equal(describeConnectionCosts(view), null);
  });

  test('in which nothing failed has a lower bound, not a capacity', () => {
    const { view, run, trials } = searched('persistent', HIGHEST_SUSTAINED);
    assert.match(
      cellHeadline(view),
      /^No capacity of persistent was found\. For persistent no rate up to 50,000 requests per second failed, so the capacity is at least that\. Expected: a higher load\.maxRatePerSec\. short sustains /,
    );
    assert.doesNotMatch(said({ run, trials }), RATIO);
    assert.equal(run.cells[0]!.arms[1]!.capacityPerSec, null);
    const report = buildReport({ run, trials, charts: [] });
    const table = report.cells[0]!.special.find(({ name }) => name === 'capacity')!;
    assert.deepEqual(
      table.rows[1]!.slice(1, 5).map(({ text }) => text),
      [
        '–',
        'at least 50,000, at least 50,000, at least 50,000, at least 50,000',
        'none, none, none, none',
        'none of the rates tried',
      ],
    );
  });

  test('in one of four replicates leaves no capacity: what the others found was selected by the range', () => {
    const { view, run, trials } = searched('persistent', HIGHEST_SUSTAINED, 1);
    assert.match(cellHeadline(view), /For persistent, in 1 of 4 replicates, no rate up to 50,000/);
    assert.doesNotMatch(said({ run, trials }), RATIO);
  });

  test('is said once', () => {
    const { view } = searched('persistent', HIGHEST_SUSTAINED);
    assert.doesNotMatch(cellRemarks(view).join(' '), /no rate up to/);
  });

  test('of the only client is no capacity of it', () => {
    const { run, trials } = searched('short', HIGHEST_SUSTAINED);
    const own = trials.filter(({ trial }) => trial.arm === 'short');
    const cell = { ...run.cells[0]!, arms: summariseArms(own), comparisons: [] };
    const view = viewCell(cell, own, ['short']);
    assert.match(cellHeadline(view), /^No capacity of short was found\. For short no rate up to/);
  });

  for (const [limits, change, state] of [
    [{ atLeast: 40_000 }, HIGHEST_SUSTAINED, 'pass'],
    [{ atLeast: 60_000 }, HIGHEST_SUSTAINED, 'unsure'],
    [{ atMost: 40_000 }, HIGHEST_SUSTAINED, 'fail'],
    [{ atLeast: 400 }, LOWEST_FAILED, 'unsure'],
  ] as const) {
    test(`decides a limit ${JSON.stringify(limits)} only by its bound (${JSON.stringify(change)})`, () => {
      const { trials } = searched('persistent', change);
      const expectation = Expectation.parse({ metric: 'capacityPerSec', of: 'persistent', ...limits });
      const { state: found, interval } = judge(expectation, trials);
      assert.deepEqual([found, interval], [state, null]);
    });
  }
});

suite("a capacity that the client's own process ended is a lower bound", () => {
  /** The sample, in which the searches of these clients ended at their generators. */
  function limited(arms: readonly string[]) {
    const { run, trials } = sampleRun({ scenario: 'capacity' });
    for (const { trial, measurement } of trials as CompletedTrial[])
      for (const probe of measurement.capacity!.probes)
        if (probe.limit !== null) probe.limit = arms.includes(trial.arm) ? 'generator' : 'latency';
    return buildReport({ run, trials, charts });
  }

  for (const [arms, verdict, headline, sustained, sign] of [
    [
      ['short'],
      /^Reuse sustains at most about 5\.\d times the rate$/,
      /ersistent connections sustain at most 5\.\d×.*¶ the rate of short ones; 2\d,\d+ vs at least [34],\d+¶ requests/,
      /short at least [34],\d+ \(its generator was the bottleneck\), persistent 2\d,\d+/,
      '≤ 5.',
    ],
    [
      ['persistent'],
      /^Reuse sustains at least about 5\.\d times the rate$/,
      /sustain at least 5\.\d×.*¶ the rate of short ones; at least 2\d,\d+¶ vs [34],\d+ requests/,
      /short [34],\d+, persistent at least 2\d,\d+ \(its generator was the bottleneck\)/,
      '≥ 5.',
    ],
    [
      ['short', 'persistent'],
      /^Reuse sustains 5\.\d times the rate$/,
      /sustain 5\.\d×.*¶ the rate of short ones; at least 2\d,\d+¶ vs at least [34],\d+¶ requests/,
      /short at least .*, persistent at least /,
      '5.',
    ],
    [
      [],
      /^Reuse sustains 5\.\d times the rate$/,
      /sustain 5\.\d× \([^¶]*$/,
      /short [34],\d+, persistent 2\d,\d+/,
      '5.',
    ],
  ] as const) {
    test(`${arms.join(' and ') || 'neither'}: in the headline, the figures, the chart and the tables`, () => {
      const report = limited(arms);
      const { answer, cells } = report;
      assert.match(answer.verdict, verdict);
      assert.match(report.headline, headline);
      assert.match(answer.precision, sustained);
      const [cell] = cells;
      assert.ok(cell!.forest!.table.rows[0]![2]!.text.startsWith(sign));
      assert.equal(cell!.forest!.table.rows[0]![2]!.text.endsWith('¶'), arms.length > 0);
      for (const table of [cell!.brief, cell!.special.find(({ name }) => name === 'capacity')!])
        for (const row of table.rows) {
          const isBound = arms.some(arm => row[0]!.text.startsWith(arm));
          assert.equal(row[1]!.text.startsWith('≥ '), isBound, row[1]!.text);
          assert.equal(row[1]!.text.endsWith('¶'), isBound);
        }
      assert.equal(
        cell!.markNotes.some(note => note.startsWith('¶')),
        arms.length > 0,
      );
    });
  }

  test('of one client the headline says why', () => {
    const { run, trials } = sampleRun({ scenario: 'capacity' });
    const own = trials.filter(({ trial }) => trial.arm === 'short');
    const cell = { ...run.cells[0]!, arms: summariseArms(own), comparisons: [] };
    const view = viewCell(cell, own, ['short']);
    assert.match(
      cellAnswer(view).verdict,
      /^Sustains at least [34],\d+ requests per second: its generator was the bottleneck$/,
    );
  });
});
