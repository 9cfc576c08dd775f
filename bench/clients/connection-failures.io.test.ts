// A failure is classified by what its connection had carried: nothing, whole answers before, or part of this one.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { connect, type Socket } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { ConnectionFailures } from './connection-failures.ts';
import { type Evidence, NO_EVIDENCE } from './errors.ts';
import { EndpointSockets } from './sockets.ts';
import { answerWith, openMisbehavingServer } from './testing/misbehaving-server.ts';

const PART = 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this much';
const HEAD = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const STALE: Evidence = { isReusedConnection: true, hasResponse: false };

/** Breaks the connection at its request `failing`, after `words`. */
async function breakingServer(
  t: TestContext,
  failing: number,
  isReset: boolean,
  words: string,
  isTls = false,
) {
  return openMisbehavingServer(
    t,
    ({ socket, raw, ofConnection }) => {
      if (ofConnection < failing) socket.write(answerWith('ok'));
      else if (words === '') isReset ? raw.resetAndDestroy() : socket.end();
      else socket.write(words, () => setImmediate(() => (isReset ? raw.resetAndDestroy() : socket.end())));
    },
    isTls,
  );
}

/** The error of the request that fails, after those that did not. */
function failureOf(ask: () => http.ClientRequest): Promise<Error> {
  return new Promise((resolve, reject) => {
    ask()
      .once('error', resolve)
      .once('response', (response: http.IncomingMessage) =>
        response
          .once('error', resolve)
          .once('end', () => setImmediate(() => failureOf(ask).then(resolve, reject)))
          .resume(),
      );
  });
}

suite('of a request of node:http', () => {
  const cases: [what: string, failing: number, words: string, expected: Evidence][] = [
    ['a new connection', 1, '', NO_EVIDENCE],
    ['one that had worked', 3, '', STALE],
    [
      'within the header, the first of its connection',
      1,
      'HTTP/1.1 2',
      { ...NO_EVIDENCE, hasResponse: true },
    ],
    ['within the header', 2, 'HTTP/1.1 2', { ...STALE, hasResponse: true }],
    ['within the body', 2, PART, { ...STALE, hasResponse: true }],
  ];
  for (const isTls of [false, true]) {
    for (const isReset of [true, false]) {
      for (const [what, failing, words, expected] of cases) {
        test(`${isTls ? 'TLS: ' : ''}${what}, ${isReset ? 'reset' : 'ended'}`, async t => {
          const server = await breakingServer(t, failing, isReset, words, isTls);
          const watched = new EndpointSockets(server.endpoint, () => {});
          t.after(() => watched.stop());
          const { caPem: ca } = server.endpoint;
          const agent = isTls
            ? new https.Agent({ keepAlive: true, maxSockets: 1, ca: ca! })
            : new http.Agent({ keepAlive: true, maxSockets: 1 });
          t.after(() => agent.destroy());
          const error = await failureOf(() => (isTls ? https : http).get(server.endpoint.origin, { agent }));
          assert.deepEqual(watched.brokenConnection([error]), expected, error.message);
          // As a library does that keeps nothing of the error.
          assert.deepEqual(watched.brokenConnection([new Error('it failed')]), expected, 'of the same turn');
          for (const _ of Array(5)) await new Promise(resolve => setImmediate(resolve)); // its end and its close
          assert.deepEqual(watched.brokenConnection([new Error('it failed')]), NO_EVIDENCE, 'of a later one');
        });
      }
    }
  }
});

suite('of sockets written to by hand', () => {
  /** Two connections to a server; `run` writes to them, and has them broken. */
  async function openPair(t: TestContext) {
    const peers: Socket[] = [];
    const server = await openMisbehavingServer(t, ({ socket }) => socket.write(answerWith('ok')));
    const failures = new ConnectionFailures();
    t.after(() => failures.stop());
    const sockets = [1, 2].map(() => {
      const socket = connect(Number(new URL(server.endpoint.origin).port), '127.0.0.1').on('error', () => {});
      failures.add(socket);
      t.after(() => socket.destroy());
      return socket;
    });
    await Promise.all(sockets.map(socket => once(socket, 'connect')));
    return { failures, sockets: sockets as [Socket, Socket], peers };
  }

  test('a request that is written before the last was answered: not known', async t => {
    const {
      failures,
      sockets: [socket],
    } = await openPair(t);
    socket.write(HEAD);
    socket.write(HEAD);
    await once(socket, 'data');
    const error = new Error('gone');
    socket.destroy(error);
    await new Promise(resolve => socket.once('close', resolve));
    assert.deepEqual(failures.evidenceOf([error]), NO_EVIDENCE);
  });

  test('two that break in one turn and tell two things: not known', async t => {
    const {
      failures,
      sockets: [used, fresh],
    } = await openPair(t);
    used.write(HEAD);
    await once(used, 'data');
    used.write(HEAD);
    fresh.write(HEAD);
    used.destroy(new Error('gone'));
    const error = new Error('gone');
    fresh.destroy(error);
    await new Promise(resolve => process.nextTick(() => process.nextTick(resolve)));
    assert.deepEqual(failures.evidenceOf([new Error('it failed')]), NO_EVIDENCE);
    assert.deepEqual(failures.evidenceOf(['words', undefined, null, error]), NO_EVIDENCE);
  });

  test('one that names the port of its connection is of that', async t => {
    const {
      failures,
      sockets: [used, fresh],
    } = await openPair(t);
    used.write(HEAD);
    await once(used, 'data');
    used.write(Buffer.from(HEAD));
    const { localPort } = used;
    used.destroy(new Error('gone'));
    fresh.destroy(new Error('gone'));
    await new Promise(resolve => process.nextTick(() => process.nextTick(resolve)));
    const error = Object.assign(new Error('other side closed'), { socket: { localPort } });
    assert.deepEqual(failures.evidenceOf([error]), STALE);
  });

  test('what is not the head of a request begins none', async t => {
    const {
      failures,
      sockets: [socket],
    } = await openPair(t);
    socket.write(`POST /a?b HTTP/1.1\r\nHost: a\r\n\r\n`);
    await once(socket, 'data');
    socket.write('more of the BODY / HTTP/1.1\r\n');
    const error = new Error('gone');
    socket.destroy(error);
    await new Promise(resolve => socket.once('close', resolve));
    assert.deepEqual(failures.evidenceOf([error]), { ...NO_EVIDENCE, hasResponse: true });
  });
});
