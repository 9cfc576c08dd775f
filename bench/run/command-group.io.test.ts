// command-group.io.test.ts: a command with all its processes is read and ended, whatever it does.
import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { CommandGroup } from './command-group.ts';
import { isGone } from './testing/processes.ts';

const NODE = `'${process.execPath}'`;
const GRACE_MS = 200;

async function start(t: TestContext, command: string): Promise<CommandGroup> {
  const group = await CommandGroup.start({ command, cwd: tmpdir(), env: process.env });
  t.after(() => group.kill(0));
  return group;
}

async function printed(group: CommandGroup, pattern: RegExp): Promise<RegExpExecArray> {
  for (;;) {
    const found = pattern.exec(group.head());
    if (found !== null) return found;
    assert.equal(group.end, undefined, group.head());
    await delay(5);
  }
}

const stubborn: [why: string, command: string][] = [
  ['one that ignores SIGTERM', `trap '' TERM; echo pid $$; while :; do sleep 1; done`],
  ['a child of a child', `sh -c 'echo pid $$; sleep 600; :'; :`],
  ['a daemon with a session of its own', `setsid sh -c 'echo pid $$; sleep 600; :' & wait`],
  ['one whose parent has ended', `(sh -c 'echo pid $$; sleep 600; :' &) ; sleep 600; :`],
];
describe('all processes of a command are gone after kill', () => {
  for (const [why, command] of stubborn) {
    test(why, async t => {
      const group = await start(t, command);
      const [, pid] = await printed(group, /pid (\d+)\n/);
      assert.equal(isGone(Number(pid)), false);
      await group.kill(GRACE_MS);
      assert.ok(isGone(Number(pid)));
    });
  }
});

test('CPU time is that of children and of threads, ended ones too', async t => {
  const burn = `const { cpuUsage } = process; while (cpuUsage().user + cpuUsage().system < 150000);`;
  const ended = `${NODE} -e "${burn}"; echo ended; sleep 600; :`;
  const group = await start(t, ended);
  await printed(group, /ended/);
  // Since its start: an earlier reading would come after an unknown part of it.
  const usedUs = group.read()!.cpuUs;
  assert.ok(usedUs > 100_000, `${usedUs} µs`);
  assert.ok(group.read()!.rssBytes > 0);
});

test('output is kept in order, cut when long, and shown without escapes', async t => {
  const script = `console.error('first'); for (let i = 0; i < 40000; i++) console.log('line ' + i + ' of a long log, which is cut between slices'); console.log(String.fromCharCode(27) + '[31mlast' + String.fromCharCode(7)); setInterval(() => {}, 1e6)`;
  const group = await start(t, `${NODE} -e "${script}"; :`);
  await printed(group, /^first\n/);
  while (!group.tail().includes('last')) await delay(5);
  const tail = group.tail();
  assert.ok(tail.length <= 4_000 && tail.endsWith('last\\u0007'), JSON.stringify(tail.slice(-100)));
  group.read();
  assert.equal(group.head(), '');
  assert.equal(group.tail(), tail);
});

test('how it ended is known, and its folder must exist', async t => {
  const group = await start(t, 'echo no such file >&2; exit 3');
  assert.equal(await group.ended, 'exit status 3');
  assert.equal(group.tail(), 'no such file');
  await assert.rejects(
    CommandGroup.start({ command: 'true', cwd: '/nowhere', env: process.env }),
    /folder not found: \/nowhere/,
  );
});
