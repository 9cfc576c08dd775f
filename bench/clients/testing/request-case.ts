// Conformance: what the scenario's request asks for is what arrives at the server; the bytes and times of one exchange; and what becomes
// of bodies that are not read, and of their connections.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { z } from 'zod';
import { createDraw } from '../../../results/random.ts';
import { Request, Requests } from '../../../scenarios/model/request.ts';
import { Target } from '../../../scenarios/model/target.ts';
import stream from '../../../servers/behaviours/stream.ts';
import { openEchoServer, type ReceivedRequest } from '../../../servers/testing/servers.ts';
import { openTestTarget } from '../../../servers/testing/target.ts';
import { newExchange } from '../../contracts.ts';
import { createClosedLoad } from '../../load/closed.ts';
import { Recorder } from '../../load/recorder.ts';
import { eventually } from '../../run/testing/processes.ts';
import { plainRequest } from '../request.ts';
import { answerWith, openMisbehavingServer } from './misbehaving-server.ts';
import {
  clientOf,
  mostOpen,
  openSubject,
  refusalOf,
  type Stated,
  type Subject,
  testWhere,
} from './subject.ts';

/** Requests, each with what arrives; headers beside those that are listed are the client's own. */
export const REQUESTS: readonly {
  title: string;
  request: z.input<typeof Request>;
  arrives: Pick<ReceivedRequest, 'method' | 'url' | 'body'> & { headers: Record<string, string> };
}[] = [
  {
    title: 'a path with a query, and more parameters',
    request: { path: '/a%20b?x=1', query: { 'y z': 'ä&=' } },
    arrives: { method: 'GET', url: '/a%20b?x=1&y%20z=%C3%A4%26%3D', body: '', headers: {} },
  },
  {
    title: 'headers, one of them empty',
    request: { headers: { 'X-One': 'a b', accept: 'text/plain', 'x-empty': '' } },
    arrives: {
      method: 'GET',
      url: '/',
      body: '',
      headers: { 'x-one': 'a b', accept: 'text/plain', 'x-empty': '' },
    },
  },
  {
    title: 'POST with a body of several bytes a character',
    request: { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"ä":"€"}' },
    arrives: {
      method: 'POST',
      url: '/',
      body: Buffer.from('{"ä":"€"}').toString('latin1'),
      headers: { 'content-type': 'application/json', 'content-length': '12' },
    },
  },
  {
    title: 'POST in chunks',
    request: { method: 'POST', bodyBytes: 27, framing: 'chunked' },
    arrives: {
      method: 'POST',
      url: '/',
      body: 'abcdefghijklmnopqrstuvwxyza',
      headers: { 'transfer-encoding': 'chunked' },
    },
  },
  ...(['PUT', 'PATCH', 'DELETE'] as const).map(method => ({
    title: `${method} with a body`,
    request: { method, body: 'x' },
    arrives: { method, url: '/', body: 'x', headers: { 'content-length': '1' } },
  })),
  {
    title: 'POST with an empty body',
    request: { method: 'POST', body: '' },
    arrives: { method: 'POST', url: '/', body: '', headers: {} },
  },
  {
    title: 'a body that takes several writes',
    request: { method: 'POST', bodyBytes: 400_000 },
    arrives: {
      method: 'POST',
      url: '/',
      body: 'abcdefghijklmnopqrstuvwxyz'.repeat(15_385).slice(0, 400_000),
      headers: { 'content-length': '400000' },
    },
  },
  {
    title: 'OPTIONS',
    request: { method: 'OPTIONS' },
    arrives: { method: 'OPTIONS', url: '/', body: '', headers: {} },
  },
  {
    title: 'HEAD',
    request: { method: 'HEAD' },
    arrives: { method: 'HEAD', url: '/', body: '', headers: {} },
  },
];

/** Several that differ in all that can differ, each with a path of its own. */
export const SEVERAL = Requests.parse([
  { name: 'read', path: '/read?x=1', weight: 6 },
  { name: 'list', path: '/list', headers: { accept: 'text/plain' }, weight: 2.5 },
  { name: 'write', path: '/write', method: 'POST', body: '{"ä":1}', headers: { 'x-kind': 'order' } },
  { name: 'longer', path: '/longer', method: 'PUT', bodyBytes: 3_000, weight: 0.5 },
]);

