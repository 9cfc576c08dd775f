// The target as a process: started, asked and stopped over its channel, and never left behind.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Target } from '../scenarios/model/target.ts';
import type { TargetCommand, TargetReply } from './protocol.ts';
import { forkEntry, runWithoutChannel } from './testing/child.ts';
import { createClient, type Scope } from './testing/client.ts';

const entry = fileURLToPath(new URL('./target-child.ts', import.meta.url));

function startCommand(stated: Record<string, unknown>): TargetCommand {
  return { type: 'start', target: Target.parse(stated), seed: 1 };
}

const forkTarget = (scope: Scope) => forkEntry<TargetCommand, TargetReply>(scope, entry);

suite('target child', { concurrency: 2 }, () => {
  test('starts, is driven, tells its counters and stops with status 0', async t => {
    const { child, ended, ask } = forkTarget(t);
    const stated = { tls: '1.3', behaviour: { name: 'fixed', bytes: 5 } };
    const { endpoint } = await ask(startCommand(stated), 'started');
    const client = createClient(t, endpoint);
    assert.equal((await client.ask()).body.length, 5);
    const first = (await ask({ type: 'read' }, 'reading')).reading;
    await client.ask();
    const second = (await ask({ type: 'read' }, 'reading')).reading;
    assert.deepEqual([first.requests, second.requests], [1, 2]);
    assert.deepEqual([second.accepted, second.openConnections, second.handshakesFull], [1, 1, 1]);
    for (const counter of ['atMs', 'cpuUs', 'loopActiveMs', 'loopIdleMs', 'rssBytes'] as const) {
      assert.ok(first[counter] > 0, `${counter}: ${first[counter]}`);
    }
    for (const counter of ['atMs', 'cpuUs', 'loopActiveMs', 'loopIdleMs'] as const) {
      assert.ok(second[counter] >= first[counter], `${counter}: ${first[counter]}, then ${second[counter]}`);
    }
    child.send({ type: 'stop' } satisfies TargetCommand);
    assert.deepEqual(await ended, [0, null]);
  });

  test('stop while starting stops too', async t => {
    const { child, ended } = forkTarget(t);
    child.send(startCommand({ tls: '1.2' }));
    child.send({ type: 'stop' } satisfies TargetCommand);
    assert.deepEqual(await ended, [0, null]);
  });

  test('a lost channel ends it at once, whatever is open', async t => {
    const { child, ended, ask } = forkTarget(t);
    const stated = { behaviour: { name: 'delay', meanMs: 60_000 } };
    const { endpoint } = await ask(startCommand(stated), 'started');
    const refused = assert.rejects(createClient(t, endpoint).ask());
    child.disconnect();
    assert.deepEqual(await ended, [0, null]);
    await refused;
  });

  test('Ctrl-C, SIGTERM and SIGHUP are for the parent to decide', async t => {
    const { child, ask } = forkTarget(t);
    await ask(startCommand({}), 'started');
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) child.kill(signal);
    await ask({ type: 'read' }, 'reading');
    await ask({ type: 'read' }, 'reading');
  });

  const failures: [what: string, command: TargetCommand, message: RegExp][] = [
    [
      'an unknown behaviour',
      startCommand({ behaviour: { name: 'fixd' } }),
      /"fixd".*did you mean fixed\? Known: fixed, delay/,
    ],
    [
      'a name that objects have',
      startCommand({ behaviour: { name: 'constructor' } }),
      /unknown behaviour "constr/,
    ],
    ['invalid options', startCommand({ behaviour: { name: 'fixed', bytes: -1 } }), /"fixed".*>=0.*bytes/s],
    ['a command out of order', { type: 'read' }, /not started yet/],
  ];
  for (const [what, command, message] of failures) {
    test(`${what} is reported as a failure, then it ends with status 1`, async t => {
      const { ended, ask } = forkTarget(t);
      assert.match((await ask(command, 'failed')).message, message);
      assert.deepEqual(await ended, [1, null]);
    });
  }

  test('without a channel it says so and ends with status 2', async () => {
    const { stderr, ended } = await runWithoutChannel(entry);
    assert.match(stderr, /started by conntax run/);
    assert.deepEqual(ended, [2, null]);
  });
});
