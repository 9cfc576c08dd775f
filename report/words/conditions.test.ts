// Conditions in words: every setting that was given, and how an external server differs from what was declared.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { z } from 'zod';
import type { ForeignServer } from '../../results/model/run.ts';
import { FOUND_SERVER, sampleRun } from '../../results/testing/sample-run.ts';
import { Client, type Pool } from '../../scenarios/model/client.ts';
import { Target, withUnknowns } from '../../scenarios/model/target.ts';
import { describeClient, describePolicy, policySubject } from './clients.ts';
import { sharedConditions } from './conditions.ts';
import { serverRemarks } from './target.ts';

describe("A client in words: every setting that was given is shown, and options of a user's own module are left out", () => {
  const own = { transport: './my-client.ts', modulePath: '/somewhere/my-client.ts' };

  const cases: [stated: z.input<typeof Client>, mode: string, subject: string, text: string][] = [
    [{}, 'persistent', 'persistent connections', 'undici: keep-alive, body read'],
    [
      { transport: 'node-http', requestsPerConnection: 1, pool: { maxIdleConnections: 0 } },
      'short',
      'short connections',
      'node-http: a new connection for each request, at most 0 idle connections, body read',
    ],
    [
      { api: 'fetch', requestsPerConnection: 5 },
      '5 requests per connection',
      'connections of 5 requests',
      'undici fetch: 5 requests per connection, body read',
    ],
    [
      { ...own, options: { service: 'a' }, timeouts: { totalMs: 50 } },
      './my-client.ts',
      'connections of ./my-client.ts',
      './my-client.ts: connections managed by the module, total timeout 50 ms, body read, options {"service":"a"}',
    ],
    [
      { ...own, requestsPerConnection: 1 },
      'short',
      'short connections',
      './my-client.ts: a new connection for each request, body read',
    ],
  ];
  for (const [stated, mode, subject, text] of cases) {
    test(text, () => {
      const client = Client.parse(stated);
      assert.deepEqual(
        [describePolicy(client), policySubject(client), describeClient(client)],
        [mode, subject, text],
      );
    });
  }

  test('every setting of a pool is shown when it is given', () => {
    const pools: Record<keyof z.input<typeof Pool>, z.input<typeof Pool>> = {
      maxConnections: { maxConnections: 7 },
      maxTotalConnections: { maxTotalConnections: 'unlimited' },
      maxIdleConnections: { maxIdleConnections: 7 },
      idleTimeoutMs: { idleTimeoutMs: 7 },
      idleTimeoutBufferMs: { idleTimeoutBufferMs: 7 },
      maxLifetimeMs: { maxLifetimeMs: 7 },
      pipelining: { pipelining: 7 },
      maxConcurrentStreams: { maxConcurrentStreams: 7 },
      scheduling: { scheduling: 'fifo' },
      tcpKeepAliveMs: { tcpKeepAliveMs: 7 },
      closing: { closing: 'reset' },
      tlsSessions: { tlsSessions: 'pinned' },
      tlsContext: { tlsContext: 'shared' },
    };
    const unasked = describeClient(Client.parse({}));
    const texts = Object.values(pools).map(pool => describeClient(Client.parse({ pool })));
    assert.ok(texts.every(text => text.length > unasked.length));
    assert.equal(new Set(texts).size, texts.length);
  });
});

