// Two codes measured in the same slices: two real versions of undici, and a checkout whose client is slower on purpose.
import assert from 'node:assert/strict';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runCli } from './testing/cli.ts';
import { openWorkspace, tinyScenario } from './testing/workspace.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('two versions of a package, each installed for the run and gone after it', async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario(tinyScenario({ minReplicates: 2, maxReplicates: 2 }));
  const spec = `undici@file:${join(root, 'node_modules/undici-7')}`;
  const args = ['ab', file, '--arm', 'persistent', '--before-package', spec, '--no-confirm'];
  const { stdout, stderr } = await runCli(t, args, { cwd: workspace.dir, env: { TMPDIR: workspace.dir } });
  const { run, trials } = workspace.onlyRun();
  const [cell] = run!.cells;
  assert.match(cell!.code['before']!, /^undici 7\.\d+\.\d+$/, stderr);
  assert.equal(cell!.code['after'], 'this conntax');
  assert.ok(
    trials.every(({ state }) => state === 'completed'),
    stderr,
  );
  assert.match(stdout, /code of undici 7\.|Does this conntax change what undici 7/);
  assert.equal(cell!.expectations.length, 4);
});

test('a slower client is found, and told by exit status 1', async t => {
  const workspace = await openWorkspace(t);
  const slow = join(workspace.dir, 'slow');
  await mkdir(slow);
  for (const folder of ['bench', 'servers', 'results', 'report']) {
    await cp(join(root, folder), join(slow, folder), { recursive: true });
  }
  await cp(join(root, 'package.json'), join(slow, 'package.json'));
  await symlink(join(root, 'node_modules'), join(slow, 'node_modules'));
  // As much CPU again as many requests take: three replicates of a busy machine have to agree on it.
  const transport = join(slow, 'bench/transports/undici.ts');
  const source = await readFile(transport, 'utf8');
  const spin =
    'for (const endMs = performance.now() + 0.5; performance.now() < endMs; );\n      exchange.transportState ??=';
  assert.ok(source.includes('exchange.transportState ??='));
  await writeFile(transport, source.replace('exchange.transportState ??=', spin));
  const timing = { minReplicates: 3, maxReplicates: 3, budgetMs: 60_000 };
  const file = await workspace.writeScenario(tinyScenario(timing));
  const args = ['ab', file, '--arm', 'persistent', '--after', 'slow', '--no-confirm'];
  const { status, stdout, stderr } = await runCli(t, args, { cwd: workspace.dir });
  assert.equal(status, 1, stdout + stderr);
  const [cell] = workspace.onlyRun().run!.cells;
  const cpu = cell!.expectations.find(({ expectation }) => expectation.metric === 'cpuUsPerRequest')!;
  assert.equal(cpu.state, 'fail');
  assert.ok(cpu.first.interval!.value > 1.5);
});

const refusals: [why: string, args: string[], told: RegExp][] = [
  ['nothing to compare', [], /nothing to compare/],
  ['two ways to say one side', ['--before', '.', '--before-package', 'undici@7'], /give one of them/],
  ['a folder that is not there', ['--before', './nowhere'], /there is no folder .*nowhere/],
  ['an arm that is not there', ['--before', '.', '--arm', 'persistnt'], /did you mean persistent/],
  ['no package', ['--after-package', '--global'], /is no package|argument missing/],
];
for (const [why, args, told] of refusals) {
  test(`refused: ${why}`, async t => {
    const { dir } = await openWorkspace(t);
    const { status, stderr } = await runCli(t, ['ab', ...args], { cwd: dir });
    assert.equal(status, 2);
    assert.match(stderr, told);
  });
}
