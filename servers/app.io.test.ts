// The target keeps the connection policy that a scenario states, and counts what really happened, over real sockets.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { suite, test } from 'node:test';
import type { BehaviourModule, Endpoint } from '../bench/contracts.ts';
import fixed from './behaviours/fixed.ts';
import { answerTogether } from './testing/answer-together.ts';
import { connectRaw, createClient, readToEnd, type Scope } from './testing/client.ts';
import { openTestTarget } from './testing/target.ts';

const GET = 'GET / HTTP/1.1\r\nHost: t\r\n\r\n';

suite('keep-alive hint', () => {
  const cases = [
    { keepAliveHint: true, keepAliveTimeoutMs: 72_000, hint: 'timeout=72' },
    { keepAliveHint: true, keepAliveTimeoutMs: 2_999, hint: 'timeout=2' },
    { keepAliveHint: true, keepAliveTimeoutMs: 0, hint: undefined },
    { keepAliveHint: false, keepAliveTimeoutMs: 72_000, hint: undefined },
  ];
  for (const { hint, ...stated } of cases) {
    test(`${JSON.stringify(stated)} announces ${hint ?? 'nothing'} and keeps the connection`, async t => {
      const target = await openTestTarget(t, stated);
      const client = createClient(t, target.endpoint);
      for (const { headers } of await client.askTimes(3)) {
        assert.equal(headers['keep-alive'], hint);
        assert.equal(headers.connection, 'keep-alive');
      }
      assert.equal(client.openedConnections(), 1);
      assert.equal(target.read().accepted, 1);
    });
  }
});

suite('end of a connection', () => {
  for (const keepAliveHint of [true, false]) {
    test(`connectionClose ends every connection after its answer (hint ${keepAliveHint})`, async t => {
      const target = await openTestTarget(t, { connectionClose: true, keepAliveHint });
      const client = createClient(t, target.endpoint);
      for (const { headers } of await client.askTimes(3)) {
        assert.equal(headers.connection, 'close');
        assert.equal(headers['keep-alive'], undefined);
      }
      assert.equal(client.openedConnections(), 3);
      await target.close();
      assert.deepEqual(target.read().requestsPerConnection, [{ requests: 1, connections: 3 }]);
    });

    test(`maxRequestsPerSocket is exact, its last answer says close (hint ${keepAliveHint})`, async t => {
      const target = await openTestTarget(t, { maxRequestsPerSocket: 3, keepAliveHint });
      const client = createClient(t, target.endpoint);
      const answers = await client.askTimes(7);
      const said = answers.map(({ status, headers }) => `${status} ${headers.connection}`);
      const round = ['200 keep-alive', '200 keep-alive', '200 close'];
      assert.deepEqual(said, [...round, ...round, '200 keep-alive']);
      assert.equal(client.openedConnections(), 3);
      await target.close();
      assert.deepEqual(target.read().requestsPerConnection, [
        { requests: 1, connections: 1 },
        { requests: 3, connections: 2 },
      ]);
    });

    test(`a client's Connection: close is honoured (hint ${keepAliveHint})`, async t => {
      const target = await openTestTarget(t, { keepAliveHint });
      const socket = connectRaw(t, target.endpoint);
      socket.write('GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n');
      assert.match(await readToEnd(socket), /\r\nConnection: close\r\n/);
    });
  }

  test('at maxRequestsPerSocket the server itself closes, and a request too many gets no answer, so no 503', async t => {
    const target = await openTestTarget(t, { maxRequestsPerSocket: 2 });
    const socket = connectRaw(t, target.endpoint);
    socket.write(GET.repeat(3));
    const text = await readToEnd(socket);
    assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 200']);
    assert.equal(target.read().requests, 2);
  });

  const oldClients = [
    { header: '', answers: 1 },
    { header: 'Connection: keep-alive\r\n', answers: 2 },
  ];
  for (const { header, answers } of oldClients) {
    test(`HTTP/1.0 with "${header.trim()}" and at most 2 requests a connection gets ${answers}`, async t => {
      const target = await openTestTarget(t, { maxRequestsPerSocket: 2 });
      const socket = connectRaw(t, target.endpoint);
      socket.write(`GET / HTTP/1.0\r\n${header}\r\n`.repeat(3));
      assert.equal((await readToEnd(socket)).match(/HTTP\/1\.1 200/g)?.length, answers);
    });
  }
});

