// Two codes measured in the same slices: other versions of a package, and what is refused.
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { putFakeNpm } from '../run/testing/fake-npm.ts';
import { callCli } from '../testing/in-process.ts';
import { runHere } from './testing/cli.ts';
import { openWorkspace, tinyScenario } from './testing/workspace.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('two versions of a package, each installed for the run and gone after it', async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario(tinyScenario());
  const spec = `undici@file:${join(root, 'node_modules/undici-7')}`;
  const args = ['ab', file, '--arm', 'persistent', '--before-package', spec, '--no-confirm', '--verbose'];
  const { stdout, stderr } = await runHere(t, args, { cwd: workspace.dir, env: { TMPDIR: workspace.dir } });
  const { run, trials } = workspace.onlyRun();
  const [cell] = run!.cells;
  assert.match(cell!.code['before']!, /^undici 7\.\d+\.\d+$/, stderr);
  assert.equal(cell!.code['after'], 'this conntax');
  assert.ok(
    trials.every(({ state }) => state === 'completed'),
    stderr,
  );
  for (const arm of cell!.arms) assert.ok(arm.completed > 0 && arm.failed === 0, JSON.stringify(arm));
  assert.match(stdout, /code of undici 7\.|Is this conntax better or worse than undici 7/);
  assert.equal(cell!.expectations.length, 4);
});

test('a package of the target is in the target alone, and its process a fresh one in each replicate', async t => {
  const workspace = await openWorkspace(t);
  const fake = join(workspace.dir, 'fastify');
  await mkdir(fake);
  const manifest = { name: 'fastify', version: '9.9.9', type: 'module', exports: './index.js' };
  await writeFile(join(fake, 'package.json'), JSON.stringify(manifest));
  const log = join(workspace.dir, 'imports.txt');
  await writeFile(
    join(fake, 'index.js'),
    `import { appendFileSync } from 'node:fs';
    appendFileSync(${JSON.stringify(log)}, process.argv[1] + '\\n');
    export { default } from ${JSON.stringify(join(root, 'node_modules/fastify/fastify.js'))};`,
  );
  const file = await workspace.writeScenario(
    tinyScenario({ minReplicates: 2, maxReplicates: 2, budgetMs: 60_000 }),
  );
  const spec = `fastify@file:${fake}`;
  const args = ['ab', file, '--side', 'target', '--arm', 'short', '--after-package', spec, '--no-confirm'];
  const { stderr } = await runHere(t, args, { cwd: workspace.dir, env: { TMPDIR: workspace.dir } });
  const { run, trials } = workspace.onlyRun();
  assert.equal(run!.cells[0]!.targetCode['after'], 'fastify 9.9.9', stderr);
  assert.deepEqual(
    trials.map(({ state }) => state),
    ['completed', 'completed', 'completed', 'completed'],
    stderr,
  );
  const importers = (await readFile(log, 'utf8')).trim().split('\n');
  assert.deepEqual(
    importers.map(path => path.replace(/.*\//, '')),
    ['target-child.ts', 'target-child.ts'],
  );
});

for (const [side, spec] of [
  ['client', 'fastify'],
  ['target', 'undici'],
] as const) {
  test(`a package that the ${side} does not load is no comparison, and said to be none`, async t => {
    const workspace = await openWorkspace(t);
    const file = await workspace.writeScenario(
      tinyScenario({ minReplicates: 2, maxReplicates: 9, budgetMs: 60_000 }),
    );
    await putFakeNpm(t, { versions: ['1.0.0'] });
    const args = ['ab', file, '--side', side, '--arm', 'short', '--after-package', `${spec}@1.0.0`];
    const { status, stdout, stderr } = await runHere(t, args, {
      cwd: workspace.dir,
      env: { TMPDIR: workspace.dir },
    });
    assert.equal(status, 3, stderr);
    assert.match(
      stdout.replaceAll(/\s+/g, ' '),
      new RegExp(`never loaded ${spec}, so replacing it has no effect`),
    );
    const [cell] = workspace.onlyRun().run!.cells;
    assert.deepEqual([cell!.stop, cell!.replicates], ['failed', 2]);
  });
}

test('refused: two codes of a server that conntax does not start', async t => {
  const workspace = await openWorkspace(t);
  const { target: _own, ...scenario } = tinyScenario();
  const file = await workspace.writeScenario({ ...scenario, target: { url: 'http://127.0.0.1:9/' } });
  const args = ['ab', file, '--side', 'target', '--after', '.'];
  const { status, stderr } = await callCli(args, { cwd: workspace.dir });
  assert.equal(status, 2);
  assert.match(stderr, /scenario tiny uses an external server \(http:\/\/127\.0\.0\.1:9\/\)/);
});

const refusals: [why: string, args: string[], told: RegExp][] = [
  ['nothing to compare', [], /nothing to compare/],
  [
    'two ways to say one side',
    ['--before', '.', '--before-package', 'undici@7'],
    /use only one of --before and --before-package$/m,
  ],
  [
    'a package and a version of Node for one side',
    ['--after-node', '24', '--after-package', 'undici@7'],
    /use only one of --after-package and --after-node$/m,
  ],
  ['a folder that is not there', ['--before', './nowhere'], /folder not found: .*nowhere/],
  ['a client that is not there', ['--before', '.', '--client', 'persistnt'], /did you mean persistent/],
  ['the same by the older name', ['--before', '.', '--arm', 'persistnt'], /did you mean persistent/],
  [
    'two clients by both names of the option',
    ['--before', '.', '--arm', 'short', '--client', 'persistent'],
    /--arm is another name of --client/,
  ],
  ['a side that is neither', ['--before', '.', '--side', 'server'], /Allowed choices are client, target/],
  ['no package', ['--after-package', '--global'], /is not a package|argument missing/],
];
for (const [why, args, told] of refusals) {
  test(`refused: ${why}`, async t => {
    const { dir } = await openWorkspace(t);
    const { status, stderr } = await callCli(['ab', ...args], { cwd: dir });
    assert.equal(status, 2);
    assert.match(stderr, told);
  });
}
