// The sentences, figures and tables in which expectations, their outcomes and missed limits are reported.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { sampleRun } from '../../results/testing/sample-run.ts';
import type { Expectation, ExpectationResult, Judgement } from '../../scenarios/model/scenario.ts';
import { armNames, viewCell } from '../cell-view.ts';
import { sectionsOf } from '../sweeps/view.ts';
import { sampleSweeps } from '../testing/sample-sweeps.ts';
import { expectationTable, limitTable } from './expectations.ts';

const judged = (state: Judgement['state'], value: number, low: number, high: number): Judgement => ({
  state,
  interval: { value, low, high },
  replicates: 4,
});

function tableOf(expectations: ExpectationResult[]) {
  const { run, trials } = sampleRun();
  const cell = { ...run.cells[0]!, expectations };
  return expectationTable(viewCell(cell, trials, armNames(run)));
}

const rows: [why: string, result: ExpectationResult, texts: string[]][] = [
  [
    'a share keeps the digits that matter',
    {
      expectation: { metric: 'successRatio', of: 'persistent', atLeast: 0.9995 },
      state: 'pass',
      first: judged('pass', 0.99998, 0.99961, 1),
      confirmation: null,
      together: null,
    },
    ['success rate, persistent ≥ 99.95 %', '99.998 % (99.961 % to 100 %)', '4', '–', '–', 'pass'],
  ],
  [
    'a ratio of two arms, measured again',
    {
      expectation: { metric: 'requestsPerSec', of: 'persistent', over: 'short', atLeast: 3 },
      state: 'fail',
      first: judged('fail', 2, 1.9, 2.1),
      confirmation: judged('unsure', 2.6, 1.95, 3.15),
      together: judged('fail', 2.2, 1.92, 2.55),
    },
    [
      'requests/s, persistent / short ≥ 3×',
      '2.00× (1.90 to 2.10)',
      '4',
      '2.6× (2.0 to 3.2)',
      '2.2× (1.9 to 2.6)',
      'FAIL',
    ],
  ],
  [
    'a bound just beyond the limit never reads as within it',
    {
      expectation: { metric: 'requestsPerSec', of: 'persistent', over: 'short', atLeast: 3 },
      state: 'unsure',
      first: judged('unsure', 3.3, 2.96, 3.68),
      confirmation: null,
      together: null,
    },
    ['requests/s, persistent / short ≥ 3×', '3.3× (2.96 to 3.7)', '4', '–', '–', 'unsure'],
  ],
  [
    'too little to have an interval',
    {
      expectation: { metric: 'p99Us', of: 'short', atLeast: 500, atMost: 20_000 },
      state: 'unsure',
      first: { state: 'unsure', interval: null, replicates: 1 },
      confirmation: null,
      together: null,
    },
    [
      'p99 latency, short ≥ 0.5 ms and ≤ 20 ms',
      'too few replicates (2 more replicates needed)',
      '1',
      '–',
      '–',
      'unsure',
    ],
  ],
];

for (const [why, result, texts] of rows) {
  test(why, () => {
    assert.deepEqual(
      tableOf([result])!.rows[0]!.map(({ text }) => text),
      texts,
    );
  });
}

test('nothing expected, no table', () => assert.equal(tableOf([]), null));

type State = Judgement['state'];

function judgedCell(state: State, value: number, reach = 1.1): Judgement {
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

function limitTableOf(...expectations: ExpectationResult[]) {
  const { run, trials } = sampleRun();
  const cell = { ...run.cells[0]!, expectations };
  return limitTable(sectionsOf([viewCell(cell, trials, armNames(run))]));
}

function textsOf(...expectations: ExpectationResult[]): string[][] {
  return limitTableOf(...expectations)!.rows.map(row => row.map(({ text }) => text));
}

const missed = (atLeast: number, value: number): ExpectationResult =>
  result({ over: 'short', atLeast }, judgedCell('fail', value));

suite('By how much a limit was missed', () => {
  const rows: [why: string, result: ExpectationResult, texts: string[]][] = [
    [
      'a ratio below its limit',
      missed(3, 2.61),
      ['requests/s, persistent / short', '≥ 3×', '2.6× (2.4 to 2.9)', '13 % below'],
    ],
    [
      'twice the limit and more is said in times',
      result({ metric: 'p99Us', atMost: 3_000 }, judgedCell('fail', 18_400)),
      ['p99 latency, persistent', '≤ 3 ms', '18.4 ms (16.7 ms to 20.2 ms)', '6.1 times as high'],
    ],
    [
      'a share by the difference, in points',
      result({ metric: 'successRatio', atLeast: 1 }, judgedCell('fail', 0.995, 1.001)),
      ['success rate, persistent', '≥ 100 %', '99.5 % (99.4006 % to 99.5995 %)', '0.5 points below'],
    ],
    [
      'from a limit of 0 by all of it',
      result({ metric: 'unneededConnectionsPer1kRequests', atMost: 0 }, judgedCell('fail', 2.5)),
      ['unnecessary connections / 1,000 requests, persistent', '≤ 0', '2.5 (2.3 to 2.8)', '2.5 above'],
    ],
    [
      'of two limits the one that was missed',
      result({ metric: 'p99Us', atLeast: 1_000, atMost: 10_000 }, judgedCell('fail', 15_000)),
      ['p99 latency, persistent', '≥ 1 ms and ≤ 10 ms', '15.0 ms (13.6 ms to 16.5 ms)', '50 % above'],
    ],
    [
      'where it was measured again, by all replicates together',
      result({ over: 'short', atLeast: 3 }, judgedCell('fail', 1), judgedCell('fail', 2)),
      ['requests/s, persistent / short', '≥ 3×', '2.00× (1.82 to 2.20)', '33 % below'],
    ],
    [
      'a hair beyond the limit',
      result({ over: 'short', atLeast: 3 }, judgedCell('fail', 2.9997, 1.00001)),
      ['requests/s, persistent / short', '≥ 3×', '3.00× (2.9997 to 2.9997)', '0.01 % below'],
    ],
  ];
  for (const [why, expected, texts] of rows)
    test(why, () => assert.deepEqual(textsOf(expected), [['FAIL', ...texts]]));
});

test('the limit that was missed by most is first, what is undecided last, what holds is left out', () => {
  const undecided = result({ over: 'short', atLeast: 4 }, judgedCell('unsure', 4.1));
  const unknown = result({ atLeast: 4 }, { state: 'unsure', interval: null, replicates: 1 });
  const holds = result({ over: 'short', atLeast: 1 }, judgedCell('pass', 4.1));
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
  assert.equal(limitTableOf(), null);
  assert.equal(limitTableOf(result({ atLeast: 4 }, judgedCell('unsure', 4.1))), null);
});

test('of many the worst are shown, and the others counted', () => {
  const many = Array.from({ length: 9 }, (_, index) => missed(3 + index, 2));
  const table = limitTableOf(...many, result({ atLeast: 4 }, judgedCell('unsure', 4.1)))!;
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
