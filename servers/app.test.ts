// The target keeps the connection policy that a scenario states, and counts what really happened, over real sockets.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { suite, test } from 'node:test';
import { createClient, openTestTarget } from './testing/client.ts';

/** Asks `count` times in a row. */
async function askTimes(client: ReturnType<typeof createClient>, count: number) {
  const answers = [];
  for (let asked = 0; asked < count; asked++) answers.push(await client.ask());
  return answers;
}

suite('keep-alive hint', () => {
  const cases = [
    { keepAliveHint: true, keepAliveTimeoutMs: 72_000, hint: 'timeout=72' },
    { keepAliveHint: true, keepAliveTimeoutMs: 2_999, hint: 'timeout=2' },
    { keepAliveHint: true, keepAliveTimeoutMs: 0, hint: undefined },
    { keepAliveHint: false, keepAliveTimeoutMs: 72_000, hint: undefined },
  ];
  for (const { hint, ...stated } of cases) {
    test(`${JSON.stringify(stated)} announces ${hint ?? 'nothing'} and keeps the connection`, async () => {
      const target = await openTestTarget(stated);
      const client = createClient(target.endpoint);
      for (const { headers } of await askTimes(client, 3)) {
        assert.equal(headers['keep-alive'], hint);
        assert.equal(headers.connection, 'keep-alive');
      }
      assert.equal(client.openedConnections(), 1);
      assert.equal(target.read().accepted, 1);
      client.close();
      await target.close();
    });
  }
});

suite('end of a connection', () => {
  for (const keepAliveHint of [true, false]) {
    test(`connectionClose ends every connection after its answer (hint ${keepAliveHint})`, async () => {
      const target = await openTestTarget({ connectionClose: true, keepAliveHint });
      const client = createClient(target.endpoint);
      for (const { headers } of await askTimes(client, 3)) {
        assert.equal(headers.connection, 'close');
        assert.equal(headers['keep-alive'], undefined);
      }
      assert.equal(client.openedConnections(), 3);
      client.close();
      await target.close();
      assert.deepEqual(target.read().requestsPerConnection, [{ requests: 1, connections: 3 }]);
    });

    test(`maxRequestsPerSocket is exact, its last answer says close (hint ${keepAliveHint})`, async () => {
      const target = await openTestTarget({ maxRequestsPerSocket: 3, keepAliveHint });
      const client = createClient(target.endpoint);
      const answers = await askTimes(client, 7);
      assert.deepEqual(
        answers.map(({ status, headers }) => `${status} ${headers.connection}`),
        ['keep-alive', 'keep-alive', 'close', 'keep-alive', 'keep-alive', 'close', 'keep-alive'].map(
          c => `200 ${c}`,
        ),
      );
      assert.equal(client.openedConnections(), 3);
      client.close();
      await target.close();
      assert.deepEqual(target.read().requestsPerConnection, [
        { requests: 1, connections: 1 },
        { requests: 3, connections: 2 },
      ]);
    });
  }

  test('at maxRequestsPerSocket the server itself closes, and a request too many gets no answer, so no 503', async () => {
    const target = await openTestTarget({ maxRequestsPerSocket: 2 });
    const socket = connect(Number(new URL(target.endpoint.origin).port), '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: t\r\n\r\n'.repeat(3));
    const text = Buffer.concat(await socket.toArray()).toString('latin1');
    assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 200']);
    await target.close();
    assert.equal(target.read().requests, 2);
  });

  test("a client's Connection: close is honoured, with the hint on or off", async () => {
    for (const keepAliveHint of [true, false]) {
      const target = await openTestTarget({ keepAliveHint });
      const socket = connect(Number(new URL(target.endpoint.origin).port), '127.0.0.1');
      socket.write('GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n');
      assert.match(Buffer.concat(await socket.toArray()).toString('latin1'), /\r\nConnection: close\r\n/);
      await target.close();
    }
  });

  test('HTTP/1.0 connections end after one request, or stay when keep-alive is asked for', async () => {
    const target = await openTestTarget({ maxRequestsPerSocket: 2 });
    for (const [header, expected] of [
      ['', 1],
      ['Connection: keep-alive\r\n', 2],
    ] as const) {
      const socket = connect(Number(new URL(target.endpoint.origin).port), '127.0.0.1');
      socket.write(`GET / HTTP/1.0\r\n${header}\r\n`.repeat(3));
      const text = Buffer.concat(await socket.toArray()).toString('latin1');
      assert.equal(text.match(/HTTP\/1\.1 200/g)?.length, expected);
    }
    await target.close();
  });
});

