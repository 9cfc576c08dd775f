// undici's interceptors on real sockets: what the user sees, and what is really sent.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { Client } from '../../scenarios/model/client.ts';
import { type Exchange, newExchange } from '../contracts.ts';
import { AttemptFold } from '../load/folds.ts';
import { plainRequest } from './request.ts';
import undici from './undici.ts';

interface Opened {
  ask(exchange?: Exchange): Promise<Exchange>;
  attempts: AttemptFold;
  opened(): number;
  remarks(): readonly string[];
  sendToAbandon(): Exchange;
}

async function openWith(
  t: TestContext,
  settings: object,
  answer: RequestListener,
  host = '127.0.0.1',
): Promise<Opened> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const attempts = new AttemptFold(['2xx']);
  let opened = 0;
  const transport = undici.open({
    client: Client.parse(settings),
    endpoint: { origin: `http://${host}:${(server.address() as AddressInfo).port}`, path: '/' },
    requests: [plainRequest('/')],
    onConnection: () => opened++,
    attempts,
  });
  t.after(async () => {
    await transport.close();
    assert.equal(transport.openConnections(), 0);
    server.close();
  });
  return {
    ask: (exchange = newExchange()) =>
      new Promise(resolve => transport.send(exchange, ended => resolve({ ...ended }))),
    attempts,
    opened: () => opened,
    remarks: () => transport.remarks?.() ?? [],
    sendToAbandon() {
      const exchange = newExchange();
      transport.send(exchange, () => assert.fail('onEnd of an exchange that was given up'));
      return exchange;
    },
  };
}

/** Answers with these statuses in turn, then with the last one. */
function inTurn(statuses: readonly number[]): RequestListener {
  let index = 0;
  return (_request, response) => {
    response.writeHead(statuses[Math.min(index++, statuses.length - 1)]!).end('body');
  };
}

for (const api of ['request', 'dispatch', 'fetch']) {
  suite(`api ${api}`, () => {
    const retry = { maxRetries: 2, minDelayMs: 1, maxDelayMs: 2 };

    test('retry: one request of the user, three of the server, on one connection', async t => {
      const { ask, attempts, opened } = await openWith(
        t,
        { api, pool: { maxConnections: 1 }, interceptors: { retry } },
        inTurn([503, 500, 200]),
      );
      const { outcome, status, bodyBytes } = await ask();
      assert.deepEqual([outcome, status, bodyBytes], ['ok', 200, 4]);
      assert.deepEqual(attempts.counts(), { sent: 3, answered: 1, failures: { badStatus: 2 } });
      assert.equal(opened(), 1);
    });

    test('retry: what it gives up is a bad status, not an error of its own', async t => {
      const { ask, attempts } = await openWith(t, { api, interceptors: { retry } }, inTurn([503]));
      const { outcome, status } = await ask();
      assert.deepEqual([outcome, status], ['badStatus', 503]);
      assert.deepEqual(attempts.counts(), { sent: 3, answered: 0, failures: { badStatus: 3 } });
    });

    test('retry: a connection that is closed instead of an answer', async t => {
      let count = 0;
      const { ask, attempts, opened } = await openWith(
        t,
        { api, interceptors: { retry } },
        (request, response) => {
          if (count++ === 0) request.socket.destroy();
          else response.end('body');
        },
      );
      assert.equal((await ask()).outcome, 'ok');
      assert.deepEqual(attempts.counts(), { sent: 2, answered: 1, failures: { reset: 1 } });
      assert.equal(opened(), 2);
    });

    test('cache: one request is sent, and the others have its status and body', async t => {
      let count = 0;
      const { ask, attempts } = await openWith(
        t,
        { api, interceptors: { cache: { freshMs: 600_000, maxEntries: 5 } } },
        (_request, response) => {
          count++;
          response.end('body');
        },
      );
      const exchange = newExchange();
      for (let i = 0; i < 4; i++) {
        const { outcome, status, bodyBytes } = await ask(exchange);
        assert.deepEqual([outcome, status, bodyBytes], ['ok', 200, 4]);
      }
      assert.equal(count, 1);
      assert.deepEqual(attempts.counts(), { sent: 1, answered: 1, failures: {} });
    });
  });
}

test('cache: freshMs are milliseconds', async t => {
  const { ask, attempts } = await openWith(t, { interceptors: { cache: { freshMs: 20 } } }, inTurn([200]));
  await ask();
  await new Promise(resolve => setTimeout(resolve, 60));
  await ask();
  assert.equal(attempts.counts().sent, 2);
});

test('retry: a request that is given up during a delay is not sent again', async t => {
  let count = 0;
  const { attempts, sendToAbandon } = await openWith(
    t,
    { interceptors: { retry: { minDelayMs: 50 } } },
    (_request, response) => {
      count++;
      response.writeHead(503).end();
    },
  );
  const exchange = sendToAbandon();
  while (attempts.counts().failures.badStatus === undefined)
    await new Promise(resolve => setTimeout(resolve, 1));
  exchange.abandon!();
  await new Promise(resolve => setTimeout(resolve, 120));
  assert.equal(count, 1);
});

test('dns: the name is resolved once for all connections, and the server sees it', async t => {
  const hosts = new Set<string | undefined>();
  const { ask, attempts, opened, remarks } = await openWith(
    t,
    { pool: { maxConnections: 3 }, interceptors: { dns: {} } },
    ({ headers }, response) => {
      hosts.add(headers.host?.split(':')[0]);
      response.end('body');
    },
    'localhost',
  );
  const first = await ask();
  assert.deepEqual([first.outcome, first.error], ['ok', undefined]);
  const ended = await Promise.all(Array.from({ length: 6 }, () => ask()));
  assert.ok(ended.every(({ outcome }) => outcome === 'ok'));
  assert.deepEqual([...hosts], ['localhost']);
  assert.equal(opened(), 3);
  assert.equal(attempts.counts().answered, 7);
  assert.match(remarks().join(), /resolved the name of the server 1 time/);
});
