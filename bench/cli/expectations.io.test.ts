// What a scenario expects decides the exit status of `run`: 1 only when the interval excludes the limit, on fresh replicates too.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ScenarioInput } from '../../scenarios/model/scenario.ts';
import { openWorkspace, tinyScenario } from '../e2e/testing/workspace.ts';
import { replayContext } from '../testing/in-process.ts';
import { type RunOptions, runCommand } from './run.ts';

const connections = { metric: 'connectionsPer1kRequests', of: 'short' } as const;
const possible = { ...connections, atLeast: 1_000, atMost: 1_000 };
const impossible = { ...connections, atMost: 1 };
/** The interval of three replicates at this size can't be this narrow. */
const undecidable = { metric: 'successRatio', of: 'short', atLeast: 1 } as const;

const cases: [
  why: string,
  expect: ScenarioInput['expect'],
  options: Partial<RunOptions>,
  status: number,
  told: RegExp,
][] = [
  [
    'all holds',
    [possible],
    { strict: true },
    0,
    /connections \/ 1,000 requests, short ≥ 1,000 and ≤ 1,000.*1,000/,
  ],
  ['one fails, now and again', [possible, impossible], { confirm: true }, 1, /FAIL/],
  ['one can’t be shown', [undecidable], { confirm: false }, 0, /unsure/],
  ['one can’t be shown, and must be', [undecidable], { strict: true }, 1, /unsure/],
];

for (const [why, expect, options, status, told] of cases) {
  test(`${why}: exit status ${status}`, async t => {
    const workspace = await openWorkspace(t);
    const scenario = { ...tinyScenario({ minReplicates: 3, maxReplicates: 3, budgetMs: 60_000 }), expect };
    const file = await workspace.writeScenario(scenario);
    const { context, printed } = replayContext(workspace.dir);
    const measured = await runCommand(
      [file],
      { results: workspace.results, allowHost: [], verbose: true, ...options },
      context,
    );
    const stdout = printed.out.join('\n');
    assert.equal(measured, status, printed.notes.join('\n') + stdout);
    assert.match(stdout, told);
    const verdict = /✗ connections \/ 1,000 requests, short +≤ 1 +1,000.* 1,000 times as high/;
    const lines = stdout.replaceAll('\n', ' ').trim();
    const isTold = [lines.slice(0, 300), lines.slice(-500)].map(part => verdict.test(part));
    assert.deepEqual(
      isTold,
      Array(2).fill(expect!.length === 2),
      'what failed is the first and the last word',
    );
    const [cell] = workspace.onlyRun().run!.cells;
    const isMeasuredAgain = options.confirm === true;
    assert.equal(cell!.replicates, isMeasuredAgain ? 6 : 3);
    assert.equal(cell!.expectations.at(-1)!.confirmation !== null, isMeasuredAgain);
  });
}

test('a scenario whose limits this machine cannot set is skipped, with the reason; the others decide the exit status', async t => {
  const workspace = await openWorkspace(t);
  const timing = { minReplicates: 3, maxReplicates: 3, budgetMs: 60_000 };
  const files = [
    await workspace.writeScenario({ ...tinyScenario(timing), expect: [possible] }),
    await workspace.writeScenario(
      {
        ...tinyScenario(timing),
        name: 'few-ports',
        limits: { localPorts: 256 },
        expect: [impossible],
      },
      'few-ports.json',
    ),
  ];
  const { context, printed } = replayContext(workspace.dir);
  const { PATH } = process.env;
  t.after(() => Object.assign(process.env, { PATH }));
  // Without any program there is no namespace.
  process.env['PATH'] = workspace.dir;
  const options = { results: workspace.results, allowHost: [] };
  assert.equal(await runCommand(files, options, context), 0);
  const reason =
    /few-ports is skipped: no network namespace of its own \(.*ENOENT.*\); expected: Linux, root/;
  assert.match(printed.notes.join('\n'), reason);
  assert.match(printed.out.join('\n'), /1 of 2 scenarios skipped/);
  const { cells, skipped } = workspace.onlyRun().run!;
  assert.deepEqual(
    [cells.map(({ cell }) => cell), skipped?.map(({ cell }) => cell)],
    [['tiny'], ['few-ports']],
  );
  await assert.rejects(runCommand(files.slice(1), options, context), reason);
});
