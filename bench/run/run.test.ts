// When a cell stops, and what a confirmation adds, decided on recorded replicates.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExpectationResult } from '../../scenarios/model/scenario.ts';
import { measureCell } from './run.ts';
import { replay } from './testing/recorded-replicates.ts';
import { makeTinyCell } from './testing/tiny-cell.ts';

test('a failed expectation is measured again on fresh replicates, and both are told', async () => {
  const { options, events } = makeTinyCell({
    timing: { minReplicates: 3, maxReplicates: 3, budgetMs: 60_000 },
    expect: [
      { metric: 'requestsPerSec', of: 'long', atLeast: 1e9 },
      { metric: 'requestsPerSec', of: 'long', atLeast: 1e-9 },
    ],
  });
  const result = await measureCell({ ...options, createSource: replay(), isConfirming: true });
  const [failed, passed] = result.expectations;
  assert.deepEqual(
    [failed!.state, failed!.first.state, failed!.confirmation?.state, failed!.confirmation?.replicates],
    ['fail', 'fail', 'fail', 3],
  );
  assert.deepEqual([passed!.state, passed!.confirmation], ['pass', null]);
  assert.equal(result.replicates, 6);
  const replicates = events.flatMap(event => (event.type === 'replicate-finished' ? [event.replicate] : []));
  assert.deepEqual(replicates, [0, 1, 2, 3, 4, 5], 'numbered on, so that their seeds are fresh');
});

for (const [why, expectations, stop, replicates] of [
  ['one fails', [1e9, 1e-9], 'decided', 3],
  ['all pass', [1e-9, 1e-9], 'decided', 3],
  ['one can be judged by nothing that is measured', [1e-9, null], 'max-replicates', 4],
] as const) {
  test(`until decided, ${why}: ${stop} after ${replicates} replicates`, async () => {
    const { options } = makeTinyCell({
      timing: { minReplicates: 2, maxReplicates: 4, budgetMs: 60_000, until: 'decided' },
      expect: expectations.map(atLeast => ({
        metric: atLeast === null ? 'capacityPerSec' : 'requestsPerSec',
        of: 'long',
        atLeast: atLeast ?? 1,
      })),
    });
    const result = await measureCell({ ...options, createSource: replay(), isConfirming: false });
    assert.deepEqual([result.stop, result.replicates], [stop, replicates]);
  });
}

test('until decided, what failed is measured again until the failure is final', async () => {
  const { options } = makeTinyCell({
    timing: { minReplicates: 2, maxReplicates: 9, budgetMs: 60_000, until: 'decided' },
    expect: [{ metric: 'requestsPerSec', of: 'long', atLeast: 1e9 }],
  });
  const { expectations, replicates } = await measureCell({
    ...options,
    createSource: replay(),
    isConfirming: true,
  });
  const [{ state, first, confirmation, together }] = expectations as [ExpectationResult];
  assert.equal(state, 'fail');
  assert.deepEqual([first.replicates, confirmation?.replicates, together?.replicates], [3, 3, 6]);
  assert.equal(replicates, 6);
});
