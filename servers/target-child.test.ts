// The target as a process: started, asked and stopped over its channel, and never left behind.
import assert from 'node:assert/strict';
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { TargetCommand, TargetReply } from '../bench/core/protocol.ts';
import { Target } from '../bench/core/scenario.ts';
import { createClient } from './testing/client.ts';

const entry = new URL('./target-child.ts', import.meta.url);

function startCommand(stated: Record<string, unknown>): TargetCommand {
  return { type: 'start', target: Target.parse(stated), seed: 1 };
}

/** Forks the entry for the length of `use`; whatever happens in it, the process is gone afterwards. */
async function withChild(
  use: (child: ChildProcess, ended: Promise<unknown[]>) => Promise<void>,
): Promise<void> {
  const child = fork(entry, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const ended = once(child, 'exit');
  try {
    await use(child, ended);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

async function ask<Type extends TargetReply['type']>(
  child: ChildProcess,
  command: TargetCommand,
  type: Type,
) {
  const replied = once(child, 'message');
  child.send(command);
  const [reply] = (await replied) as [TargetReply];
  assert.equal(reply.type, type, JSON.stringify(reply));
  return reply as Extract<TargetReply, { type: Type }>;
}

suite('target child', { concurrency: 2 }, () => {
  test('starts, is driven, tells its counters and stops with status 0', () =>
    withChild(async (child, ended) => {
      const started = await ask(
        child,
        startCommand({ tls: '1.3', behaviour: { name: 'fixed', bytes: 5 } }),
        'started',
      );
      const client = createClient(started.endpoint);
      assert.equal((await client.ask()).body.length, 5);
      const first = (await ask(child, { type: 'read' }, 'reading')).reading;
      assert.equal((await client.ask()).status, 200);
      const second = (await ask(child, { type: 'read' }, 'reading')).reading;
      assert.deepEqual([first.requests, second.requests], [1, 2]);
      assert.deepEqual([second.accepted, second.openConnections, second.handshakesFull], [1, 1, 1]);
      for (const counter of ['atMs', 'cpuUs', 'loopActiveMs', 'loopIdleMs'] as const) {
        assert.ok(
          second[counter] > first[counter],
          `${counter} grows: ${first[counter]}, ${second[counter]}`,
        );
      }
      assert.ok(second.rssBytes > 1e6);
      child.send({ type: 'stop' } satisfies TargetCommand);
      assert.deepEqual(await ended, [0, null]);
      client.close();
    }));

  test('stop while starting stops too', () =>
    withChild(async (child, ended) => {
      child.send(startCommand({ tls: '1.2' }));
      child.send({ type: 'stop' } satisfies TargetCommand);
      assert.deepEqual(await ended, [0, null]);
    }));

  test('a lost channel ends it at once, whatever is open', () =>
    withChild(async (child, ended) => {
      const behaviour = { name: 'delay', meanMs: 60_000 };
      const { endpoint } = await ask(child, startCommand({ behaviour }), 'started');
      const client = createClient(endpoint);
      const refused = assert.rejects(client.ask());
      child.disconnect();
      assert.deepEqual(await ended, [0, null]);
      await refused;
      client.close();
    }));

  test('Ctrl-C is for the parent to decide', () =>
    withChild(async child => {
      await ask(child, startCommand({}), 'started');
      child.kill('SIGINT');
      await ask(child, { type: 'read' }, 'reading');
      await ask(child, { type: 'read' }, 'reading');
    }));

  const failures: [what: string, command: TargetCommand, message: RegExp][] = [
    [
      'an unknown behaviour',
      startCommand({ behaviour: { name: 'fixd' } }),
      /"fixd".*fixed, delay, stream.*fixed is nearest/,
    ],
    [
      'a name of Object itself',
      startCommand({ behaviour: { name: 'constructor' } }),
      /unknown behaviour "constructor"/,
    ],
    ['invalid options', startCommand({ behaviour: { name: 'fixed', bytes: -1 } }), /"fixed".*>=0.*bytes/s],
    ['a command out of order', { type: 'read' }, /not been started/],
  ];
  for (const [what, command, message] of failures) {
    test(`${what} is told as a failure, then it ends with status 1`, () =>
      withChild(async (child, ended) => {
        assert.match((await ask(child, command, 'failed')).message, message);
        assert.deepEqual(await ended, [1, null]);
      }));
  }

  test('without a channel it says so and ends with status 2', async () => {
    const child = spawn(process.execPath, [fileURLToPath(entry)], { stdio: ['ignore', 'ignore', 'pipe'] });
    const ended = once(child, 'exit');
    assert.match((await child.stderr.setEncoding('utf8').toArray()).join(''), /started by conntax run/);
    assert.deepEqual(await ended, [2, null]);
  });
});
