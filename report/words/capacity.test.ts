// Searches that ended without a capacity: no capacity, no ratio and no saving is derived from them.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { compareArms, summariseArms } from '../../results/compare.ts';
import { judge } from '../../results/expect.ts';
import type { Capacity, CompletedTrial, TrialResult } from '../../results/model/trial.ts';
import { sampleRun } from '../../results/testing/sample-run.ts';
import { Expectation } from '../../scenarios/model/scenario.ts';
import { buildReport } from '../build.ts';
import { viewCell } from '../cell-view.ts';
import { charts } from '../testing/plugins.ts';
import { cellAnswer } from './answer.ts';
import { describeConnectionCosts } from './connection-cost.ts';
import { cellHeadline, cellRemarks } from './headline.ts';

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
