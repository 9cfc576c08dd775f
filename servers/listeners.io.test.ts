// New connections go to the backends in turn, and each backend counts its own, exactly; added ones get theirs from then on.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { OpenTarget } from './app.ts';
import { createClient } from './testing/client.ts';
import { openTestTarget } from './testing/target.ts';

/** Opens one connection after another, each with so many requests. */
async function ask(t: Parameters<typeof createClient>[0], target: OpenTarget, requests: readonly number[]) {
  for (const count of requests) await createClient(t, target.endpoint).askTimes(count);
}

for (const tls of ['none', '1.3']) {
  test(`each of four counts its own connections and requests, and the target their sum, TLS ${tls}`, async t => {
    const target = await openTestTarget(t, { backends: 4, tls });
    await ask(t, target, [1, 2, 3, 4, 5, 6]);
    const { backends, accepted, requests, openConnections, handshakesFull, growth } = target.read();
    assert.deepEqual(backends, [
      { accepted: 2, requests: 1 + 5 },
      { accepted: 2, requests: 2 + 6 },
      { accepted: 1, requests: 3 },
      { accepted: 1, requests: 4 },
    ]);
    assert.deepEqual([accepted, requests, openConnections], [6, 21, 6]);
    assert.deepEqual([handshakesFull, growth], [tls === 'none' ? 0 : 6, null]);
    await target.close();
    const closed = target.read();
    assert.equal(closed.openConnections, 0);
    assert.deepEqual(
      closed.requestsPerConnection,
      [1, 2, 3, 4, 5, 6].map(count => ({ requests: count, connections: 1 })),
    );
  });
}

test('several keep the policy of one: a limit of requests, and the hint', async t => {
  const target = await openTestTarget(t, { backends: 2, maxRequestsPerSocket: 2 });
  const client = createClient(t, target.endpoint);
  const answers = await client.askTimes(4);
  assert.equal(client.openedConnections(), 2);
  assert.deepEqual(
    answers.map(({ headers }) => headers['keep-alive'] ?? headers.connection),
    ['timeout=72, max=2', 'close', 'timeout=72, max=2', 'close'],
  );
  assert.deepEqual(target.read().backends, [
    { accepted: 1, requests: 2 },
    { accepted: 1, requests: 2 },
  ]);
});

test('a single server is the only backend', async t => {
  const target = await openTestTarget(t);
  await ask(t, target, [3]);
  assert.deepEqual(target.read().backends, [{ accepted: 1, requests: 3 }]);
});

suite('backends that are added', () => {
  const growing = { backends: { from: 1, to: 3, afterMs: 0 } };
  const accepted = (target: OpenTarget) => target.read().backends.map(backend => backend.accepted);

  async function grow(target: OpenTarget): Promise<void> {
    target.startSlice(0);
    while (target.read().growth === null) await turn();
  }

  test('get connections from then on, and none after the next slice has begun', async t => {
    const target = await openTestTarget(t, growing);
    await ask(t, target, [1, 1, 1]);
    assert.deepEqual(accepted(target), [3, 0, 0]);
    await grow(target);
    await ask(t, target, [1, 1, 1]);
    assert.deepEqual(accepted(target), [4, 1, 1]);
    target.startSlice(null);
    assert.equal(target.read().growth, null);
    await ask(t, target, [1, 1, 1]);
    assert.deepEqual(accepted(target), [7, 1, 1]);
  });

  test('are seen in snapshots, the first of which is of the moment when they were added', async t => {
    const target = await openTestTarget(t, growing);
    const kept = createClient(t, target.endpoint);
    await kept.askTimes(5);
    await grow(target);
    await ask(t, target, [2, 2, 2]);
    const { snapshots } = target.read().growth!;
    const earlierCount = snapshots.length;
    while (snapshots.length === earlierCount) await kept.ask();
    assert.deepEqual(snapshots[0]!.requests, [5, 0, 0]);
    const [first, ...added] = snapshots.at(-1)!.requests;
    assert.ok(first! >= 5 + 2, 'the connection that is kept stays where it is');
    assert.deepEqual(added, [2, 2]);
    assert.ok(snapshots.at(-1)!.afterMs > snapshots[0]!.afterMs);
  });
});
