// What was started ends with the process that started it, however that ends, and in whatever state it is itself.
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { childrenOf, eventually, isGone } from './run/testing/processes.ts';

const PARENT = fileURLToPath(new URL('./run/testing/watching-parent.ts', import.meta.url));
const skip = process.platform === 'win32' ? 'there is no sh on Windows' : false;

const ENDS: [how: string, end: (parent: ChildProcess, children: readonly number[]) => void][] = [
  ['it exits', parent => parent.send('exit')],
  ['it is killed', parent => parent.kill('SIGKILL')],
  [
    'it is killed while its children are stopped',
    (parent, children) => {
      for (const pid of children) process.kill(pid, 'SIGSTOP');
      parent.kill('SIGKILL');
    },
  ],
  [
    'it is killed together with all of its group',
    parent => process.kill(-parent.pid!, 'SIGKILL'), // of which the children are part: only the watchdog is not
  ],
];
for (const [how, end] of ENDS) {
  test(`a process ends with its parent: ${how}`, { skip }, async t => {
    const parent = fork(PARENT, { stdio: 'ignore', detached: true });
    t.after(() => parent.kill('SIGKILL'));
    const ended = once(parent, 'exit');
    const [children] = (await once(parent, 'message')) as [number[]];
    assert.ok(children.every(pid => !isGone(pid)));
    // The leader of the group, also a shell, may be just ending.
    const watchdogs = childrenOf(parent.pid!).filter(({ commandLine }) => commandLine.includes('trap'));
    assert.equal(watchdogs.length, 1, 'one for all');
    end(parent, children);
    await ended;
    await eventually('all are gone, the watchdog too', () => [...children, watchdogs[0]!.pid].every(isGone));
  });
}

test('a process that is stopped ends, and what it started with it', {
  skip: process.platform === 'linux' ? false : 'nothing shows who is stopped',
}, async t => {
  const parent = fork(PARENT, { stdio: 'ignore', env: { ...process.env, END_WHEN_STOPPED: '0.1' } });
  t.after(() => parent.kill('SIGKILL'));
  const ended = once(parent, 'exit');
  const [children] = (await once(parent, 'message')) as [number[]];
  const all = [...children, ...childrenOf(parent.pid!).map(({ pid }) => pid)];
  parent.kill('SIGSTOP');
  assert.deepEqual(await ended, [null, 'SIGKILL']);
  await eventually('all are gone', () => all.every(isGone));
});
