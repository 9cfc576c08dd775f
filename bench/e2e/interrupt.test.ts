// Ctrl-C at any moment: what was measured is kept and shown as partial, and nothing is left running.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runCli, startCli, startProgram } from './testing/cli.ts';
import { openWorkspace, RUN_FILES, tinyScenario } from './testing/workspace.ts';

/** Long enough that only an interrupt can end it. */
const ENDLESS = { measureMs: 60_000, budgetMs: 60_000 } as const;
const WARMING_UP = /warming up/;
const MEASURING = /measuring/;
const INTERRUPTED = /Interrupted: .*Ctrl-C again/;

test('while the processes start: nothing was measured, and that is what is stored', async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario(tinyScenario(ENDLESS));
  const cli = startCli(t, ['run', file], { cwd: workspace.dir });
  await cli.spawned('target-child');
  cli.interrupt();
  const { status, stdout } = await cli.result;
  assert.equal(status, 130);
  assert.match(stdout, /interrupted/i);
  const { files, run, trials } = workspace.onlyRun();
  assert.deepEqual(files, RUN_FILES);
  assert.deepEqual(trials, [], 'a process that Ctrl-C ends while it starts is no failed trial');
  assert.equal(run?.state, 'partial');
});

test('during warm-up: nothing was measured yet, and the run is partial', async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario(
    tinyScenario({ ...ENDLESS, warmupMinMs: 60_000, warmupMaxMs: 60_000 }),
  );
  const cli = startCli(t, ['run', file], { cwd: workspace.dir });
  await cli.seen(WARMING_UP);
  cli.interrupt();
  const { status, stderr } = await cli.result;
  assert.equal(status, 130);
  assert.match(stderr, INTERRUPTED);
  const { files, run, trials } = workspace.onlyRun();
  assert.deepEqual(files, RUN_FILES);
  assert.deepEqual(trials, []);
  assert.equal(run?.state, 'partial');
  assert.deepEqual(
    run.cells.map(({ stop, replicates }) => [stop, replicates]),
    [['interrupted', 0]],
  );
});

test('while measuring: what was measured is kept, reported as partial, and can be rendered again', async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario(tinyScenario(ENDLESS));
  const cli = startCli(t, ['run', file], { cwd: workspace.dir });
  await cli.seen(MEASURING);
  cli.interrupt();
  const { status, stdout, stderr } = await cli.result;
  assert.equal(status, 130, stderr);
  assert.match(stdout, /partial/i);
  const { files, run, trials } = workspace.onlyRun();
  assert.deepEqual(files, RUN_FILES);
  assert.equal(run?.state, 'partial');
  assert.equal(run.cells[0]?.stop, 'interrupted');
  assert.ok(trials.length > 0);
  for (const result of trials) {
    assert.ok(result.state === 'completed' && result.isPartial, result.trial.id);
    assert.ok(result.measurement.completed > 0, 'it has figures');
    const { answered, failed, unfinished, requestsSent } = result.measurement.ledger;
    assert.equal(answered + failed + unfinished, requestsSent, 'and they add up');
  }
  const again = await runCli(t, ['report'], { cwd: workspace.dir });
  assert.equal(again.stdout, stdout);
});

test('Ctrl-C again ends at once, a process that hangs included', async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario(tinyScenario(ENDLESS));
  const cli = startCli(t, ['run', file], { cwd: workspace.dir });
  await cli.seen(MEASURING);
  // Stopped generators can't obey the first Ctrl-C, so there is time for a second; nor do they see their channel close.
  for (const { pid } of cli.children('load-child')) process.kill(pid, 'SIGSTOP');
  cli.interrupt();
  await cli.seen(INTERRUPTED);
  const key = setInterval(() => cli.interrupt(), 50);
  const { status, stdout } = await cli.result.finally(() => clearInterval(key));
  assert.deepEqual([status, stdout], [130, '']);
  assert.equal(workspace.onlyRun().run, undefined, 'there was no time for a report');
});

test('through npm, which passes Ctrl-C on a second time, it is still one Ctrl-C', async t => {
  const workspace = await openWorkspace(t);
  await workspace.writeScenario(tinyScenario(ENDLESS));
  const root = fileURLToPath(new URL('../..', import.meta.url));
  // bash becomes the last command of a script, dash stays and takes npm's signal upon itself.
  const npm = ['npm', '--prefix', root, '--script-shell', '/bin/bash', '--silent', 'run', 'conntax', '--'];
  const cli = startProgram(
    t,
    [...npm, 'run', join(workspace.dir, 'tiny.json'), '--results', workspace.results],
    {
      cwd: workspace.dir,
    },
  );
  await cli.seen(MEASURING);
  cli.interrupt();
  const { stdout } = await cli.result;
  assert.match(stdout, /partial/i);
  assert.equal(workspace.onlyRun().run?.state, 'partial');
});
