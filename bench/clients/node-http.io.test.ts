// What is node:http's own: what it refuses, and facts of this version of Node that the settings are built on.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { suite, type TestContext, test } from 'node:test';
import { Client } from '../../scenarios/model/client.ts';
import { Target } from '../../scenarios/model/target.ts';
import { openTestTarget } from '../../servers/testing/target.ts';
import { type Exchange, newExchange } from '../contracts.ts';
import { eventually } from '../run/testing/processes.ts';
import nodeHttp from './node-http.ts';
import { answerWith, openBlackHole, openMisbehavingServer } from './testing/misbehaving-server.ts';
import { openSubject, type Stated, type Subject } from './testing/subject.ts';

const subject: Subject = { name: 'node-http', module: nodeHttp, settings: { transport: 'node-http' } };

suite('refusals', () => {
  const cases: [stated: Stated, tls: 'none' | '1.3', paths: string[]][] = [
    [{}, 'none', []],
    [{ protocol: 'http1' }, 'none', []],
    [{ protocol: 'h2' }, '1.3', ['protocol']],
    [{ requestsPerConnection: 1, pool: { maxConnections: 5 } }, 'none', []],
    [{ requestsPerConnection: 7, pool: { maxConnections: 5, maxTotalConnections: 5 } }, 'none', []],
    [{ pool: { idleTimeoutMs: 5_000, idleTimeoutBufferMs: 0 } }, 'none', []],
    [{ pool: { idleTimeoutBufferMs: 0 } }, 'none', ['pool.idleTimeoutBufferMs']],
    [{ pool: { tcpKeepAliveMs: 3_000 } }, 'none', []],
    [{ pool: { tcpKeepAliveMs: 999 } }, 'none', ['pool.tcpKeepAliveMs']],
    [{ pool: { tcpKeepAliveMs: 1_001 } }, 'none', ['pool.tcpKeepAliveMs']],
    [{ pool: { tcpKeepAliveMs: 3_000 }, requestsPerConnection: 1 }, 'none', ['pool.tcpKeepAliveMs']],
    [{ pool: { tlsSessions: 'pinned' } }, '1.3', []],
    [{ pool: { tlsSessions: 'pinned' } }, 'none', ['pool.tlsSessions']],
  ];
  for (const [stated, tls, paths] of cases) {
    test(`${JSON.stringify(stated)} with TLS ${tls}: ${paths.join(', ') || 'none'}`, () => {
      const refused = nodeHttp.refusals(Client.parse(stated), Target.parse({ tls }));
      assert.deepEqual(
        refused.map(({ path }) => path),
        paths,
      );
    });
  }
});

/** Sends requests by several users through a plain agent of Node's. */
async function askBare(
  t: TestContext,
  origin: string,
  options: http.AgentOptions,
  count: number,
  users: number,
) {
  const agent = new http.Agent(options);
  t.after(() => agent.destroy());
  let left = count;
  const use = async (): Promise<void> => {
    while (left-- > 0) {
      await new Promise<void>((resolve, reject) => {
        http.get(origin, { agent }, response => response.resume().once('end', resolve)).once('error', reject);
      });
    }
  };
  await Promise.all(Array.from({ length: users }, use));
}

