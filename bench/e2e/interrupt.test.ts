// Ctrl-C at any moment: what was measured is kept and shown as partial, and nothing is left running.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { listenOnLoopback } from '../../servers/testing/servers.ts';
import { callCli } from '../testing/in-process.ts';
import { type CliResult, startCli, startProgram } from './testing/cli.ts';
import { reasonWithout } from './testing/server-programs.ts';
import {
  openWorkspace,
  RUN_FILES,
  soloScenario,
  storedRuns,
  tinyScenario,
  type Workspace,
} from './testing/workspace.ts';

/** Long enough that only an interrupt can end it. */
const ENDLESS = { measureMs: 60_000, budgetMs: 60_000, sliceMs: 250 } as const;
const WARMING_UP = /warming up/;
const MEASURING = /measuring/;
const INTERRUPTED = /Interrupted: .*Ctrl-C again/;

/** Ended before anything was measured: one sentence, and the latest run is still the one before. */
function assertNothingKept({ status, stdout, stderr }: CliResult, { results }: Workspace): void {
  assert.deepEqual([status, stdout], [130, ''], stderr);
  assert.match(stderr, INTERRUPTED);
  assert.match(stderr, /^Nothing was measured yet, so nothing is stored\.$/m);
  assert.deepEqual(storedRuns(results), []);
  assert.ok(!existsSync(join(results, 'latest')));
}

test('while the processes start: nothing was measured, and nothing is stored', async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario(soloScenario(ENDLESS));
  const cli = startCli(t, ['run', file], { cwd: workspace.dir });
  await cli.spawned('target-child');
  cli.interrupt();
  assertNothingKept(await cli.result, workspace);
});

test('during warm-up: nothing was measured yet, and nothing is stored', async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario(
    soloScenario({ ...ENDLESS, warmupMinMs: 60_000, warmupMaxMs: 60_000 }),
  );
  const cli = startCli(t, ['run', file], { cwd: workspace.dir });
  await cli.seen(WARMING_UP);
  cli.interrupt();
  assertNothingKept(await cli.result, workspace);
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
  const again = await callCli(['report'], { cwd: workspace.dir });
  assert.equal(again.stdout, stdout);
});

const tools = ['wrk', 'hey'].filter(program => reasonWithout(program) === false);

for (const [signal, expected, extra] of [
  ['SIGTERM', 143, {}],
  ['SIGHUP', 129, Object.fromEntries(tools.map(transport => [transport, { transport }]))],
] as const) {
  test(`${signal} to the whole group is like Ctrl-C: no trial fails, and the status names the signal`, async t => {
    const workspace = await openWorkspace(t);
    const scenario = soloScenario({ ...ENDLESS, sliceMs: 1_000 });
    const file = await workspace.writeScenario({ ...scenario, clients: { ...scenario.clients, ...extra } });
    const cli = startCli(t, ['run', file], { cwd: workspace.dir });
    await cli.seen(MEASURING);
    cli.interrupt(signal);
    const { status, stderr } = await cli.result;
    assert.equal(status, expected, stderr);
    const { files, run, trials } = workspace.onlyRun();
    assert.deepEqual(files, RUN_FILES);
    assert.deepEqual([run?.state, run?.cells[0]?.failedTrials], ['partial', 0]);
    assert.ok(trials.some(result => result.state === 'completed' && result.measurement.completed > 0));
  });
}

test('before anything is measured a signal ends it at once, whatever it waits for', async t => {
  const workspace = await openWorkspace(t);
  await writeFile(
    join(workspace.dir, 'endless.ts'),
    'await new Promise(resolve => setTimeout(resolve, 60_000));',
  );
  const cli = startCli(t, ['run', './endless.ts'], { cwd: workspace.dir });
  await cli.spawnedProgram('scenario-child');
  cli.interrupt('SIGTERM');
  const { status, stdout, stderr } = await cli.result;
  assert.deepEqual(
    [status, stdout, stderr],
    [
      143,
      '',
      'Interrupted while reading the scenarios and the modules that they name: nothing was measured.\n',
    ],
  );
});

test('so does Ctrl-C while a server has not yet answered its first question', async t => {
  const workspace = await openWorkspace(t);
  const server = createServer(() => {}); // accepts, and never says a word
  const port = await listenOnLoopback(t, server);
  const url = `http://127.0.0.1:${port}/`;
  const file = await workspace.writeScenario({ ...soloScenario(), target: { url } });
  const asked = once(server, 'connection');
  const cli = startCli(t, ['run', file], { cwd: workspace.dir });
  await asked;
  cli.interrupt();
  const { status, stderr } = await cli.result;
  assert.equal(status, 130);
  assert.match(
    stderr,
    new RegExp(`^Interrupted while asking ${url} for the first time: nothing was measured\\.$`, 'm'),
  );
  assert.deepEqual(storedRuns(workspace.results), []);
});

test('Ctrl-C again ends at once, a process that hangs included', async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario(soloScenario(ENDLESS));
  const cli = startCli(t, ['run', file], { cwd: workspace.dir });
  await cli.seen(MEASURING);
  // Stopped generators can't obey the first Ctrl-C, so there is time for a second; nor do they see their channel close.
  for (const { pid } of cli.children('generator-child')) process.kill(pid, 'SIGSTOP');
  cli.interrupt();
  await cli.seen(INTERRUPTED);
  const key = setInterval(() => cli.interrupt(), 50);
  const { status, stdout } = await cli.result.finally(() => clearInterval(key));
  assert.deepEqual([status, stdout], [130, '']);
  assert.equal(workspace.onlyRun().run, undefined, 'there was no time for a report');
});

test('through npm, which passes Ctrl-C on a second time, it is still one Ctrl-C', async t => {
  const workspace = await openWorkspace(t);
  await workspace.writeScenario(soloScenario(ENDLESS));
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
