// The tests of who closes a connection after its last response, by what the server sees of it.
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { suite } from 'node:test';
import { openMisbehavingServer } from './misbehaving-server.ts';
import { openSubject, type Stated, type Subject, testWhere } from './subject.ts';
import { until } from './until.ts';

const LAST = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok';
const NOT_LAST = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** What the server sees first of a connection's end; itself does nothing. */
function firstSign(socket: Socket): Promise<string> {
  return new Promise(resolve => {
    socket.once('end', () => resolve('FIN'));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
  });
}

export function closingCase(subject: Subject): void {
  const stated = (closing: 'client' | 'server' | 'reset') =>
    ({ requestsPerConnection: 1, pool: { maxConnections: 1, closing } }) satisfies Stated;

  suite('closing', { concurrency: true }, () => {
    const cases = [
      { closing: 'client', answer: LAST, sign: 'FIN' },
      { closing: 'reset', answer: LAST, sign: 'ECONNRESET' },
      // The server has not said that it closes, and might never do so.
      { closing: 'server', answer: NOT_LAST, sign: 'FIN' },
    ] as const;
    for (const { closing, answer, sign } of cases) {
      const title = `${closing}, after an answer ${answer === LAST ? 'with' : 'without'} Connection: close: the server sees ${sign}`;
      testWhere(subject, stated(closing))(title, async t => {
        const signs: Promise<string>[] = [];
        const server = await openMisbehavingServer(t, ({ socket }) => {
          signs.push(firstSign(socket));
          socket.write(answer);
        });
        const { askTimes } = openSubject(t, subject, server.endpoint, stated(closing));
        const ended = await askTimes(3, 1);
        assert.ok(ended.every(({ outcome }) => outcome === 'ok'));
        assert.deepEqual(await Promise.all(signs), [sign, sign, sign]);
      });
    }

    testWhere(subject, stated('server'))(
      'server: the connection stays open, and counts, until the server ends it',
      async t => {
        const sockets: Socket[] = [];
        const server = await openMisbehavingServer(t, ({ socket }) => {
          sockets.push(socket);
          socket.write(LAST);
        });
        const { ask, transport } = openSubject(t, subject, server.endpoint, stated('server'));
        assert.equal((await ask()).outcome, 'ok');
        const second = ask();
        assert.deepEqual([transport.openConnections(), server.requests], [1, 1]);
        sockets[0]!.end();
        assert.equal((await second).outcome, 'ok');
        assert.equal(server.accepted, 2);
        sockets[1]!.end();
        await until('the second is closed', () => transport.openConnections() === 0 && server.open === 0);
      },
    );
  });
}
