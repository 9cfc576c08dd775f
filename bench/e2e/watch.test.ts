// `conntax watch`: a process that leaks is found, with its cause; one that reuses its connections is not accused.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, type TestContext, test } from 'node:test';
import { callCli } from '../testing/in-process.ts';
import { runCli, startCli } from './testing/cli.ts';
import { openWorkspace } from './testing/workspace.ts';

/** A server in a process of its own, which also asks itself: over a new agent each time, or over one. */
const SUBJECT = `
const http = require('node:http');
const [how] = process.argv.slice(1);
const server = http.createServer((request, response) => response.end('ok'));
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const shared = new http.Agent({ keepAlive: true, maxSockets: 3 });
  setInterval(() => {
    const agent = how === 'leaks' ? new http.Agent({ keepAlive: true }) : shared;
    http.get({ host: '127.0.0.1', port, agent }, response => response.resume());
  }, 20);
  console.log(port);
});`;

async function startSubject(t: TestContext, how: 'leaks' | 'reuses'): Promise<{ pid: number; port: number }> {
  const child = spawn(process.execPath, ['--eval', SUBJECT, how], { stdio: ['ignore', 'pipe', 'inherit'] });
  const hasExited = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGKILL');
    await hasExited;
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { pid: child.pid!, port: Number(line) };
}

/** Few more observations than a verdict needs. */
const BRIEFLY = ['--for-sec', '1.2', '--every-ms', '50'];

interface Watched {
  levels: { name: string; last: number; growth: { verdict: string } }[];
}

describe('watch', { concurrency: 2 }, () => {
  test('a process that makes an agent for each request leaks, at both of its ends', async t => {
    const { dir: cwd } = await openWorkspace(t);
    const { pid, port } = await startSubject(t, 'leaks');
    const { status, stdout } = await runCli(t, ['watch', '--pid', String(pid), ...BRIEFLY], { cwd });
    assert.equal(status, 1, stdout);
    assert.match(
      stdout,
      new RegExp(`LEAK {2}ESTABLISHED to 127\\.0\\.0\\.1:${port}: grows by .* neither reused nor closed`),
    );
    assert.match(stdout, new RegExp(`LEAK {2}ESTABLISHED from clients at :${port}: grows by`));
    assert.match(stdout, /LEAK {2}descriptors: grows by/);
  });

  test('a process that reuses its connections does not; its port alone shows the same', async t => {
    const { dir: cwd } = await openWorkspace(t);
    const { pid, port } = await startSubject(t, 'reuses');
    const watches = [
      ['--pid', String(pid)],
      ['--port', String(port)],
    ].map(subject => runCli(t, ['watch', ...subject, ...BRIEFLY, '--json'], { cwd }));
    for (const { status, stdout } of await Promise.all(watches)) {
      assert.equal(status, 0, stdout);
      const { levels } = JSON.parse(stdout) as Watched;
      const open = levels.find(({ name }) => name === `ESTABLISHED to 127.0.0.1:${port}`);
      assert.ok(open!.last >= 1 && open!.last <= 3, `${open!.last} open`);
      assert.notEqual(open!.growth.verdict, 'grows');
    }
  });

  test('the end of the process, or Ctrl-C, is the end of watching: what was seen is shown', async t => {
    const { dir: cwd } = await openWorkspace(t);
    const { pid, port } = await startSubject(t, 'reuses');
    const every = ['--every-ms', '5000', '--for-sec', '600'];
    const ofPort = startCli(t, ['watch', '--port', String(port), ...every], { cwd });
    const ofProcess = startCli(t, ['watch', '--pid', String(pid), ...every], { cwd });
    await Promise.all([ofPort, ofProcess].map(watching => watching.seen(/^Watching /m)));
    ofPort.interrupt();
    process.kill(pid, 'SIGKILL');
    const [interrupted, ended] = await Promise.all([ofPort.result, ofProcess.result]);
    assert.deepEqual([interrupted.status, ended.status], [130, 3]);
    assert.match(ended.stderr, /The process has ended/);
    for (const { stdout } of [interrupted, ended])
      assert.match(stdout, /too few for a verdict; expected: at least 20/);
  });
});

const refused: [words: string[], expected: RegExp][] = [
  [[], /nothing to watch; expected: --pid, --port/],
  [['--pid', '4194305'], /no such process; expected:/],
  [['--pid', 'node'], /Expected: a process id/],
  [['--port', '70000'], /Expected: a port number/],
  [['--pid', '1', '--every-ms', '1'], /from 50 to 60000/],
  [['--pid', '1', '--for-sec', '5'], /10 observations; expected: at least 20/],
];
for (const [words, expected] of refused) {
  test(`refused: watch ${words.join(' ')}`, async t => {
    const { dir: cwd } = await openWorkspace(t);
    const { status, stderr } = await callCli(['watch', ...words], { cwd });
    assert.equal(status, 2);
    assert.match(stderr, expected);
  });
}