/** An answer to HEAD announces a body that does not come, an answer to GET the same body that does. */
const WITH_HEAD = Requests.parse([
  { name: 'get', path: '/get' },
  { name: 'head', path: '/head', method: 'HEAD' },
]);

/** How often the sequence of a seed has each of them among its first so many. */
export function drawnCounts(requests: readonly { weight: number }[], seed: number, count: number): number[] {
  const draw = createDraw(requests)!;
  draw.restart(seed);
  const counts = requests.map(() => 0);
  for (let i = 0; i < count; i++) counts[draw.next()]!++;
  return counts;
}

/** Each arrived request is one of several, whole and unmixed. @returns how often each arrived */
export function countArrived(received: readonly ReceivedRequest[], requests: typeof SEVERAL): number[] {
  const byPath = Map.groupBy(received, ({ url }) => url);
  assert.ok([...byPath.keys()].every(url => requests.some(({ path }) => path === url)));
  return requests.map(({ method, path, headers, body, bodyBytes = 0 }) => {
    const arrived = byPath.get(path!) ?? [];
    assertArrived(arrived, {
      method,
      url: path!,
      body:
        body === undefined
          ? 'abcdefghijklmnopqrstuvwxyz'.repeat(120).slice(0, bodyBytes)
          : Buffer.from(body).toString('latin1'),
      headers: headers as Record<string, string>,
    });
    return arrived.length;
  });
}

export function assertArrived(
  received: readonly ReceivedRequest[],
  { headers, ...expected }: (typeof REQUESTS)[number]['arrives'],
): void {
  for (const { method, url, body, headers: arrived } of received) {
    assert.deepEqual({ method, url }, { method: expected.method, url: expected.url });
    assert.ok(body === expected.body, `a body of ${body.length} bytes, ${body.slice(0, 100)}`);
    for (const [name, value] of Object.entries(headers)) {
      const values = arrived.filter(([key]) => key === name).map(([, each]) => each);
      assert.deepEqual(values, [value], name);
    }
    const framing = arrived.filter(([name]) => name === 'content-length' || name === 'transfer-encoding');
    assert.ok(framing.length <= 1, JSON.stringify(framing));
  }
}

export function requestCase(subject: Subject): void {
  const variants: Stated[] = [{ pool: { maxConnections: 1 } }, { requestsPerConnection: 1 }];
  suite('the request', () => {
    for (const { title, request: stated, arrives } of REQUESTS) {
      const request = Request.parse(stated);
      for (const settings of variants) {
        const client = clientOf(subject, settings);
        if (subject.module.refusals(client, Target.parse({}), [request]).length > 0) continue;
        test(`${title}, ${JSON.stringify(settings)}: arrives as asked for, every time`, async t => {
          const server = await openEchoServer(t);
          const { askTimes } = openSubject(t, subject, server.endpoint, settings, { request });
          const ended = await askTimes(3, 1);
          const bytes = request.method === 'HEAD' ? 0 : 2;
          assert.deepEqual(
            ended.map(({ outcome, status, bodyBytes, error }) => [outcome, status, bodyBytes, error]),
            Array(3).fill(['ok', 200, bytes, undefined]),
          );
          assert.equal(server.received.length, 3);
          assertArrived(server.received, arrives);
          if (settings.requestsPerConnection === 1) assert.equal(server.connections(), 3);
          else assert.ok(server.connections() <= 2, `${server.connections()} connections`);
        });
      }
    }

    const mixes: { mix: typeof SEVERAL; settings: Stated }[] = [
      ...[...variants, { requestsPerConnection: 3 }, { pool: { maxConnections: 2, pipelining: 3 } }].map(
        settings => ({ mix: SEVERAL, settings }),
      ),
      { mix: WITH_HEAD, settings: {} },
      { mix: WITH_HEAD, settings: { pool: { maxConnections: 1, pipelining: 4 } } },
    ];
    for (const { mix, settings } of mixes) {
      const names = mix.map(({ name }) => name).join(', ');
      if (refusalOf(subject, settings) !== undefined) continue;
      if (subject.module.refusals(clientOf(subject, settings), Target.parse({}), mix).length > 0) continue;
      test(`several (${names}), ${JSON.stringify(settings)}: what arrives is what was drawn, to the last one`, async t => {
        const server = await openEchoServer(t);
        const { transport } = openSubject(t, subject, server.endpoint, settings, { requests: mix });
        const recorder = new Recorder({ requestCount: mix.length });
        t.after(() => recorder.close());
        const draw = createDraw(mix);
        const shared = { totalMs: undefined, transport, recorder, draw };
        const loop = createClosedLoad({ ...shared, concurrency: 5, thinkMs: 0, random: () => 0 });
        const times = { rampMs: 0, windowMs: 60, drainMs: 20_000, isRecorded: true, originMs: 0 };
        const expected = mix.map(() => 0);
        for (const requestSeed of [11, 12]) {
          const before = loop.sent;
          await loop.runSlice({ ...times, requestSeed });
          const drawn = drawnCounts(mix, requestSeed, loop.sent - before);
          for (const [index, count] of drawn.entries()) expected[index]! += count;
        }
        assert.deepEqual(countArrived(server.received, mix), expected);
        assert.deepEqual(loop.sentByRequest, expected);
        const { requests, completedRecorded } = recorder.finish();
        assert.equal(
          requests.reduce((sum, { completed }) => sum + completed!, 0),
          completedRecorded,
        );
        for (const [index, { completed, failed, response }] of requests.entries()) {
          assert.deepEqual([failed, response!.count], [0, completed]);
          assert.ok(completed! <= expected[index]!);
        }
      });
    }

    test('a refusal of a request says what is wrong and what is expected', () => {
      for (const { request } of REQUESTS) {
        for (const settings of variants) {
          const refusals = subject.module.refusals(clientOf(subject, settings), Target.parse({}), [
            Request.parse(request),
          ]);
          for (const { message, hint } of refusals) assert.ok(message.length > 10 && hint.length > 0);
        }
      }
    });
  });
}

