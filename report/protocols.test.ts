// Protocol, TLS and their handshakes in a report: shown where they are used, and absent where they are not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { z } from 'zod';
import { Client } from '../scenarios/model/client.ts';
import { Target } from '../scenarios/model/target.ts';
import { buildReport } from './build.ts';
import { sampleRuns } from './testing/sample-runs.ts';
import { describeClient, describePolicy, policySubject } from './words/clients.ts';

const clients: [stated: z.input<typeof Client>, mode: string, subject: string, text: RegExp][] = [
  [{}, 'persistent', 'persistent connections', /^undici: keep-alive, body read$/],
  [{ protocol: 'h2' }, 'persistent, HTTP/2', 'persistent HTTP/2 connections', /^undici: HTTP\/2, keep-alive/],
  [
    { protocol: 'h2', pool: { maxConnections: 1, maxConcurrentStreams: 100 } },
    'persistent, HTTP/2',
    'persistent HTTP/2 connections',
    /at most 1 connection, at most 100 streams per connection/,
  ],
  [{ requestsPerConnection: 1 }, 'short', 'short connections', /a new connection for each request/],
  [{ pool: { pipelining: 1 } }, 'persistent', 'persistent connections', /, no pipelining,/],
  [{ pool: { pipelining: 4 } }, 'persistent', 'persistent connections', /, 4 requests pipelined,/],
  [
    { pool: { maxLifetimeMs: 500, tcpKeepAliveMs: 2_000 } },
    'persistent',
    'persistent connections',
    /no connection used for longer than 500 ms, TCP keep-alive after 2000 ms/,
  ],
];
for (const [stated, mode, subject, text] of clients) {
  test(`in words: ${JSON.stringify(stated)}`, () => {
    const client = Client.parse(stated);
    assert.deepEqual([describePolicy(client), policySubject(client)], [mode, subject]);
    assert.match(describeClient(client), text);
  });
}

/** The report of a stored run as if its target had been another, with the given handshakes in each trial. */
function reportOf(target: z.input<typeof Target>, full: number, resumed: number) {
  const { run, trials } = structuredClone(sampleRuns['two arms']!);
  for (const { scenario } of run.cells) scenario.target = Target.parse(target);
  for (const trial of trials) {
    if (trial.state === 'completed')
      Object.assign(trial.measurement.ledger, { handshakesFull: full, handshakesResumed: resumed });
  }
  return buildReport({ run, trials, charts: [] }).cells[0]!;
}

const targets: [target: z.input<typeof Target>, told: RegExp][] = [
  [{}, /^HTTP\/1\.1 without TLS, behaviour/],
  [{ tls: '1.2', tlsKey: 'rsa' }, /^HTTP\/1\.1 over TLS 1\.2 with an RSA 2048 key, behaviour/],
  [
    { protocol: 'h2', tls: '1.3', maxConcurrentStreams: 250 },
    /^HTTP\/2 \(at most 250 streams per connection\) and HTTP\/1\.1 over TLS 1\.3 with an EC P-256 key, behaviour/,
  ],
];
for (const [target, told] of targets) {
  test(`the target in words: ${told.source}`, () => {
    assert.match(reportOf(target, 0, 0).conditions.find(({ label }) => label === 'Target')!.value, told);
  });
}

test('handshakes full and resumed are columns over TLS, summed over the replicates, and absent without', () => {
  const { main } = reportOf({ tls: '1.3' }, 30, 7);
  const of = (heading: string) => main.columns.findIndex(column => column.heading === heading);
  assert.equal(main.columns[of('full')]?.unit, 'TLS handshakes');
  for (const row of main.rows) {
    assert.deepEqual([row[of('full')]?.text, row[of('resumed')]?.text], ['120', '28']);
  }
  assert.ok(reportOf({}, 0, 0).main.columns.every(({ unit }) => unit !== 'TLS handshakes'));
});
