// A supervised process answers, or its end is known with a reason; it can't hang its parent, nor outlive it.
import assert from 'node:assert/strict';
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, suite, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { UsageError } from '../../results/errors.ts';
import { Target } from '../../scenarios/model/target.ts';
import { PROTOCOL_VERSION, type TargetCommand, type TargetReply } from '../../servers/protocol.ts';
import { describeHost, parseCpuList } from '../probes/host.ts';
import { type Child, ChildError, entryFile, type SpawnOptions, spawnChild, TimeLimit } from './child.ts';
import type { OddCommand, OddReply } from './testing/odd-child.ts';
import { eventually, isGone, ourChildren } from './testing/processes.ts';

async function makeFolder(t: TestContext, files: readonly string[]): Promise<string> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'conntax-code-')));
  t.after(() => rm(dir, { recursive: true }));
  for (const file of files) {
    await mkdir(join(dir, file, '..'), { recursive: true });
    await writeFile(join(dir, file), '');
  }
  return dir;
}

describe('Which file is started for whose code, and that a replaced package really is another', () => {
  const exec = promisify(execFile);
  const root = fileURLToPath(new URL('../..', import.meta.url));

  suite('entry file', () => {
    test('ours, unless said otherwise', () => {
      const { path, nodeOptions, env } = entryFile('./generator-child');
      assert.equal(path, join(root, 'bench/run/generator-child.ts'));
      assert.deepEqual([nodeOptions, env], [[], {}]);
    });

    const places = [
      ['a checkout', 'bench/run/generator-child.ts', 'node_modules/undici/index.js'],
      ['a compiled package', 'dist/bench/run/generator-child.js'],
      ['a folder with it installed', 'node_modules/conntax/dist/bench/run/generator-child.js'],
    ] as const;
    for (const [why, file, ...others] of places) {
      test(`of ${why}`, async t => {
        const dir = await makeFolder(t, [file, ...others]);
        assert.equal(entryFile('./generator-child', { label: '', dir, packages: {} }).path, join(dir, file));
      });
    }

    test('a folder without conntax is refused', async t => {
      const dir = await makeFolder(t, ['package.json']);
      assert.throws(() => entryFile('./generator-child', { label: '', dir, packages: {} }), /no conntax in/);
    });

    test('a checkout from before the folders were named so is another version', async t => {
      const dir = await makeFolder(t, ['bench/run/load-child.ts']);
      await writeFile(join(dir, 'package.json'), '{"name":"conntax"}');
      assert.throws(
        () => entryFile('./generator-child', { label: '', dir, packages: {} }),
        /version of conntax whose processes this one cannot start/,
      );
    });

    test('so is a checkout whose packages are not installed', async t => {
      const dir = await makeFolder(t, ['bench/run/generator-child.ts']);
      assert.throws(() => entryFile('./generator-child', { label: '', dir, packages: {} }), /npm ci/);
    });

    test('a replaced package is that of its folder, and no other package changes', async t => {
      const folder = await makeFolder(t, []);
      await mkdir(join(folder, 'node_modules'));
      await symlink(join(root, 'node_modules/undici-7'), join(folder, 'node_modules/undici'));
      const { nodeOptions, env } = entryFile('./generator-child', {
        label: '',
        dir: null,
        packages: { undici: folder },
      });
      const script = join(root, 'bench/run/testing/print-versions.ts');
      const versions = async (options: string[]): Promise<Record<string, string>> => {
        const { stdout } = await exec(process.execPath, [...options, script], {
          env: { ...process.env, ...env },
        });
        return JSON.parse(stdout);
      };
      const [replaced, own] = await Promise.all([versions(nodeOptions), versions([])]);
      assert.match(replaced['undici']!, /^7\./);
      assert.match(own['undici']!, /^8\./);
      assert.equal(replaced['fastify'], own['fastify']);
    });
  });
});