/** undici's dump() gives up a connection whose body is longer; a transport may read on, but need not. */
const LONGEST_DUMP_BYTES = 128 * 1024;

export function exchangeCase(subject: Subject): void {
  suite('an exchange', { concurrency: true }, () => {
    for (const body of ['read', 'dump'] as const) {
      const whereAble = testWhere(subject, { body });
      for (const bytes of [0, 1, 1_024, 100_000, 1_000_000]) {
        if (body === 'dump' && bytes > LONGEST_DUMP_BYTES) continue;
        whereAble(`body ${body}, ${bytes} bytes: all counted, the connection kept`, async t => {
          const target = await openTestTarget(t, { behaviour: { name: 'fixed', bytes } });
          const { askTimes } = openSubject(t, subject, target.endpoint, {
            body,
            pool: { maxConnections: 1 },
          });
          const ended = await askTimes(4, 1);
          assert.deepEqual(
            ended.map(({ outcome, bodyBytes }) => [outcome, bodyBytes]),
            Array(4).fill(['ok', bytes]),
          );
          assert.ok(target.read().accepted <= mostOpen(subject, 1, 1));
        });
      }

      whereAble(`body ${body}, in chunks: all counted, the connection kept`, async t => {
        const behaviour = { name: 'stream', chunks: 5, chunkBytes: 700, intervalMs: 1 };
        const target = await openTestTarget(t, { behaviour }, stream);
        const { askTimes } = openSubject(t, subject, target.endpoint, { body, pool: { maxConnections: 2 } });
        const ended = await askTimes(10, 2);
        assert.deepEqual(
          ended.map(({ outcome, bodyBytes }) => [outcome, bodyBytes]),
          Array(10).fill(['ok', 3_500]),
        );
        assert.ok(target.read().accepted <= mostOpen(subject, 2, 2));
      });
    }

    const head = Request.parse({ method: 'HEAD' });
    for (const requestsPerConnection of [1, 'unlimited'] as const) {
      const settings = { requestsPerConnection, pool: { maxConnections: 1 } };
      if (subject.module.refusals(clientOf(subject, settings), Target.parse({}), [head]).length > 0) continue;
      test(`HEAD, requestsPerConnection ${requestsPerConnection}: no body, as announced or not`, async t => {
        const lengths = ['Content-Length: 5', 'Transfer-Encoding: chunked', 'X-Length: unknown'];
        // node:http leaves the end of a connection to the server where only a header asks for it.
        const connection = requestsPerConnection === 1 ? 'close' : 'keep-alive';
        const server = await openMisbehavingServer(t, ({ socket, ofAll }) => {
          socket.write(`HTTP/1.1 200 OK\r\nConnection: ${connection}\r\n${lengths[ofAll % 3]}\r\n\r\n`);
        });
        const { askTimes } = openSubject(t, subject, server.endpoint, settings, { request: head });
        const ended = await askTimes(9, 1);
        assert.deepEqual(
          ended.map(({ outcome, status, bodyBytes }) => [outcome, status, bodyBytes]),
          Array(9).fill(['ok', 200, 0]),
        );
        if (requestsPerConnection === 1) assert.equal(server.accepted, 9);
      });
    }

    test('without phases no clock is read within it', async t => {
      const target = await openTestTarget(t);
      const transport = subject.module.open({
        client: clientOf(subject),
        endpoint: target.endpoint,
        requests: [plainRequest('/')],
        hasPhases: false,
        onConnection: () => {},
      });
      t.after(() => transport.close());
      const exchange = newExchange();
      await transport.ready;
      await new Promise(resolve => transport.send(exchange, resolve));
      assert.equal(exchange.outcome, 'ok');
      assert.deepEqual([exchange.writtenAtMs, exchange.headersAtMs], [Number.NaN, Number.NaN]);
    });

    for (const requestsPerConnection of [1, 'unlimited'] as const) {
      test(`requestsPerConnection ${requestsPerConnection}: started <= written <= headers <= ended`, async t => {
        const behaviour = { name: 'stream', chunks: 3, chunkBytes: 10, intervalMs: 2 };
        const target = await openTestTarget(t, { behaviour }, stream);
        const { askTimes } = openSubject(t, subject, target.endpoint, {
          requestsPerConnection,
          pool: { maxConnections: 2 },
        });
        const beforeMs = performance.now();
        for (const { startedAtMs, writtenAtMs, headersAtMs, endedAtMs } of await askTimes(20, 6)) {
          const reported = { writtenAtMs, headersAtMs };
          for (const [name, ms] of Object.entries(reported)) {
            const isUnreported = subject.unreported?.includes(name as keyof typeof reported) ?? false;
            assert.equal(Number.isNaN(ms), isUnreported, name);
          }
          const times = [
            beforeMs,
            startedAtMs,
            writtenAtMs,
            headersAtMs,
            endedAtMs,
            performance.now(),
          ].filter(ms => !Number.isNaN(ms));
          assert.deepEqual(
            [...times].sort((a, b) => a - b),
            times,
          );
          assert.ok(!(headersAtMs >= endedAtMs), 'the body came after the header');
        }
      });
    }

    const bodiless: [what: string, answer: string, status: number, bytes: number][] = [
      ['204', 'HTTP/1.1 204 No Content\r\n\r\n', 204, 0],
      [
        '304 with the length of what it does not send',
        'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
        304,
        0,
      ],
      [
        '200 after 102 and 103',
        `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n${answerWith('abc')}`,
        200,
        3,
      ],
    ];
    for (const [what, answer, expected, bytes] of bodiless) {
      test(`${what}: each is one whole answer`, async t => {
        const server = await openMisbehavingServer(t, ({ socket }) => void socket.write(answer));
        const { askTimes } = openSubject(t, subject, server.endpoint, { pool: { maxConnections: 1 } });
        const ended = await askTimes(6, 1);
        assert.deepEqual(
          ended.map(({ outcome, status, bodyBytes, error }) => [outcome, status, bodyBytes, error]),
          Array(6).fill(['ok', expected, bytes, undefined]),
        );
        assert.equal(server.requests, 6);
        if (expected === 304 && subject.closesAfter304) assert.equal(server.accepted, 6);
        else assert.ok(server.accepted <= mostOpen(subject, 1, 1), `${server.accepted} connections`);
      });
    }

    test('a redirect counts as an answer and is not followed', async t => {
      const elsewhere = await openTestTarget(t);
      const server = await openMisbehavingServer(t, ({ socket }) => {
        const header = `Location: ${elsewhere.endpoint.origin}/\r\nContent-Length: 2`;
        socket.write(`HTTP/1.1 302 Found\r\n${header}\r\n\r\nno`);
      });
      const { ask } = openSubject(t, subject, server.endpoint);
      const { outcome, bodyBytes } = await ask();
      assert.deepEqual([outcome, bodyBytes, server.requests, elsewhere.read().requests], ['ok', 2, 1, 0]);
    });

    test('a record that is used again tells nothing of the exchange before', async t => {
      const server = await openMisbehavingServer(t, ({ socket, ofAll }) => {
        if (ofAll === 2) socket.destroy();
        else socket.write(answerWith('abc'));
      });
      const { ask } = openSubject(t, subject, server.endpoint, { pool: { maxConnections: 1 } });
      const record = newExchange();
      const first = { ...(await ask(record)) };
      const second = { ...(await ask(record)) };
      assert.deepEqual([first.bodyBytes, second.bodyBytes], [3, 0]);
      assert.ok(Number.isNaN(second.headersAtMs));
      const third = await ask(record);
      assert.deepEqual(
        [third.outcome, third.error, third.bodyBytes, third.abandon],
        ['ok', undefined, 3, undefined],
      );
    });
  });
}

