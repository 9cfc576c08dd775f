// Real processes: another Node runs the generator, and an install that is interrupted leaves nothing behind.
import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ENDLESS_INSTALL, putFakeNpm } from '../run/testing/fake-npm.ts';
import { runHere, startCli } from './testing/cli.ts';
import { openWorkspace, tinyScenario } from './testing/workspace.ts';

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
  const { stdout, stderr } = await runHere(t, args, { cwd: workspace.dir, env: { TMPDIR: workspace.dir } });
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