describe('What a server answers before the run is compared with what the scenario states, and with nothing else', () => {
  const rows: [
    why: string,
    found: Partial<ForeignServer>,
    stated: Partial<Target>,
    told: RegExp | undefined,
  ][] = [
    ['all is well', {}, {}, undefined],
    ['nothing about a good status', { status: 204 }, {}, undefined],
    ['a bad status', { status: 404 }, {}, /status 404 .*failed request/],
    [
      'it closes, and the scenario does not say so',
      { connectionHeader: 'close' },
      {},
      /nothing to reuse; a scenario declares it with target\.connectionClose: true/,
    ],
    ['it closes, among other words', { connectionHeader: 'TE, Close' }, {}, /Connection: close/],
    ['another word', { connectionHeader: 'close-notify' }, {}, undefined],
    ['it closes, as stated', { connectionHeader: 'close' }, { connectionClose: true }, undefined],
    [
      'HTTP/1.0 closes, unless it says otherwise',
      { httpVersion: '1.0', connectionHeader: null },
      {},
      /over HTTP\/1\.0 without Connection: keep-alive, so every request needs a new connection/,
    ],
    ['HTTP/1.0 that keeps', { httpVersion: '1.0', connectionHeader: 'Keep-Alive' }, {}, undefined],
    [
      'HTTP/1.0, as stated',
      { httpVersion: '1.0', connectionHeader: null },
      { connectionClose: true },
      undefined,
    ],
    [
      'no length of the answer',
      { framing: 'close', connectionHeader: null },
      {},
      /names no length.*connectionClose: true/,
    ],
    ['nothing of older runs', { framing: null }, {}, undefined],
    ['an interim answer', { interimStatuses: [103] }, {}, /interim response \(103\)/],
    ['a status that is expected', { status: 404 }, { expectStatus: [404] }, undefined],
    ['a good status that is not', { status: 200 }, { expectStatus: ['4xx'] }, /status 200/],
    ['it does not close, though it is said to', {}, { connectionClose: true }, /without Connection: close/],
    ['no hint, as stated', {}, { keepAliveHint: false }, undefined],
    ['no hint, though it is said to', {}, { keepAliveHint: true }, /without a Keep-Alive header/],
    ['a hint, of which nothing is said', { keepAliveHeader: 'timeout=5' }, {}, undefined],
    [
      'a hint, which is denied',
      { keepAliveHeader: 'timeout=5' },
      { keepAliveHint: false },
      /timeout=5, which contradicts/,
    ],
    [
      'a hint beyond what is stated',
      { keepAliveHeader: 'max=100, timeout=90' },
      { keepAliveHint: true, keepAliveTimeoutMs: 75_000 },
      /announces Keep-Alive: max=100, timeout=90, but .* 75000/,
    ],
    [
      'a hint within it',
      { keepAliveHeader: 'timeout=60' },
      { keepAliveHint: true, keepAliveTimeoutMs: 75_000 },
      undefined,
    ],
  ];

  for (const [why, found, stated, told] of rows) {
    test(`remarks: ${why}`, () => {
      const target = Target.parse(withUnknowns({ url: FOUND_SERVER.url, ...stated }));
      const remarks = serverRemarks({ ...FOUND_SERVER, ...found }, target);
      assert.equal(remarks.length, told === undefined ? 0 : 1, remarks.join('; '));
      if (told !== undefined) assert.match(remarks[0]!, told);
      assert.ok(remarks.every(remark => remark.startsWith(FOUND_SERVER.url)));
    });
  }
});

test('a server that a command starts is named by it, because its port is another one each time', () => {
  const target = Target.parse(withUnknowns({ command: 'npm start', cwd: '/srv', ready: '/health' }));
  const [remark] = serverRemarks({ ...FOUND_SERVER, connectionHeader: 'close' }, target);
  assert.match(remark!, /^The server of "npm start" answers with Connection: close/);
  const [cell] = sampleRun().run.cells;
  const facts = new Map(
    sharedConditions({ ...cell!.scenario, target }).map(({ label, value }) => [label, value]),
  );
  assert.equal(
    facts.get('Target'),
    'started by "npm start" in /srv, port given in PORT, ready when /health answers',
  );
  assert.match(facts.get('Connection policy of the target')!, /^not declared: whether/);
});

test('a command that two versions have runs in the folder of each', () => {
  const [cell] = sampleRun().run.cells;
  const placeOf = (cwd: string) =>
    sharedConditions({
      ...cell!.scenario,
      target: Target.parse(withUnknowns({ command: 'npm start', cwd })),
    }).find(({ label }) => label === 'Target')?.value;
  assert.match(placeOf('.')!, /^started by "npm start" in the folder of each version, port/);
  assert.match(
    placeOf('apps/web')!,
    /^started by "npm start" in apps\/web in the folder of each version, port/,
  );
  assert.match(placeOf('C:\\web')!, /^started by "npm start" in C:\\web, port/);
});

test('several generators are a condition, one is not worth a line', () => {
  const [cell] = sampleRun().run.cells;
  const describeGenerators = (generators?: number) =>
    sharedConditions({ ...cell!.scenario, ...(generators === undefined ? {} : { generators }) }).find(
      ({ label }) => label === 'Generators',
    )?.value;
  assert.deepEqual([undefined, 1].map(describeGenerators), [undefined, undefined]);
  assert.match(describeGenerators(2)!, /^2 per client, each with its share of the load/);
});

test('limits of the machine, and what a server does with connections, are conditions where they are stated', () => {
  const [cell] = sampleRun().run.cells;
  const factsOf = (more: object) => {
    const facts = sharedConditions({ ...cell!.scenario, ...more });
    return (label: string) => facts.find(fact => fact.label === label)?.value;
  };
  assert.equal(factsOf({})('Limits'), undefined);
  assert.equal(
    factsOf({ limits: { localPorts: 256, openFiles: 1_024 } })('Limits'),
    '256 local ports, each taken for the 60 s of TIME_WAIT, in a network namespace of its own; 1,024 open files per client',
  );
  assert.equal(
    factsOf({ limits: { serverCpus: 0.5, clientCpus: 1 } })('Limits'),
    '0.5 CPUs for the server, in a control group and not pinned to cores; 1 CPU for the clients, in a control group and not pinned to cores',
  );
  const target = (stated: object) => factsOf({ target: Target.parse(stated) })('Target')!;
  assert.match(target({ backlog: 4 }), /, accept queue of 4$/);
  assert.match(target({ accepts: false }), /^HTTP\/1\.1 without TLS, and no connection is ever established$/);
  assert.doesNotMatch(target({}), /accept|established/);
});