describe("A supervised process answers, or its end is known with a reason; it can't hang its parent, nor outlive it", async () => {
  const LONG_MS = 60_000;
  const SHORT_MS = 50;

  function spawnOdd(t: TestContext, stated: Partial<SpawnOptions> = {}): Child<OddCommand, OddReply> {
    const child = spawnChild<OddCommand, OddReply>({
      title: 'the odd one',
      entry: './testing/odd-child',
      cpu: null,
      ...stated,
    });
    t.after(() => child.kill());
    return child;
  }

  async function failureOf(promise: Promise<unknown>): Promise<ChildError> {
    const error = await promise.then(
      () => assert.fail('it was answered'),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof ChildError, String(error));
    return error;
  }

  const { pinning, pinningDetail } = await describeHost();
  const needsPinning = { skip: pinning === null ? pinningDetail : false };

  suite('child', { concurrency: 4 }, () => {
    after(() => {
      assert.deepEqual(ourChildren(), []);
    });

    test('answers what it is asked, several questions at once', async t => {
      const child = spawnOdd(t);
      const [echoed, facts] = await Promise.all([
        child.ask({ type: 'echo', text: 'hello' }, 'echoed', LONG_MS),
        child.ask({ type: 'facts' }, 'facts', LONG_MS),
      ]);
      assert.equal(echoed.text, 'hello');
      assert.notEqual(facts.cpus, '');
      assert.ok(child.isAlive && child.pid > 0);
    });

    test('has answered in time if its answer is there when this process goes on after standing still', async t => {
      const child = spawnOdd(t);
      await child.ask({ type: 'echo', text: 'up' }, 'echoed', LONG_MS);
      const asked = child.ask({ type: 'echo', text: 'hello' }, 'echoed', SHORT_MS);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20 * SHORT_MS);
      assert.equal((await asked).text, 'hello');
    });

    test('starts, if it has the same version of the messages', async t => {
      const child = spawnOdd(t);
      const { protocol } = await child.start({ type: 'begin', protocol: PROTOCOL_VERSION }, 'begun');
      assert.equal(protocol, PROTOCOL_VERSION);
      assert.ok(child.isAlive);
    });

    test('with another version it is refused and killed', async t => {
      const child = spawnOdd(t);
      const started = child.start({ type: 'begin', protocol: PROTOCOL_VERSION + 1 }, 'begun');
      await assert.rejects(started, (error: unknown) => {
        assert.ok(error instanceof UsageError, String(error));
        assert.match(
          error.message,
          new RegExp(
            `^the odd one runs another version of conntax, with protocol version ${PROTOCOL_VERSION + 1} `,
          ),
        );
        return true;
      });
      assert.ok(isGone(child.pid));
    });

    test('every thread of the process stands back, if it is to', async t => {
      const own = await spawnOdd(t).ask({ type: 'facts' }, 'facts', LONG_MS);
      assert.deepEqual(own.niceness, [getPriority()]);
      const nice = await spawnOdd(t, { niceness: 3 }).ask({ type: 'facts' }, 'facts', LONG_MS);
      assert.deepEqual(nice.niceness, [Math.min(19, getPriority() + 3)]);
    });

    test('the process gets the core', needsPinning, async t => {
      const facts = await spawnOdd(t).ask({ type: 'facts' }, 'facts', LONG_MS);
      const core = parseCpuList(facts.cpus).at(-1)!;
      const pinned = spawnOdd(t, { cpu: core });
      const { cpus } = await pinned.ask({ type: 'facts' }, 'facts', LONG_MS);
      assert.equal(cpus, String(core));
      assert.equal(pinned.pid > 0 && !isGone(pinned.pid), true);
    });

    test('exits while it is asked: died, with status and last words', async t => {
      const child = spawnOdd(t);
      const asked = child.ask({ type: 'exit', status: 3, words: 'no more' }, 'echoed', LONG_MS);
      const { reason, message, stderr } = await failureOf(asked);
      assert.equal(reason, 'died');
      assert.equal(message, 'the odd one ended unexpectedly (exit status 3)');
      assert.equal(stderr, 'no more\n');
      assert.equal(child.isAlive, false);
    });

    test('even an exit with status 0 is unexpected', async t => {
      const asked = spawnOdd(t).ask({ type: 'exit', status: 0, words: '' }, 'echoed', LONG_MS);
      assert.match((await failureOf(asked)).message, /exit status 0/);
    });

    test('crashes: died, and the stack is kept', async t => {
      const { reason, stderr } = await failureOf(spawnOdd(t).ask({ type: 'crash' }, 'echoed', LONG_MS));
      assert.equal(reason, 'died');
      assert.match(stderr, /Error: the fixture crashes\n\s+at /);
    });

    test('is killed by someone: died, with the signal; every question open is answered so', async t => {
      const child = spawnOdd(t);
      await child.ask({ type: 'echo', text: '' }, 'echoed', LONG_MS);
      const asked = [1, 2].map(() => failureOf(child.ask({ type: 'ignore' }, 'echoed', LONG_MS)));
      process.kill(child.pid, 'SIGKILL');
      for (const { reason, message } of await Promise.all(asked)) {
        assert.deepEqual([reason, message], ['died', 'the odd one ended unexpectedly (SIGKILL)']);
      }
    });

    test('once dead, every question is answered by its death, at once', async t => {
      const child = spawnOdd(t);
      const death = await failureOf(child.ask({ type: 'exit', status: 9, words: '' }, 'echoed', LONG_MS));
      assert.equal(await failureOf(child.ask({ type: 'echo', text: '' }, 'echoed', LONG_MS)), death);
      child.tell({ type: 'ignore' });
    });

    for (const type of ['ignore', 'block', 'disconnect'] as const) {
      test(`never answers (${type}): hung, and killed`, async t => {
        const child = spawnOdd(t);
        await child.ask({ type: 'echo', text: '' }, 'echoed', LONG_MS);
        const { reason, message } = await failureOf(child.ask({ type }, 'echoed', SHORT_MS));
        assert.equal(reason, 'hung');
        assert.equal(message, `the odd one did not answer "${type}" within ${SHORT_MS} ms`);
        await child.kill();
        assert.ok(isGone(child.pid));
        assert.equal(child.isAlive, false);
      });
    }

    test('when the announced time is over, it has no more than the rest of the ending to answer', async t => {
      const limit = new TimeLimit(LONG_MS, SHORT_MS);
      const child = spawnOdd(t, { limit });
      await child.ask({ type: 'echo', text: '' }, 'echoed', LONG_MS);
      const asked = failureOf(child.ask({ type: 'ignore' }, 'echoed', LONG_MS));
      limit.restart(1);
      const { reason, message } = await asked;
      assert.equal(reason, 'hung');
      assert.match(
        message,
        /^the odd one did not answer "ignore" within \d+ ms, when the announced time of the run was over$/,
      );
      limit.close();
    });

    test('stopped (SIGSTOP): hung, and killed all the same', async t => {
      const child = spawnOdd(t);
      await child.ask({ type: 'echo', text: '' }, 'echoed', LONG_MS);
      process.kill(child.pid, 'SIGSTOP');
      const { reason } = await failureOf(child.ask({ type: 'echo', text: '' }, 'echoed', SHORT_MS));
      assert.equal(reason, 'hung');
      await eventually('it is gone', () => isGone(child.pid));
    });

    test('says that it failed: failed, with its message; it may be asked again', async t => {
      const child = spawnOdd(t);
      const asked = child.ask({ type: 'fail', message: 'no such thing' }, 'echoed', LONG_MS);
      const { reason, message } = await failureOf(asked);
      assert.deepEqual([reason, message], ['failed', 'the odd one: no such thing']);
      assert.equal((await child.ask({ type: 'echo', text: 'on' }, 'echoed', LONG_MS)).text, 'on');
    });

    test('of what it says on standard error the end is kept', async t => {
      const { stderr } = await failureOf(
        spawnOdd(t).ask({ type: 'chatter', lines: 5_000 }, 'echoed', LONG_MS),
      );
      assert.ok(stderr.length <= 4_000, `${stderr.length} characters`);
      assert.ok(stderr.endsWith('line 4999\nline 5000\n'), stderr.slice(-40));
    });

    test('kill resolves when it is gone, and again', async t => {
      const child = spawnOdd(t);
      await child.ask({ type: 'echo', text: '' }, 'echoed', LONG_MS);
      await Promise.all([child.kill(), child.kill()]);
      assert.ok(isGone(child.pid));
      await child.kill();
      assert.equal(child.isAlive, false);
    });

    test('its compiled code is kept for the next one, though it is killed', async t => {
      const folder = await makeFolder(t, []);
      const { NODE_COMPILE_CACHE: before } = process.env;
      process.env['NODE_COMPILE_CACHE'] = folder;
      t.after(() => {
        if (before === undefined) delete process.env['NODE_COMPILE_CACHE'];
        else process.env['NODE_COMPILE_CACHE'] = before;
      });
      const child = spawnChild<TargetCommand, TargetReply>({
        title: 'the target',
        entry: '../../servers/target-child',
        cpu: null,
      });
      t.after(() => child.kill());
      await child.start({ type: 'start', target: Target.parse({}), seed: 1 }, 'started');
      await child.kill();
      const kept = await readdir(folder, { recursive: true });
      assert.ok(kept.length > 20, `${kept.length} files`);
    });

    test('kill before it has even started', async t => {
      const child = spawnOdd(t);
      await child.kill();
      assert.ok(isGone(child.pid));
    });

    test("can't be started (no such file): died, and its standard error says why", async t => {
      const child = spawnOdd(t, { entry: './testing/no-such-child' });
      const { reason, stderr } = await failureOf(child.ask({ type: 'facts' }, 'facts', LONG_MS));
      assert.equal(reason, 'died');
      assert.match(stderr, /Cannot find module/);
    });

    test("can't be started (no such core): died, and its standard error says why", needsPinning, async t => {
      const child = spawnOdd(t, { cpu: 4_095 });
      const { reason, stderr } = await failureOf(child.ask({ type: 'facts' }, 'facts', LONG_MS));
      assert.equal(reason, 'died');
      assert.match(stderr, /taskset/);
    });

    test("can't be started (no taskset): died, and says so; there is nothing to kill", async t => {
      const path = process.env['PATH'];
      process.env['PATH'] = '/nowhere';
      const child = spawnOdd(t, { cpu: 0 });
      process.env['PATH'] = path;
      const { reason, message } = await failureOf(child.ask({ type: 'facts' }, 'facts', LONG_MS));
      assert.deepEqual([reason, message], ['died', 'cannot run the odd one: spawn taskset ENOENT']);
      await child.kill();
      assert.deepEqual([child.isAlive, child.pid], [false, 0]);
    });

    test("a parent's sudden end is the end of target and generator", async t => {
      const parent = fork(fileURLToPath(new URL('./testing/parent.ts', import.meta.url)), {
        stdio: 'ignore',
      });
      t.after(() => parent.kill('SIGKILL'));
      const ended = once(parent, 'exit');
      const [pids] = (await once(parent, 'message')) as [number[]];
      assert.ok(pids.every(pid => !isGone(pid)));
      parent.kill('SIGKILL');
      await ended;
      await eventually('both are gone', () => pids.every(isGone));
    });
  });
});