suite('idle connections', () => {
  /** A connection that has had one answer; it sees `end` only if the server closes it. */
  async function askOnce(scope: Scope, endpoint: Endpoint): Promise<Socket> {
    const socket = connectRaw(scope, endpoint);
    socket.write(GET);
    await once(socket, 'data');
    return socket;
  }

  /** A connection to a plain server of Node that closes it after so long idle, exactly: what order is judged by. */
  async function askReference(scope: Scope, keepAliveTimeout: number): Promise<Socket> {
    const options = { keepAliveTimeout, keepAliveTimeoutBuffer: 0 };
    const server = http.createServer(options, (_, response) => response.end('reference'));
    scope.after(() => server.close());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    return askOnce(scope, { origin: `http://127.0.0.1:${port}`, path: '/' });
  }

  test('the server closes one after keepAliveTimeoutMs, without a grace of its own', async t => {
    const target = await openTestTarget(t, { keepAliveTimeoutMs: 50 });
    const [socket, reference] = await Promise.all([askOnce(t, target.endpoint), askReference(t, 600)]);
    const ends: string[] = [];
    socket.once('end', () => ends.push('50 ms'));
    reference.once('end', () => ends.push('600 ms'));
    await once(reference, 'end');
    assert.deepEqual(ends, ['50 ms', '600 ms']);
    assert.deepEqual(target.read().requestsPerConnection, [{ requests: 1, connections: 1 }]);
  });

  test('with keepAliveTimeoutMs 0 it never does', async t => {
    const target = await openTestTarget(t, { keepAliveTimeoutMs: 0 });
    const [socket, reference] = await Promise.all([askOnce(t, target.endpoint), askReference(t, 100)]);
    await once(reference, 'end');
    socket.write(GET);
    await once(socket, 'data');
    assert.equal(target.read().accepted, 1);
  });
});

suite('pipelined requests', () => {
  test('are all under way at once', async t => {
    const { behaviour, peak } = answerTogether(10);
    const target = await openTestTarget(t, {}, behaviour);
    const socket = connectRaw(t, target.endpoint);
    socket.write(`${GET.repeat(9)}GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n`);
    assert.equal((await readToEnd(socket)).match(/HTTP\/1\.1 200/g)?.length, 10);
    assert.deepEqual([peak(), target.read().accepted], [10, 1]);
  });

  test('are answered in their order, whichever is ready first', async t => {
    const held: (() => void)[] = [];
    const behaviour: BehaviourModule = {
      ...fixed,
      createResponder: () => response => {
        const name = `answer ${held.length}`;
        held.push(() => response.end(name));
        if (held.length === 4) for (const answer of held.toReversed()) answer();
      },
    };
    const target = await openTestTarget(t, {}, behaviour);
    const socket = connectRaw(t, target.endpoint);
    socket.write(`${GET.repeat(3)}GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n`);
    assert.deepEqual((await readToEnd(socket)).match(/answer \d/g), [
      'answer 0',
      'answer 1',
      'answer 2',
      'answer 3',
    ]);
  });
});

suite('counters', () => {
  test('open connections, requests and what closed connections carried', async t => {
    const target = await openTestTarget(t);
    await once(connectRaw(t, target.endpoint), 'connect');
    await createClient(t, target.endpoint).askTimes(133);
    assert.deepEqual(target.read(), {
      accepted: 2,
      requests: 133,
      openConnections: 2,
      handshakesFull: 0,
      handshakesResumed: 0,
      acceptedHttp2: 0,
      requestsPerConnection: [],
    });
    await target.close();
    assert.equal(target.read().openConnections, 0);
    assert.deepEqual(target.read().requestsPerConnection, [
      { requests: 0, connections: 1 },
      { requests: 130, connections: 1 },
    ]);
  });

  test('a request that the behaviour does not answer is counted too', async t => {
    const target = await openTestTarget(t);
    assert.equal((await createClient(t, target.endpoint).ask('/', { method: 'DELETE' })).status, 404);
    assert.equal(target.read().requests, 1);
  });

  test('many connections at once are all accepted and counted', async t => {
    const target = await openTestTarget(t);
    const client = createClient(t, target.endpoint, { maxSockets: 50, maxFreeSockets: 50 });
    for (let burst = 0; burst < 3; burst++) await Promise.all(Array.from({ length: 50 }, () => client.ask()));
    assert.equal(client.openedConnections(), 50);
    assert.equal(target.read().openConnections, 50);
    await target.close();
    const { requestsPerConnection } = target.read();
    assert.equal(
      requestsPerConnection.reduce((sum, { connections }) => sum + connections, 0),
      50,
    );
    assert.equal(
      requestsPerConnection.reduce((sum, { requests, connections }) => sum + requests * connections, 0),
      150,
    );
  });
});

test('close ends idle, busy and silent connections, and frees the port', async t => {
  const target = await openTestTarget(t);
  const idle = connectRaw(t, target.endpoint);
  const busy = connectRaw(t, target.endpoint);
  const silent = connectRaw(t, target.endpoint);
  const ended = [idle, busy, silent].map(socket => {
    return new Promise(resolve =>
      socket
        .resume()
        .on('error', () => {})
        .once('close', resolve),
    );
  });
  await Promise.all([idle, busy, silent].map(socket => once(socket, 'connect')));
  busy.write('POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\nhalf');
  idle.write(GET);
  await once(idle, 'data');
  await target.close();
  await Promise.all(ended);
  await assert.rejects(once(connectRaw(t, target.endpoint), 'connect'), { code: 'ECONNREFUSED' });
});