/** More than a client buffers of a body that nobody reads. */
const LONG = { name: 'fixed', bytes: 1_000_000 };

export function leftBodyCase(subject: Subject): void {
  suite('bodies that are not read', { concurrency: true }, () => {
    testWhere(subject, { body: 'cancel' })('cancel: each response costs its connection', async t => {
      const target = await openTestTarget(t, { behaviour: LONG });
      const { ask } = openSubject(t, subject, target.endpoint, {
        body: 'cancel',
        pool: { maxConnections: 1 },
      });
      for (let count = 1; count <= 3; count++) {
        const { outcome, status, bodyBytes } = await ask();
        assert.deepEqual([outcome, status], ['ok', 200]);
        assert.ok(bodyBytes < LONG.bytes, `${bodyBytes} bytes`);
      }
      // The fetch of Node opens one more, which carries nothing.
      await eventually('each is closed', () => {
        const [carrying] = target.read().requestsPerConnection.filter(({ requests }) => requests > 0);
        return carrying?.requests === 1 && carrying.connections === 3;
      });
    });

    testWhere(subject, { body: 'ignore' })(
      'ignore: each response holds its connection until the end',
      async (t, open) => {
        const target = await openTestTarget(t, { behaviour: LONG });
        const { askTimes, transport } = open(target.endpoint);
        const ended = await askTimes(3, 1);
        assert.deepEqual(
          ended.map(({ outcome, status }) => [outcome, status]),
          Array(3).fill(['ok', 200]),
        );
        assert.ok(target.read().accepted >= 3);
        // Garbage collection may cancel bodies of fetch.
        if (!subject.name.includes('fetch')) assert.equal(transport.openConnections(), 3);
      },
    );

    for (const body of ['cancel', 'ignore'] as const) {
      testWhere(subject, { body })(
        `${body}: what comes late is not of the next exchange`,
        async (t, open) => {
          const behaviour = { name: 'stream', chunks: 10, chunkBytes: 1_000, intervalMs: 20 };
          const target = await openTestTarget(t, { behaviour }, stream);
          const { ask } = open(target.endpoint);
          const reader = openSubject(t, subject, target.endpoint);
          const record = newExchange();
          await ask(record);
          const { outcome, bodyBytes } = await ask(record);
          assert.equal(outcome, 'ok');
          // It began later, so all of both bodies has come by its end.
          assert.equal((await reader.ask()).bodyBytes, 10_000);
          assert.equal(record.bodyBytes, bodyBytes);
        },
      );
    }

    testWhere(subject, { body: 'ignore', pool: { maxConnections: 1 } })(
      'ignore: in a limited pool the next request waits, and can be abandoned',
      async (t, open) => {
        const target = await openTestTarget(t, { behaviour: LONG });
        const { ask, sendToAbandon } = open(target.endpoint);
        assert.equal((await ask()).outcome, 'ok');
        sendToAbandon().abandon?.();
        assert.equal(target.read().accepted, 1);
      },
    );
  });
}
