// The sentences and figures in which expectations and their outcomes are reported.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleRun } from '../../results/testing/sample-run.ts';
import type { ExpectationResult, Judgement } from '../../scenarios/model/scenario.ts';
import { armNames, viewCell } from '../cell-view.ts';
import { expectationTable } from './expectations.ts';

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
