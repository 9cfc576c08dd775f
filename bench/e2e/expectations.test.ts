// What a scenario expects decides the exit status: 1 only when the interval excludes the limit, on fresh replicates too.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callCli } from '../testing/in-process.ts';
import { runHere } from './testing/cli.ts';
import { openWorkspace, tinyScenario } from './testing/workspace.ts';

/** No connection of `short` carries more than one request. */
const perRequest = { metric: 'connectionsPer1kRequests', of: 'short' } as const;

test('one fails, now and again: exit status 1', async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario({
    ...tinyScenario({ minReplicates: 3, maxReplicates: 3, budgetMs: 60_000 }),
    clients: { short: { requestsPerConnection: 1 } },
    expect: [
      { ...perRequest, atLeast: 1_000, atMost: 1_000 },
      { ...perRequest, atMost: 1 },
    ],
  });
  const { status, stdout, stderr } = await runHere(t, ['run', file, '--confirm', '--verbose'], {
    cwd: workspace.dir,
  });
  assert.equal(status, 1, stderr + stdout);
  assert.match(stdout, /FAIL/);
  const verdict = /✗ connections \/ 1,000 requests, short +≤ 1 +1,000.* 1,000 times as high/;
  const lines = stdout.replaceAll('\n', ' ').trim();
  for (const part of [lines.slice(0, 300), lines.slice(-500)]) assert.match(part, verdict);
  const [cell] = workspace.onlyRun().run!.cells;
  assert.equal(cell!.replicates, 6);
  assert.deepEqual(
    cell!.expectations.map(({ state, confirmation }) => [state, confirmation?.state]),
    [
      ['pass', undefined],
      ['fail', 'fail'],
    ],
  );
});

test('an expectation of an arm that does not exist is refused before anything starts', async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario({
    ...tinyScenario(),
    expect: [{ ...perRequest, of: 'shrot', atMost: 1_000 }],
  });
  const { status, stderr } = await callCli(['run', file], { cwd: workspace.dir });
  assert.equal(status, 2);
  assert.match(stderr, /expect\.0\.of: no client "shrot"\n\s+did you mean short/);
});
