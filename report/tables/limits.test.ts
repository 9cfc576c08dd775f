// What stands right below the verdict where a limit failed: which limits, what was measured, and by how much they were missed.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { sampleRun } from '../../results/testing/sample-run.ts';
import type { Expectation, ExpectationResult, Judgement } from '../../scenarios/model/scenario.ts';
import { armNames, viewCell } from '../cell-view.ts';
import { sectionsOf } from '../sweeps/view.ts';
import { sampleSweeps } from '../testing/sample-sweeps.ts';
import { limitTable } from './limits.ts';

type State = Judgement['state'];

function judged(state: State, value: number, reach = 1.1): Judgement {
  return { state, interval: { value, low: value / reach, high: value * reach }, replicates: 4 };
}

function result(
  expectation: Partial<Expectation>,
  first: Judgement,
  together: Judgement | null = null,
): ExpectationResult {
  return {
    expectation: { metric: 'requestsPerSec', of: 'persistent', ...expectation },
    state: (together ?? first).state,
    first,
    confirmation: together,
    together,
  };
}

function tableOf(...expectations: ExpectationResult[]) {
  const { run, trials } = sampleRun();
  const cell = { ...run.cells[0]!, expectations };
  return limitTable(sectionsOf([viewCell(cell, trials, armNames(run))]));
}

function textsOf(...expectations: ExpectationResult[]): string[][] {
  return tableOf(...expectations)!.rows.map(row => row.map(({ text }) => text));
}

const missed = (atLeast: number, value: number): ExpectationResult =>
  result({ over: 'short', atLeast }, judged('fail', value));

suite('By how much a limit was missed', () => {
  const rows: [why: string, result: ExpectationResult, texts: string[]][] = [
    [
      'a ratio below its limit',
      missed(3, 2.61),
      ['requests/s, persistent / short', '≥ 3×', '2.6× (2.4 to 2.9)', '13 % below'],
    ],
    [
      'twice the limit and more is said in times',
      result({ metric: 'p99Us', atMost: 3_000 }, judged('fail', 18_400)),
      ['p99 latency, persistent', '≤ 3 ms', '18.4 ms (16.7 ms to 20.2 ms)', '6.1 times as high'],
    ],
    [
      'a share by the difference, in points',
      result({ metric: 'successRatio', atLeast: 1 }, judged('fail', 0.995, 1.001)),
      ['success rate, persistent', '≥ 100 %', '99.5 % (99.4006 % to 99.5995 %)', '0.5 points below'],
    ],
    [
      'from a limit of 0 by all of it',
      result({ metric: 'unneededConnectionsPer1kRequests', atMost: 0 }, judged('fail', 2.5)),
      ['unnecessary connections / 1,000 requests, persistent', '≤ 0', '2.5 (2.3 to 2.8)', '2.5 above'],
    ],
    [
      'of two limits the one that was missed',
      result({ metric: 'p99Us', atLeast: 1_000, atMost: 10_000 }, judged('fail', 15_000)),
      ['p99 latency, persistent', '≥ 1 ms and ≤ 10 ms', '15.0 ms (13.6 ms to 16.5 ms)', '50 % above'],
    ],
    [
      'where it was measured again, by all replicates together',
      result({ over: 'short', atLeast: 3 }, judged('fail', 1), judged('fail', 2)),
      ['requests/s, persistent / short', '≥ 3×', '2.00× (1.82 to 2.20)', '33 % below'],
    ],
    [
      'a hair beyond the limit',
      result({ over: 'short', atLeast: 3 }, judged('fail', 2.9997, 1.00001)),
      ['requests/s, persistent / short', '≥ 3×', '3.00× (2.9997 to 2.9997)', '0.01 % below'],
    ],
  ];
  for (const [why, expected, texts] of rows)
    test(why, () => assert.deepEqual(textsOf(expected), [['FAIL', ...texts]]));
});

test('the limit that was missed by most is first, what is undecided last, what holds is left out', () => {
  const undecided = result({ over: 'short', atLeast: 4 }, judged('unsure', 4.1));
  const unknown = result({ atLeast: 4 }, { state: 'unsure', interval: null, replicates: 1 });
  const holds = result({ over: 'short', atLeast: 1 }, judged('pass', 4.1));
  const texts = textsOf(undecided, holds, missed(3, 2.9), unknown, missed(3, 1));
  assert.deepEqual(
    texts.map(([state, , , , distance]) => [state, distance]),
    [
      ['FAIL', '67 % below'],
      ['FAIL', '3.3 % below'],
      ['unsure', '2.5 % above'],
      ['unsure', '–'],
    ],
  );
});

test('where nothing failed there is no table, whatever is undecided', () => {
  assert.equal(tableOf(), null);
  assert.equal(tableOf(result({ atLeast: 4 }, judged('unsure', 4.1))), null);
});

test('of many the worst are shown, and the others counted', () => {
  const many = Array.from({ length: 9 }, (_, index) => missed(3 + index, 2));
  const table = tableOf(...many, result({ atLeast: 4 }, judged('unsure', 4.1)))!;
  assert.equal(table.rows.length, 6);
  assert.equal(table.rows[0]![2]!.text, '≥ 11×');
  assert.deepEqual(table.notes, ['Not shown: 3 more that failed, 1 undecided.']);
});

test('of a sweep, each row names its point', () => {
  const { run, trials } = sampleSweeps['a sweep']!;
  const names = armNames(run);
  const table = limitTable(sectionsOf(run.cells.map(cell => viewCell(cell, trials, names))))!;
  assert.equal(table.columns[1]!.heading, 'point');
  assert.deepEqual(
    table.rows.map(row => row[1]!.text),
    ['round trip 80 ms', 'round trip 20 ms'],
  );
});
