// A run becomes a baseline and another is compared with it by the real program, from stored files alone.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RunSummary } from '../../results/baselines.ts';
import { callCli } from '../testing/in-process.ts';
import { runCli, runHere } from './testing/cli.ts';
import { openWorkspace, tinyScenario } from './testing/workspace.ts';

test('baseline, gate and compare', async t => {
  const workspace = await openWorkspace(t);
  const { dir, results } = workspace;
  const cli = (...args: string[]) => runCli(t, args, { cwd: dir });
  const call = (...args: string[]) => callCli(args, { cwd: dir });
  const file = await workspace.writeScenario(tinyScenario({ minReplicates: 2, maxReplicates: 2 }));
  const run = await runHere(t, ['run', file, '--null-arm'], { cwd: dir });
  assert.equal(run.status, 0, run.stderr);
  const stored = workspace.onlyRun();
  assert.deepEqual(Object.keys(stored.run!.cells[0]!.scenario.clients).sort(), [
    'null',
    'persistent',
    'short',
  ]);

  await t.test('without a baseline the gate says how to make one', async () => {
    const { status, stderr } = await call('gate');
    assert.equal(status, 2);
    assert.match(stderr, /unknown baseline "main".*conntax baseline save/);
  });

  await t.test('a run is saved, and listed', async () => {
    const saved = await cli('baseline', 'save', '--name', 'before', '--force');
    assert.equal(saved.status, 0, saved.stderr);
    const { stdout } = await call('baseline', 'list', '--json');
    assert.deepEqual(
      JSON.parse(stdout).map(({ name, runId }: { name: string; runId: string }) => [name, runId]),
      [['before', stored.id]],
    );
  });

  await t.test('against itself there is no regression, in every form', async () => {
    const { status, stdout, stderr } = await cli('gate', '--baseline', 'before', '--json');
    assert.equal(status, 0, stderr);
    const { checks } = JSON.parse(stdout);
    assert.ok(checks.length > 0);
    assert.ok(checks.every(({ state }: { state: string }) => state !== 'fail'));
    for (const name of ['gate.html', 'gate.md', 'gate.junit.xml']) {
      assert.ok(readFileSync(join(stored.dir, name), 'utf8').includes('persistent'), name);
    }
  });

  await t.test('against a baseline with fewer connections it is one: exit status 1', async () => {
    const path = join(results, 'baselines', 'before.json');
    const baseline: RunSummary = JSON.parse(readFileSync(path, 'utf8'));
    const arm = baseline.cells[0]!.arms.find(({ arm }) => arm === 'persistent')!;
    arm.requestsSent = 1_000_000;
    writeFileSync(path, JSON.stringify(baseline));
    const runPath = join(stored.dir, 'run.json');
    const changed = JSON.parse(readFileSync(runPath, 'utf8'));
    const row = changed.cells[0].arms.find((one: { arm: string }) => one.arm === 'persistent');
    row.opened += Math.ceil(row.requestsSent / 10);
    writeFileSync(runPath, JSON.stringify(changed));
    const { status, stdout } = await call('gate', '--baseline', 'before');
    assert.equal(status, 1, stdout);
    assert.match(
      stdout,
      /^FAIL: unnecessary connections of persistent .*\n+Regression: from .* of requests in tiny/,
    );
  });

  await t.test(
    'where nothing of it was measured, the status is that of what could not be measured',
    async () => {
      const path = join(results, 'baselines', 'before.json');
      const renamed: RunSummary = JSON.parse(readFileSync(path, 'utf8'));
      renamed.cells[0]!.cell = 'an-older-name';
      writeFileSync(path, JSON.stringify(renamed));
      const { status, stdout } = await call('gate', '--baseline', 'before');
      assert.equal(status, 3, stdout);
      assert.match(stdout, /^FAIL: nothing in the baseline could be compared\n/);
      assert.match(stdout, /^- an-older-name was not measured in this run, which has tiny instead\./m);
      assert.match(readFileSync(join(stored.dir, 'gate.junit.xml'), 'utf8'), /errors="1"/);
    },
  );

  await t.test('two runs side by side, whatever changed, are no failure', async () => {
    const { status, stdout } = await cli('compare', stored.id, stored.id);
    assert.equal(status, 0);
    assert.match(stdout, /^unsure +error rate of short /m);
  });
});
