// The relay as a process: started, asked and never left behind.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Link } from '../scenarios/model/target.ts';
import type { RelayCommand, RelayReply } from './protocol.ts';
import { forkEntry, runWithoutChannel } from './testing/child.ts';
import { createClient, type Scope } from './testing/client.ts';
import { openTestTarget } from './testing/target.ts';

const entry = fileURLToPath(new URL('./link-child.ts', import.meta.url));

function startCommand(upstreamPort: number, stated: Record<string, unknown> = {}): RelayCommand {
  return { type: 'start', upstreamPort, link: Link.parse(stated), seed: 1 };
}

const forkRelay = (scope: Scope) => forkEntry<RelayCommand, RelayReply>(scope, entry);

suite('link child', { concurrency: 2 }, () => {
  test('carries HTTP to a target and tells what it carried and used', async t => {
    const target = await openTestTarget(t, { behaviour: { name: 'fixed', bytes: 500 } });
    const { ask } = forkRelay(t);
    const upstreamPort = Number(new URL(target.endpoint.origin).port);
    const { port } = await ask(startCommand(upstreamPort, { roundTripMs: 2, jitterMs: 1 }), 'started');
    const client = createClient(t, { origin: `http://127.0.0.1:${port}`, path: '/' });
    const answers = await client.askTimes(3);
    assert.deepEqual(
      answers.map(({ body }) => body.length),
      [500, 500, 500],
    );
    const first = (await ask({ type: 'read' }, 'reading')).reading;
    assert.deepEqual([first.connections, first.openConnections, first.refused], [1, 1, 0]);
    assert.ok(first.toClientBytes > 1_500 && first.toTargetBytes > 0, JSON.stringify(first));
    assert.ok(first.latenessCounts.reduce((sum, count) => sum + count, 0) >= 6);
    await client.ask();
    const second = (await ask({ type: 'read' }, 'reading')).reading;
    assert.equal(second.connections, 1);
    for (const counter of ['toTargetBytes', 'toClientBytes', 'cpuUs', 'atMs'] as const) {
      assert.ok(second[counter] > first[counter], `${counter}: ${first[counter]}, then ${second[counter]}`);
    }
    assert.deepEqual(
      [target.read().accepted, target.read().requests],
      [1, 4],
      'what the target saw came through the relay',
    );
  });

  test('a lost channel ends it at once, whatever is open', async t => {
    const target = await openTestTarget(t, {});
    const { child, ended, ask } = forkRelay(t);
    const upstreamPort = Number(new URL(target.endpoint.origin).port);
    const { port } = await ask(startCommand(upstreamPort, { roundTripMs: 2_000 }), 'started');
    const refused = assert.rejects(createClient(t, { origin: `http://127.0.0.1:${port}`, path: '/' }).ask());
    child.disconnect();
    assert.deepEqual(await ended, [0, null]);
    await refused;
  });

  test('Ctrl-C, SIGTERM and SIGHUP are for the parent to decide', async t => {
    const { child, ask } = forkRelay(t);
    await ask(startCommand(1), 'started');
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) child.kill(signal);
    await ask({ type: 'read' }, 'reading');
    await ask({ type: 'read' }, 'reading');
  });

  test('a command out of order is reported as a failure, then it ends with status 1', async t => {
    const { ended, ask } = forkRelay(t);
    assert.match((await ask({ type: 'read' }, 'failed')).message, /not started yet/);
    assert.deepEqual(await ended, [1, null]);
  });

  test('without a channel it says so and ends with status 2', async () => {
    const { stderr, ended } = await runWithoutChannel(entry);
    assert.match(stderr, /started by conntax run/);
    assert.deepEqual(ended, [2, null]);
  });
});
