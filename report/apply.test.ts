// Code is offered only where the verdict is clear, and it is that of the better client.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CellResult } from '../results/model/run.ts';
import { sampleRun } from '../results/testing/sample-run.ts';
import type { ExpectationResult } from '../scenarios/model/scenario.ts';
import { applyClient } from './apply.ts';
import { armNames, viewCell } from './cell-view.ts';
import { sampleRuns } from './testing/sample-runs.ts';

const { run, trials } = sampleRun();

function applied(change: (cell: CellResult) => CellResult = cell => cell) {
  return applyClient(viewCell(change(run.cells[0]!), trials, armNames(run)));
}

const withVerdict =
  (verdict: 'better' | 'worse' | 'unsure') =>
  (cell: CellResult): CellResult => ({
    ...cell,
    comparisons: cell.comparisons.map(comparison => ({ ...comparison, verdict })),
  });

test('the better client is written for the library that it was measured with', () => {
  const { title, text, note } = applied()!;
  assert.equal(title, 'Apply this: persistent, as code for undici');
  assert.match(text, /^\/\/ Client persistent of short-vs-persistent, .*\n[\s\S]*new Agent\(\{/);
  assert.match(note, /: node-http, axios, .*nginx\.$/);
});

test('where all are worse it is the baseline', () => {
  assert.equal(applied(withVerdict('worse'))!.title, 'Apply this: short, as code for undici');
});

const failed: ExpectationResult = {
  expectation: { metric: 'p99Us', of: 'persistent', atMost: 1 },
  state: 'fail',
  first: { state: 'fail', interval: null, replicates: 4 },
  confirmation: null,
  together: null,
};

const refused: [why: string, change: (cell: CellResult) => CellResult][] = [
  ['an unsure verdict', withVerdict('unsure')],
  ['a failed limit', cell => ({ ...cell, expectations: [failed] })],
  [
    'two versions of one client',
    cell => {
      const client = cell.scenario.clients['persistent']!;
      return { ...cell, scenario: { ...cell.scenario, clients: { short: client, persistent: client } } };
    },
  ],
  [
    'a load tool',
    cell => {
      const { short, persistent } = cell.scenario.clients;
      const clients = { short: short!, persistent: { ...persistent!, transport: 'wrk' } };
      return { ...cell, scenario: { ...cell.scenario, clients } };
    },
  ],
];
for (const [why, change] of refused) test(`none for ${why}`, () => assert.equal(applied(change), null));

test('none for a run of which an audit failed', () => {
  const { run, trials } = sampleRuns['an invalid trial']!;
  assert.equal(applyClient(viewCell(run.cells[0]!, trials, armNames(run))), null);
});