suite('idle connections', () => {
  /** A plain server of Node that closes idle connections after so long exactly: what order is judged against. */
  async function openReference(keepAliveTimeout: number) {
    const server = http.createServer({ keepAliveTimeout, keepAliveTimeoutBuffer: 0 }, (_, response) =>
      response.end(),
    );
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    return { server, client: createClient({ origin: `http://127.0.0.1:${port}` }) };
  }

  test('the server closes one after keepAliveTimeoutMs, without a grace of its own', async () => {
    const target = await openTestTarget({ keepAliveTimeoutMs: 50 });
    const client = createClient(target.endpoint);
    const reference = await openReference(600);
    const closes: string[] = [];
    const [ours, other] = await Promise.all([client.ask(), reference.client.ask()]);
    ours.socket.once('close', () => closes.push('50 ms'));
    other.socket.once('close', () => closes.push('600 ms'));
    await once(other.socket, 'close');
    assert.deepEqual(closes, ['50 ms', '600 ms']);
    assert.deepEqual(target.read().requestsPerConnection, [{ requests: 1, connections: 1 }]);
    client.close();
    reference.client.close();
    reference.server.close();
    await target.close();
  });

  test('with keepAliveTimeoutMs 0 it never does', async () => {
    const target = await openTestTarget({ keepAliveTimeoutMs: 0 });
    const client = createClient(target.endpoint);
    const reference = await openReference(100);
    const [, other] = await Promise.all([client.ask(), reference.client.ask()]);
    await once(other.socket, 'close');
    await client.ask();
    assert.equal(client.openedConnections(), 1);
    client.close();
    reference.client.close();
    reference.server.close();
    await target.close();
  });
});

suite('counters', () => {
  test('open connections, requests and what closed connections carried', async () => {
    const target = await openTestTarget();
    const [silent] = [connect(Number(new URL(target.endpoint.origin).port), '127.0.0.1')];
    await once(silent, 'connect');
    const client = createClient(target.endpoint);
    await askTimes(client, 130);
    const { requestsPerConnection, ...running } = target.read();
    assert.deepEqual(running, {
      accepted: 2,
      requests: 130,
      openConnections: 2,
      handshakesFull: 0,
      handshakesResumed: 0,
    });
    assert.deepEqual(requestsPerConnection, []);
    client.close();
    await target.close();
    assert.equal(target.read().openConnections, 0);
    assert.deepEqual(target.read().requestsPerConnection, [
      { requests: 0, connections: 1 },
      { requests: 130, connections: 1 },
    ]);
    silent.destroy();
  });

  test('a request that the target does not answer with its behaviour is counted too', async () => {
    const target = await openTestTarget();
    const client = createClient(target.endpoint);
    assert.equal((await client.ask('/', { method: 'DELETE' })).status, 404);
    assert.equal(target.read().requests, 1);
    client.close();
    await target.close();
  });

  test('many connections at once are all accepted and counted', async () => {
    const target = await openTestTarget();
    const client = createClient(target.endpoint, { maxSockets: 50, maxFreeSockets: 50 });
    for (let burst = 0; burst < 3; burst++) await Promise.all(Array.from({ length: 50 }, () => client.ask()));
    assert.equal(client.openedConnections(), 50);
    assert.equal(target.read().openConnections, 50);
    client.close();
    await target.close();
    assert.deepEqual(target.read().requestsPerConnection, [{ requests: 3, connections: 50 }]);
  });
});

test('close ends idle, busy and silent connections, and frees the port', async () => {
  const target = await openTestTarget();
  const port = Number(new URL(target.endpoint.origin).port);
  const sockets = [
    connect(port, '127.0.0.1'),
    connect(port, '127.0.0.1'),
    connect(port, '127.0.0.1'),
  ] as const;
  const ended = sockets.map(
    socket => new Promise(resolve => socket.on('error', () => {}).once('close', resolve)),
  );
  await Promise.all(sockets.map(socket => once(socket, 'connect')));
  sockets[0].write('GET / HTTP/1.1\r\nHost: t\r\n\r\n');
  sockets[1].write('POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\nhalf');
  await once(sockets[0].resume(), 'data');
  for (const socket of sockets) socket.resume();
  await target.close();
  await Promise.all(ended);
  const [error] = await once(connect(port, '127.0.0.1'), 'error').catch(refusal => [refusal]);
  assert.equal(error.code, 'ECONNREFUSED');
});