suite('facts of this version', { concurrency: true }, () => {
  test('keepAlive: false reuses connections while requests queue for them, so it is not what 1 is built on', async t => {
    const target = await openTestTarget(t);
    await askBare(t, target.endpoint.origin, { keepAlive: false, maxSockets: 4 }, 80, 8);
    const bare = target.read().accepted;
    assert.ok(bare < 80, `${bare} connections`);
    const { askTimes } = openSubject(t, subject, target.endpoint, {
      requestsPerConnection: 1,
      pool: { maxConnections: 4 },
    });
    await askTimes(80, 8);
    assert.equal(target.read().accepted - bare, 80);
  });

  for (const [requestsPerConnection, headers] of [
    [1, ['close', 'close', 'close']],
    [2, ['keep-alive', 'close', 'keep-alive']],
    ['unlimited', ['keep-alive', 'keep-alive', 'keep-alive']],
  ] as const) {
    test(`requestsPerConnection ${requestsPerConnection} is said to the server: ${headers.join(', ')}`, async t => {
      const seen: (string | undefined)[] = [];
      const server = http.createServer((request, response) => {
        seen.push(request.headers.connection);
        response.end('ok');
      });
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
      t.after(() => new Promise(resolve => server.close(resolve)));
      const { port } = server.address() as { port: number };
      const endpoint = { origin: `http://127.0.0.1:${port}`, path: '/' };
      const { askTimes } = openSubject(t, subject, endpoint, { requestsPerConnection });
      await askTimes(3, 1);
      assert.deepEqual(seen, headers);
    });
  }

  test('it closes at its count although the server says keep-alive', async t => {
    const server = await openMisbehavingServer(t, ({ socket }) =>
      socket.write('HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok'),
    );
    for (const [requestsPerConnection, connections] of [
      [1, 6],
      [3, 2],
    ] as const) {
      const before = server.accepted;
      const { askTimes } = openSubject(t, subject, server.endpoint, { requestsPerConnection });
      await askTimes(6, 1);
      assert.equal(server.accepted - before, connections);
    }
  });

  for (const [keepAliveTimeoutMs, isReused] of [
    [1_999, false],
    [2_000, true],
  ] as const) {
    test(`its buffer of 1 s, unasked: a server's keep-alive timeout of ${keepAliveTimeoutMs} ms, reused ${isReused}`, async t => {
      const target = await openTestTarget(t, { keepAliveTimeoutMs });
      const { askTimes } = openSubject(t, subject, target.endpoint);
      await askTimes(4, 1);
      assert.equal(target.read().accepted, isReused ? 1 : 4);
    });
  }

  test('an idle timeout closes idle connections only: a slow answer is waited for', async t => {
    const server = await openMisbehavingServer(t, ({ socket }) => {
      setTimeout(() => socket.write(answerWith('ok')), 150);
    });
    const { ask } = openSubject(t, subject, server.endpoint, { pool: { idleTimeoutMs: 30 } });
    assert.equal((await ask()).outcome, 'ok');
    await eventually('the idle connection is closed', () => server.open === 0);
  });

  const needsLinux = process.platform === 'linux' ? test : () => {};
  needsLinux('tcpKeepAliveMs: the kernel has its timer on an idle connection', async t => {
    const target = await openTestTarget(t);
    const { ask } = openSubject(t, subject, target.endpoint, { pool: { tcpKeepAliveMs: 30_000 } });
    await ask();
    const port = Number(new URL(target.endpoint.origin).port).toString(16).toUpperCase().padStart(4, '0');
    const rows = readFileSync('/proc/net/tcp', 'latin1')
      .split('\n')
      .map(line => line.trim().split(/\s+/));
    const ours = rows.filter(([, , remote, state]) => remote?.endsWith(`:${port}`) && state === '01');
    assert.equal(ours.length, 1);
    const [timer, ticks] = ours[0]![5]!.split(':');
    const KEEP_ALIVE = '02';
    assert.equal(timer, KEEP_ALIVE);
    const leftSec = Number.parseInt(ticks!, 16) / 100;
    assert.ok(leftSec > 10 && leftSec <= 30, `${leftSec} s left`);
  });

  test('connectMs says so', async t => {
    const stated = { timeouts: { connectMs: 60 } };
    const { error } = await openSubject(t, subject, await openBlackHole(t), stated).ask();
    assert.equal(error, 'ETIMEDOUT: not connected within connectMs = 60');
  });

  test('the connection is free when the end is reported: a request sent from that callback reuses it', async t => {
    const target = await openTestTarget(t);
    const { transport, connections } = openSubject(t, subject, target.endpoint);
    let left = 10;
    await new Promise<void>(resolve => {
      const send = (exchange: Exchange): void => {
        if (left-- > 0) transport.send(exchange, send);
        else resolve();
      };
      send(newExchange());
    });
    assert.deepEqual([target.read().requests, target.read().accepted, connections.length], [10, 1, 1]);
  });
});
