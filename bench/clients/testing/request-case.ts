// Conformance: what the scenario's request asks for is what arrives at the server, for every client that does not refuse it.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { z } from 'zod';
import { createDraw } from '../../../results/draw.ts';
import { Request, Requests } from '../../../scenarios/model/request.ts';
import { Target } from '../../../scenarios/model/target.ts';
import { openEchoServer, type ReceivedRequest } from '../../../servers/testing/echo-server.ts';
import { createClosedLoad } from '../../load/closed.ts';
import { Recorder } from '../../load/recorder.ts';
import { clientOf, openSubject, refusalOf, type Stated, type Subject } from './subject.ts';

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
