// A sweep from the command line to the files: planned, announced before it starts, measured cell by cell, reported as one.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { callCli } from '../testing/in-process.ts';
import { runHere } from './testing/cli.ts';
import { openWorkspace, tinyScenario } from './testing/workspace.ts';

const SWEEP = { 'clients.*.pool.maxConnections': [4, 2] };

test('a sweep is measured cell by cell, and reported as one', async t => {
  const workspace = await openWorkspace(t);
  const { dir } = workspace;
  const file = await workspace.writeScenario({ ...tinyScenario({ budgetMs: 6_000 }), sweep: SWEEP });
  const run = await runHere(t, ['run', file, '--seed', '7', '--verbose'], { cwd: dir });
  assert.equal(run.status, 0, run.stderr);
  const stored = workspace.onlyRun();

  await t.test('the estimated time is shown before it starts', () => {
    assert.match(run.stderr.split('\n')[0]!, /^(?:About .*, )?\d+ (?:s|min) at most, for 2 cells\.$/);
    const started = [...run.stderr.matchAll(/^\[(\d)\/2\] tiny\[maxConnections=(\d)\]: .*\(budget /gm)];
    assert.deepEqual(
      started.map(([, place]) => place),
      ['1', '2'],
    );
    assert.deepEqual(started.map(([, , value]) => value).sort(), ['2', '4']);
  });

  await t.test('every cell is stored with its place, its value and its trials', () => {
    const cells = stored.run!.cells;
    for (const { cell, sweepPoints, scenario } of cells) {
      const value = Number(sweepPoints[0]!.value);
      assert.deepEqual(sweepPoints, [{ path: 'clients.*.pool.maxConnections', value }]);
      assert.equal(cell, `tiny[maxConnections=${value}]`);
      assert.deepEqual(
        Object.values(scenario.clients).map(({ pool }) => pool.maxConnections),
        [value, value],
      );
      const own = stored.trials.filter(({ trial }) => trial.cell === cell);
      assert.equal(own.length, 2);
      for (const result of own) {
        assert.ok(result.state === 'completed' && result.trial.client.pool.maxConnections === value);
        if (result.trial.arm === 'persistent') assert.ok(result.measurement.ledger.opened <= value);
      }
    }
    assert.equal(new Set(cells.map(({ cell }) => cell)).size, 2);
    const tags = readFileSync(join(stored.dir, 'latency.hlog'), 'utf8').match(/^Tag=[^,\s]+,/gm);
    assert.equal(new Set(tags).size, 4);
  });

  await t.test('the report has the sweep first, in order of the values, and each cell in a line', () => {
    assert.match(run.stdout, /^(?:As max connections rises from 2 to 4|Too few)/m);
    const table =
      /^Requests\/s\n(?:.*\n){2}((?: +\d.*\n){2})/m.exec(run.stdout)?.[1] ?? assert.fail(run.stdout);
    assert.deepEqual(
      table
        .trimEnd()
        .split('\n')
        .map(line => line.trim().split(/\s/)[0]),
      ['2', '4'],
    );
    assert.match(run.stdout, /^Points of the sweep$/m);
    assert.doesNotMatch(run.stdout, /^Results by client$/m);
    const page = readFileSync(join(stored.dir, 'report.html'), 'utf8');
    assert.equal(page.split('<details class="fold">').length, 3);
  });

  await t.test('`report` has it for machines too', async () => {
    const { sweeps, cells } = JSON.parse((await callCli(['report', '--json'], { cwd: dir })).stdout);
    assert.deepEqual([sweeps.length, cells.length], [1, 2]);
  });
});

test('a dry run of a sweep tells cells, order and time, and shows one cell as an example', async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario({ ...tinyScenario({ budgetMs: 60_000 }), sweep: SWEEP });
  const args = ['run', file, '--dry-run', '--seed', '3'];
  const { status, stdout, stderr } = await callCli(args, { cwd: workspace.dir });
  assert.equal(status, 0, stderr);
  for (const told of [
    /^ {2}Sweep: clients\.\*\.pool\.maxConnections = 4, 2$/m,
    /^ {2}Cells: 2, in this order: [24], [24]$/m,
    /^ {2}Target: /m,
    /^ {2}With maxConnections = 4, for example:\n {4}Client short \(baseline\): .*at most 4 connections/m,
    /^ {2}Budget: 1m, shared by 2 cells$/m,
    /^ {2}Time: about .* at most$/m,
    /^.* at most, for 2 cells\.$/m,
  ]) {
    assert.match(stdout, told);
  }
  const plan = JSON.parse((await callCli([...args, '--json'], { cwd: workspace.dir })).stdout);
  const order = plan.cells.map(
    ({ sweepPoints }: { sweepPoints: { value: number }[] }) => sweepPoints[0]!.value,
  );
  assert.deepEqual(order.toSorted(), [2, 4]);
  assert.ok(stdout.includes(`in this order: ${order.join(', ')}\n`), 'the same order for the same seed');
  assert.deepEqual(plan.scenarios[0].sweep, [{ path: 'clients.*.pool.maxConnections', values: [4, 2] }]);
});

test('a faulty sweep is refused, each fault at its place', async t => {
  const workspace = await openWorkspace(t);
  const sweep = { 'clients.*.pool.maxConnection': [1], 'clients.*.pool.pipelining': [1, 0] };
  const file = await workspace.writeScenario({ ...tinyScenario(), sweep });
  const { status, stderr } = await callCli(['run', file], { cwd: workspace.dir });
  assert.equal(status, 2);
  assert.match(
    stderr,
    /^ {2}sweep\."clients\.\*\.pool\.maxConnection": .*\n {4}did you mean clients\.\*\.pool\.maxConnections\?$/m,
  );
  assert.match(stderr, /^ {2}sweep\."clients\.\*\.pool\.pipelining"\.1: 0 is not allowed here\n/m);
});
