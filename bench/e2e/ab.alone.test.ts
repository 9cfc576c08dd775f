// Checkouts that are slower on purpose are found by their CPU time, which another test would blur.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runCli, runHere } from './testing/cli.ts';
import { openWorkspace, tinyScenario } from './testing/workspace.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** So much more CPU for each request than it takes that three replicates of a busy machine agree, though their processes are cold. */
const SPIN = 'for (const endMs = performance.now() + 3; performance.now() < endMs; );';

const TIMING = { minReplicates: 3, maxReplicates: 3, budgetMs: 60_000 };

/** A checkout of conntax beside the workspace's scenarios that spins before a statement of one of its files. */
async function makeSlowCheckout(
  dir: string,
  { file, statement }: { file: string; statement: string },
): Promise<void> {
  await mkdir(dir);
  for (const folder of ['bench', 'servers', 'results', 'report', 'scenarios']) {
    await cp(join(root, folder), join(dir, folder), { recursive: true });
  }
  await cp(join(root, 'package.json'), join(dir, 'package.json'));
  await symlink(join(root, 'node_modules'), join(dir, 'node_modules'));
  const source = await readFile(join(dir, file), 'utf8');
  assert.ok(source.includes(statement), `${file} has ${statement}`);
  await writeFile(join(dir, file), source.replace(statement, `${SPIN}\n      ${statement}`));
}

test('a slower client is found: exit status 1', async t => {
  const workspace = await openWorkspace(t);
  await makeSlowCheckout(join(workspace.dir, 'slow'), {
    file: 'bench/clients/undici-calls.ts',
    statement: 'beginExchange(exchange);',
  });
  const file = await workspace.writeScenario(tinyScenario(TIMING));
  const args = ['ab', file, '--arm', 'persistent', '--after', 'slow', '--no-confirm'];
  const { status, stdout, stderr } = await runHere(t, args, { cwd: workspace.dir });
  assert.equal(status, 1, stdout + stderr);
  const [cell] = workspace.onlyRun().run!.cells;
  const cpu = cell!.expectations.find(({ expectation }) => expectation.metric === 'cpuUsPerRequest')!;
  assert.equal(cpu.state, 'fail');
  assert.ok(cpu.first.interval!.value > 1.5);
});

test('a slower target is found by its CPU per request: exit status 1', async t => {
  const workspace = await openWorkspace(t);
  await makeSlowCheckout(join(workspace.dir, 'slow'), {
    file: 'servers/app.ts',
    statement: 'reply.hijack();',
  });
  const file = await workspace.writeScenario(tinyScenario(TIMING));
  const args = [
    'ab',
    file,
    '--side',
    'target',
    '--arm',
    'persistent',
    '--after',
    'slow',
    '--no-confirm',
    '--verbose',
  ];
  const { status, stdout, stderr } = await runCli(t, args, { cwd: workspace.dir });
  assert.equal(status, 1, stdout + stderr);
  const { run, trials } = workspace.onlyRun();
  const [cell] = run!.cells;
  assert.deepEqual([cell!.code, cell!.targetCode], [{}, { before: 'this conntax', after: 'slow' }]);
  const states = new Map(cell!.expectations.map(result => [result.expectation.metric, result]));
  const cpu = states.get('targetCpuUsPerRequest')!;
  assert.equal(cpu.state, 'fail', stdout);
  assert.ok(cpu.first.interval!.value > 1.5);
  assert.notEqual(states.get('successRatio')!.state, 'fail');
  assert.ok(!states.has('cpuUsPerRequest'), 'the client is the same');
  for (const trial of trials) {
    assert.ok(trial.state === 'completed', stderr);
    const { ledger } = trial.measurement;
    assert.deepEqual([ledger.accepted, ledger.requestsSeen], [ledger.opened, ledger.requestsSent]);
  }
  assert.match(stdout, /Is the server of slow better or worse than this conntax\?/);
  assert.match(
    readFileSync(join(workspace.onlyRun().dir, 'report.md'), 'utf8'),
    /Target of after.*code of slow/,
  );
});
