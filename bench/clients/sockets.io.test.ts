// Every connection that this process opens to the watched port is counted and timed, whichever library opens it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import https from 'node:https';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import tls from 'node:tls';
import type { Endpoint } from '../../servers/protocol.ts';
import { openTestTarget } from '../../servers/testing/target.ts';
import type { OpenedConnection } from '../contracts.ts';
import { EndpointSockets } from './sockets.ts';

function watch(t: TestContext, endpoint: Endpoint) {
  const connections: OpenedConnection[] = [];
  const watched = new EndpointSockets(endpoint, connection => connections.push(connection));
  t.after(() => watched.stop());
  return Object.assign(watched, { connections });
}

async function dial(t: TestContext, { origin }: Endpoint) {
  const socket = connect(Number(new URL(origin).port), '127.0.0.1').on('error', () => {});
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** A server that accepts connections, reads nothing, and ends them on request. */
async function openServer(t: TestContext) {
  const server = createServer(socket => socket.on('error', () => {}));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  return { server, endpoint: { origin: `http://127.0.0.1:${port}`, path: '/' } };
}

suite('client sockets', () => {
  test('a plain connection: counted once it is there, open until it is closed', async t => {
    const { endpoint } = await openServer(t);
    const watched = watch(t, endpoint);
    const socket = await dial(t, endpoint);
    const [{ connectMs, tlsMs, isResumed } = assert.fail('it was not seen'), ...others] = watched.connections;
    assert.ok(connectMs >= 0 && Number.isNaN(tlsMs) && !isResumed);
    assert.deepEqual([others, watched.openConnections(), watched.isReady(socket)], [[], 1, true]);
    socket.destroy();
    await once(socket, 'close');
    assert.deepEqual([watched.connections.length, watched.openConnections()], [1, 0]);
  });

  for (const version of ['1.2', '1.3'] as const) {
    test(`TLS ${version}: the handshake is timed, and a resumed one is distinguished from a full one`, async t => {
      const { endpoint } = await openTestTarget(t, { tls: version });
      const watched = watch(t, endpoint);
      const agent = new https.Agent({ ca: endpoint.caPem! });
      t.after(() => agent.destroy());
      for (const _ of [1, 2, 3]) {
        const [response] = await once(https.get(endpoint.origin, { agent }), 'response');
        await once(response.resume(), 'end');
      }
      assert.deepEqual(
        watched.connections.map(({ isResumed }) => isResumed),
        [false, true, true],
      );
      assert.ok(watched.connections.every(({ connectMs, tlsMs }) => connectMs >= 0 && tlsMs > 0));
    });
  }

  test('a handshake that fails makes no connection', async t => {
    const { endpoint } = await openTestTarget(t, { tls: '1.3' });
    const watched = watch(t, endpoint);
    const socket = tls.connect({ port: Number(new URL(endpoint.origin).port), host: '127.0.0.1' });
    await assert.rejects(once(socket, 'secureConnect'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    assert.deepEqual([watched.connections.length, watched.openConnections()], [0, 0]);
  });

  test('other ports are counted apart, and nothing is once it is stopped', async t => {
    const [one, other] = [await openServer(t), await openServer(t)];
    const watched = watch(t, one.endpoint);
    await dial(t, other.endpoint);
    await fetch(other.endpoint.origin, { signal: AbortSignal.abort() }).catch(() => {});
    assert.deepEqual([watched.connections.length, watched.openedElsewhere()], [0, 1]);
    watched.stop();
    await dial(t, one.endpoint);
    await dial(t, other.endpoint);
    assert.deepEqual([watched.connections.length, watched.openedElsewhere()], [0, 1]);
  });

  test('so are a Unix socket, and the same port of another host', async t => {
    const { endpoint } = await openServer(t);
    const elsewhere = watch(t, { ...endpoint, address: '192.0.2.1' });
    const watched = watch(t, endpoint);
    await dial(t, endpoint);
    assert.deepEqual([elsewhere.openedElsewhere(), elsewhere.connections.length], [1, 0]);
    const dir = await mkdtemp(join(tmpdir(), 'conntax-sockets-'));
    t.after(() => rm(dir, { recursive: true }));
    const path = join(dir, 'socket');
    const server = createServer(socket => socket.on('error', () => {}));
    await once(server.listen(path), 'listening');
    t.after(() => server.close());
    const socket = connect(path);
    t.after(() => socket.destroy());
    await once(socket, 'connect');
    assert.deepEqual([watched.openedElsewhere(), watched.connections.length], [1, 1]);
  });

  test('a dial that fails is no connection elsewhere', async t => {
    const { endpoint } = await openServer(t);
    const { server, endpoint: gone } = await openServer(t);
    server.close();
    await once(server, 'close');
    const watched = watch(t, endpoint);
    await assert.rejects(dial(t, gone));
    assert.equal(watched.openedElsewhere(), 0);
  });

  test('an unhandled error stays unhandled', async t => {
    const { server, endpoint } = await openServer(t);
    watch(t, endpoint);
    const accepted = once(server, 'connection');
    const socket = connect(Number(new URL(endpoint.origin).port), '127.0.0.1');
    t.after(() => socket.destroy());
    await once(socket, 'connect');
    assert.equal(socket.listenerCount('error'), 0);
    (await accepted)[0].destroy();
  });

  test('closeAll ends what is open and what is dialled later; it waits for the end', async t => {
    const { endpoint } = await openServer(t);
    const watched = watch(t, endpoint);
    const sockets = [await dial(t, endpoint), await dial(t, endpoint)];
    await watched.closeAll();
    assert.ok(sockets.every(({ closed }) => closed));
    assert.equal(watched.openConnections(), 0);
    const late = connect(Number(new URL(endpoint.origin).port), '127.0.0.1');
    await once(late, 'close');
    await turn();
    assert.deepEqual([watched.connections.length, watched.openConnections()], [2, 0]);
  });

  test('closeAll of nothing is done at once', async t => {
    const { endpoint } = await openServer(t);
    await watch(t, endpoint).closeAll();
  });
});
