// A control group is made where the kernel's version allows one, and removed however the process that made it ends.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CpuGroup } from './cpu-group.ts';
import { openLimitedMachine } from './limited-machine.ts';
import { eventually, isGone } from './testing/processes.ts';

/** Plain folders in place of /proc and of the mount of version 2. */
function fakeSystem(t: TestContext, files: Record<string, string>): { proc: string; mount: string } {
  const proc = mkdtempSync(join(tmpdir(), 'conntax-cgroup-'));
  t.after(() => rmSync(proc, { recursive: true }));
  const mount = join(proc, 'mount');
  const mountinfo = `1 1 0:1 / ${mount} rw - cgroup2 cgroup2 rw`;
  for (const [path, text] of Object.entries({ ...files, 'self/mountinfo': mountinfo })) {
    mkdirSync(dirname(join(proc, path)), { recursive: true });
    writeFileSync(join(proc, path), text);
  }
  return { proc, mount };
}

test('version 2: a group is made below the innermost one that passes the controller on', t => {
  const { proc, mount } = fakeSystem(t, {
    'self/cgroup': '0::/system.slice/own.scope',
    'mount/cgroup.subtree_control': 'cpu memory\n',
    'mount/system.slice/cgroup.subtree_control': 'cpuset cpu memory\n',
    'mount/system.slice/own.scope/cgroup.subtree_control': '\n',
  });
  const { folder, prefix } = CpuGroup.open(1.5, proc);
  assert.equal(dirname(folder), join(mount, 'system.slice'));
  assert.equal(readFileSync(join(folder, 'cpu.max'), 'latin1'), '150000 100000');
  assert.equal(prefix.at(-1), join(folder, 'cgroup.procs'));
});

test('version 2: where no group passes the controller on, the reason is said', t => {
  const { proc } = fakeSystem(t, {
    'self/cgroup': '0::/',
    'mount/cgroup.subtree_control': 'cpuset memory\n',
  });
  assert.throws(() => CpuGroup.open(1, proc), /no group passes the controller of CPU time on/);
});

async function whyNot(): Promise<string | false> {
  try {
    await (await openLimitedMachine({ serverCpus: 1 })).close();
    return false;
  } catch (error) {
    return (error as Error).message;
  }
}

const PARENT = fileURLToPath(new URL('./testing/grouping-parent.ts', import.meta.url));

test('a group is removed although the process that made it is killed, with a child in it', {
  skip: await whyNot(),
}, async t => {
  const parent = fork(PARENT, { stdio: 'ignore' });
  t.after(() => parent.kill('SIGKILL'));
  const [{ folder, pid }] = (await once(parent, 'message')) as [{ folder: string; pid: number }];
  await eventually('the child is in its group', () =>
    readFileSync(join(folder, 'cgroup.procs'), 'latin1').includes(`${pid}\n`),
  );
  parent.kill('SIGKILL');
  await eventually('child and group are gone', () => isGone(pid) && !existsSync(folder));
});
