// `conntax init` writes files that work as they are, and never over others.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { openEchoServer } from '../../servers/testing/servers.ts';
import { callCli } from '../testing/in-process.ts';
import { runCli } from './testing/cli.ts';
import { openWorkspace } from './testing/workspace.ts';

test('the scenario and its module can be run at once, and the workflow is one', async t => {
  const workspace = await openWorkspace(t);
  const { endpoint } = await openEchoServer(t);
  const cwd = workspace.dir;
  const { status, stdout, stderr } = await runCli(t, ['init', '--url', `${endpoint.origin}/health`], { cwd });
  assert.equal(status, 0, stderr);
  const written = [...stdout.matchAll(/^wrote (.*)$/gm)].map(([, path]) => path!);
  assert.equal(written.length, 3);
  const workflow = parse(readFileSync(join(cwd, '.github/workflows/conntax.yml'), 'utf8'));
  const steps: { run?: string }[] = workflow.jobs.bench.steps;
  assert.ok(steps.some(({ run }) => run?.includes('npx --no conntax ci ./conntax/service.json')));
  assert.ok(steps.some(({ run }) => run?.startsWith(`PORT=${new URL(endpoint.origin).port} npm start`)));
  assert.match(stderr, /conntax only as a dependency/);
  const dry = await callCli(['run', './conntax/service.json', '--dry-run'], { cwd });
  assert.equal(dry.status, 0, dry.stderr);
  assert.match(dry.stdout, /ours/);
});

test('a file that is there stays as it is, and nothing else is written', async t => {
  const workspace = await openWorkspace(t);
  const cwd = workspace.dir;
  writeFileSync(join(cwd, 'package.json'), '{"devDependencies":{"conntax":"file:conntax-0.1.0.tgz"}}');
  const first = await callCli(['init'], { cwd });
  assert.equal(first.status, 0);
  assert.doesNotMatch(first.stderr, /dependency/);
  const file = join(cwd, 'conntax/client.mjs');
  writeFileSync(file, 'mine');
  const { status, stderr, stdout } = await callCli(['init'], { cwd });
  assert.deepEqual([status, stdout], [2, '']);
  assert.match(stderr, /conntax\/client\.mjs.*already there, so nothing was written/);
  assert.equal(readFileSync(file, 'utf8'), 'mine');
});

test('what is not a URL, or holds a password, is refused before a file is written', async t => {
  const { dir: cwd } = await openWorkspace(t);
  for (const [url, told] of [
    ['127.0.0.1:3000', /not a URL of a server; expected: such as http:\/\/127\.0\.0\.1:3000/],
    ['http://me:hunter2@127.0.0.1/', /^(?!.*hunter2).*--url has a user or a password/s],
  ] as const) {
    const { status, stderr } = await callCli(['init', '--url', url], { cwd });
    assert.equal(status, 2, stderr);
    assert.match(stderr, told);
  }
  assert.ok(!existsSync(join(cwd, 'conntax')));
});
