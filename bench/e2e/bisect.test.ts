// Real processes: a version of undici that is costlier on purpose is named, and another Node runs the generator.
import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ENDLESS_INSTALL, putFakeNpm } from '../run/testing/fake-npm.ts';
import { runCli, startCli } from './testing/cli.ts';
import { openWorkspace, tinyScenario } from './testing/workspace.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** CPU time, not time by the clock, and many times what a request takes: replicates of a busy machine agree on that. */
const BURN = `const used = () => { const { user, system } = process.cpuUsage(); return user + system; };
for (const endUs = used() + 10_000; used() < endUs; );`;

test('the version that takes more CPU time is named, with exit status 1', async t => {
  const workspace = await openWorkspace(t);
  await putFakeNpm(t, {
    versions: ['1.0.0', '1.1.0'],
    async write(folder, version) {
      const slow = `const { dispatch } = undici.Pool.prototype;
      undici.Pool.prototype.dispatch = function (...args) { ${BURN} return dispatch.apply(this, args); };`;
      await writeFile(
        join(folder, 'index.js'),
        `import undici from ${JSON.stringify(join(root, 'node_modules/undici/index.js'))};
        export * from ${JSON.stringify(join(root, 'node_modules/undici/index.js'))};
        ${version === '1.0.0' ? '' : slow}`,
      );
    },
  });
  const file = await workspace.writeScenario({
    ...tinyScenario({ minReplicates: 4, maxReplicates: 10, budgetMs: 150_000 }),
    load: { concurrency: 1 },
  });
  const args = ['bisect', 'undici@1.0..1.1', file, '--client', 'persistent'];
  const { status, stdout, stderr } = await runCli(t, args, {
    cwd: workspace.dir,
    env: { TMPDIR: workspace.dir },
  });
  assert.equal(status, 1, stdout + stderr);
  assert.match(stdout.replace(/\s+/g, ' '), /^undici 1\.1\.0 is the first version that is worse: /);
  const [cell] = workspace.onlyRun().run!.cells;
  assert.deepEqual(cell!.code, { before: 'undici 1.0.0', after: 'undici 1.1.0' });
});

test('the version of Node that is asked for runs one of the two generators', async t => {
  const workspace = await openWorkspace(t);
  const log = join(workspace.dir, 'started.txt');
  await writeFile(log, '');
  const { installed } = await putFakeNpm(t, {
    versions: ['24'],
    async write(folder) {
      const program = join(folder, 'bin/node');
      await mkdir(join(folder, 'bin'));
      await writeFile(program, `#!/bin/sh\necho "$@" >> '${log}'\nexec '${process.execPath}' "$@"\n`);
      await chmod(program, 0o755);
    },
  });
  const file = await workspace.writeScenario(tinyScenario());
  const args = ['ab', file, '--client', 'persistent', '--before-node', '24', '--no-confirm'];
  const { stdout, stderr } = await runCli(t, args, { cwd: workspace.dir, env: { TMPDIR: workspace.dir } });
  const [cell] = workspace.onlyRun().run!.cells;
  assert.deepEqual(cell!.code, { before: `Node ${process.versions.node}`, after: 'this conntax' }, stderr);
  for (const arm of cell!.arms) assert.ok(arm.completed > 0, stdout);
  const started = (await readFile(log, 'utf8')).trim().split('\n');
  assert.deepEqual(
    started.map(line => line.replace(/.*\//, '')),
    ['--version', 'generator-child.ts'],
  );
  assert.deepEqual(await installed(), ['node@24']);
});

test('Ctrl-C while a version is installed ends the install, and nothing of it is left', async t => {
  const workspace = await openWorkspace(t);
  await putFakeNpm(t, { versions: ['1.0.0', '1.1.0'], endless: ['1.0.0'] });
  const file = await workspace.writeScenario(tinyScenario());
  const cli = startCli(t, ['bisect', 'some@1.0.0..1.1.0', file, '--client', 'persistent'], {
    cwd: workspace.dir,
    env: { TMPDIR: workspace.dir },
  });
  await cli.spawnedProgram(ENDLESS_INSTALL);
  cli.interrupt();
  const { status, stdout, stderr } = await cli.result;
  assert.equal(status, 130, stderr);
  assert.match(stdout, /Interrupted before some 1\.0\.0 and 1\.1\.0 were told apart/);
  const left = (await readdir(workspace.dir)).filter(name => name.startsWith('conntax-'));
  assert.deepEqual(left, []);
});
