// Clients with a target of several origins: requests and connections of each are what the target counts, and limits per host count once for each.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createDraw } from '../../results/random.ts';
import { Target } from '../../scenarios/model/target.ts';
import { openOrigins } from '../../servers/app.ts';
import fixed from '../../servers/behaviours/fixed.ts';
import type { Scope } from '../../servers/testing/client.ts';
import { newExchange, type OpenedConnection } from '../contracts.ts';
import fetchModule from './fetch.ts';
import nodeHttp from './node-http.ts';
import { requestsTo } from './request.ts';
import { clientOf, type Stated, type Subject } from './testing/subject.ts';
import undici from './undici.ts';

const ORIGINS = 3;

async function openTarget(t: Scope, stated: object) {
  const target = await openOrigins({
    target: Target.parse({ origins: ORIGINS, ...stated }),
    behaviour: fixed,
    seed: 1,
  });
  t.after(target.close);
  return target;
}

/** Sends this many requests by this many users, each to the origin that is drawn for it. */
async function load(
  t: Scope,
  subject: Subject,
  stated: Stated,
  target: Awaited<ReturnType<typeof openTarget>>,
) {
  const requests = requestsTo(target.endpoint, { target: Target.parse({ origins: ORIGINS }) }, {});
  const connections: OpenedConnection[] = [];
  const transport = subject.module.open({
    client: clientOf(subject, stated),
    endpoint: target.endpoint,
    requests,
    onConnection: connection => connections.push(connection),
  });
  t.after(() => transport.close());
  const draw = createDraw(requests)!;
  draw.restart(7);
  const sent = Array<number>(ORIGINS).fill(0);
  let left = 120;
  const failed: (string | undefined)[] = [];
  async function use(): Promise<void> {
    const exchange = newExchange();
    while (left-- > 0) {
      exchange.request = draw.next();
      sent[exchange.request]!++;
      await new Promise<void>(resolve => transport.send(exchange, () => resolve()));
      if (exchange.outcome !== 'ok') failed.push(exchange.error);
    }
  }
  await Promise.all(Array.from({ length: 12 }, use));
  assert.deepEqual(failed, []);
  const opened = sent.map((_, index) => connections.filter(({ origin }) => origin === index).length);
  return { sent, opened, total: connections.length };
}

const subjects: Subject[] = [
  ...['request', 'dispatch', 'fetch'].map(api => ({
    name: `undici, ${api}`,
    module: undici,
    settings: { api },
  })),
  { name: 'node-http', module: nodeHttp, settings: { transport: 'node-http' } },
  { name: 'fetch', module: fetchModule, settings: { transport: 'fetch' } },
];

for (const subject of subjects) {
  suite(subject.name, () => {
    for (const tls of ['none', '1.3'] as const) {
      test(`short connections, TLS ${tls}: both ends count the same of each origin`, async t => {
        const target = await openTarget(t, { tls });
        const { sent, opened, total } = await load(t, subject, { requestsPerConnection: 1 }, target);
        const { origins = [], accepted, requests } = target.read();
        assert.deepEqual(
          origins,
          sent.map((count, index) => ({ requests: count, accepted: opened[index] })),
        );
        assert.deepEqual([opened, accepted, requests], [sent, total, 120]);
      });
    }

    if (subject.module.honours.includes('pool.maxConnections')) {
      test('a limit per host counts once for each origin', async t => {
        const target = await openTarget(t, {});
        const { opened } = await load(t, subject, { pool: { maxConnections: 2 } }, target);
        assert.deepEqual(opened, [2, 2, 2]);
        assert.deepEqual(
          target.read().origins!.map(({ accepted }) => accepted),
          opened,
        );
      });
    }
  });
}
