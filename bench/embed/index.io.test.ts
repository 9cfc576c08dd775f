// The entry for other load generators: it checks like conntax, asks the server once, and its turns count what the server accepts.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { embed } from './index.ts';
import { parseBlockMetric, parseFactMetric } from './names.ts';

async function startServer(t: TestContext) {
  const counts = { connections: 0, requests: 0 };
  const server = createServer((_request, response) => {
    counts.requests++;
    setTimeout(() => response.end('hello'), 2);
  });
  server.on('connection', () => counts.connections++);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, counts };
}

const OPTIONS = { file: 'script', allowedHosts: [] };

function contentFor(url: string | undefined, more: object = {}): object {
  return {
    name: 'embedded',
    question: 'Does it count?',
    target: url === undefined ? {} : { url },
    clients: { short: { requestsPerConnection: 1 }, persistent: { pool: { maxConnections: 2 } } },
    baseline: 'short',
    ...more,
  };
}

suite('conntax/embed', () => {
  test('a turn counts the connections that the server accepts', async t => {
    const { url, counts } = await startServer(t);
    const { openTurn, facts } = await embed(contentFor(url), OPTIONS);
    assert.deepEqual(
      [...facts.ofWorker, ...facts.ofMachine].map(name => parseFactMetric(name)?.subject),
      ['scenario', 'client.short', 'client.persistent', 'server', 'versions', 'machine'],
    );
    const asked = { ...counts };
    assert.equal(asked.requests, 1);
    for (const [arm, opened] of [
      ['short', 6],
      ['persistent', 2],
    ] as const) {
      const before = counts.connections;
      const sums = new Map<string, number>();
      const turn = openTurn({
        arm,
        block: 1,
        warmUpMs: 0,
        drainMs: 5_000,
        due: { requests: 6, ms: 100 },
        readsKernel: false,
        sink: {
          counter(name, value) {
            const { figure } = parseBlockMetric(name)!;
            sums.set(figure, (sums.get(figure) ?? 0) + value);
          },
          histogram() {},
        },
      });
      await turn.ready;
      turn.enter();
      const outcomes = await Promise.all(Array.from({ length: 6 }, () => turn.send(0)));
      turn.close();
      turn.leave();
      await turn.ended;
      assert.deepEqual(new Set(outcomes), new Set(['ok']));
      assert.deepEqual([sums.get('sent'), sums.get('answered'), sums.get('opened')], [6, 6, opened]);
      assert.equal(counts.connections - before, opened);
    }
    assert.equal(counts.requests, asked.requests + 12);
  });

  test('what another load generator leaves no place for is refused, all at once', async t => {
    const { url, counts } = await startServer(t);
    const content = contentFor(undefined, {
      link: { roundTripMs: 10 },
      clients: {
        short: { requestsPerConnection: 1, interceptors: { retry: {} } },
        tool: { transport: 'autocannon' },
      },
    });
    await assert.rejects(embed(content, OPTIONS), ({ message }: Error) => {
      for (const part of [
        /target\.url: no server to send to/,
        /link: only conntax run can do that/,
        /clients\.short\.interceptors: attempts are not counted here/,
        /clients\.tool\.transport: autocannon sends by its own loop/,
      ])
        assert.match(message, part);
      return true;
    });
    await assert.rejects(embed(contentFor('http://192.0.2.1/'), OPTIONS), /192\.0\.2\.1 is not on loopback/);
    await assert.rejects(
      embed(contentFor(url, { question: 'x'.repeat(2_000) }), OPTIONS),
      /scenario: too long to be stated/,
    );
    await assert.rejects(embed(contentFor(url, { baseline: 'none' }), OPTIONS), /no client "none"/);
    // The too long one was a valid scenario, whose server was asked.
    assert.equal(counts.requests, 1);
  });
});
