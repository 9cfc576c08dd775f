// The program as the shell sees it: what it prints where, its exit status, and readers that leave.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { CONNTAX, runCli, startProgram } from './testing/cli.ts';
import { openWorkspace } from './testing/workspace.ts';

test('what was asked for is on standard output, what is wrong on the other, with its exit status', async t => {
  const { dir, results } = await openWorkspace(t);
  const listed = await runCli(t, ['list', '--json'], { cwd: dir });
  assert.deepEqual([listed.status, listed.stderr], [0, '']);
  const names = (JSON.parse(listed.stdout) as { name: string }[]).map(({ name }) => name);
  assert.ok(names.includes('short-vs-persistent'));
  const mistyped = await runCli(t, ['rnu'], { cwd: dir });
  assert.deepEqual([mistyped.status, mistyped.stdout], [2, '']);
  assert.match(mistyped.stderr, /unknown command 'rnu'.*Did you mean run\?/s);
  const missing = await runCli(t, ['history'], { cwd: dir });
  assert.deepEqual([missing.status, missing.stdout], [2, '']);
  assert.match(missing.stderr, /^error: no history in results yet: every "conntax ci" run adds to it$/m);
  assert.ok(!existsSync(results), 'no results folder is made');
});

test('a reader of the output that leaves is no failure; a full disk is', async t => {
  const workspace = await openWorkspace(t);
  const quoted = CONNTAX.map(word => `'${word}'`).join(' ');
  const shell = (script: string) => startProgram(t, ['bash', '-c', script], { cwd: workspace.dir }).result;
  const left = await shell(`set -o pipefail; ${quoted} list | true`);
  assert.deepEqual([left.status, left.stderr], [0, '']);
  const gone = await shell(`set -o pipefail; ${quoted} list --nonsense 2>&1 | true`);
  assert.deepEqual([gone.status, gone.stderr], [2, '']);
  const closed = await shell(`${quoted} list >&-`);
  assert.deepEqual([closed.status, closed.stderr], [0, '']);
  const full = await shell(`${quoted} list > /dev/full`);
  assert.equal(full.status, 3);
  assert.match(full.stderr, /^error: cannot write the output: .*no space left.*\n$/);
});
