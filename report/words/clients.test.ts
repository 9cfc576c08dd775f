// What the clients and their versions are, in a line: by what differs between them, and nothing else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { z } from 'zod';
import type { CellResult } from '../../results/model/run.ts';
import { sampleRun } from '../../results/testing/sample-run.ts';
import { Client } from '../../scenarios/model/client.ts';
import { buildReport } from '../build.ts';
import type { CellView } from '../cell-view.ts';
import terminal from '../formats/terminal.ts';
import { sampleSweeps } from '../testing/sample-sweeps.ts';
import { describeClients, describeSweptClients } from './clients.ts';

function said(clients: Record<string, z.input<typeof Client>>): string {
  return describeClients(
    Object.entries(clients).map(([name, client]) => ({ name, client: Client.parse(client) })),
  );
}

const pool = { maxConnections: 100 };
const once = { requestsPerConnection: 1 } as const;

const CASES: [why: string, clients: Parameters<typeof said>[0], text: string][] = [
  [
    'short and persistent',
    { short: { ...once, pool }, persistent: { pool } },
    'short: a new connection for every request. persistent: reuses up to 100 connections.',
  ],
  [
    'fewer at once',
    { short: { ...once, pool: { maxConnections: 50 } }, persistent: { pool } },
    'short: a new connection for every request, at most 50 connections. persistent: reuses up to 100 connections.',
  ],
  ['one client', { only: {} }, 'only: reuses connections.'],
  [
    'other libraries',
    { a: { pool }, b: { transport: 'wire', pool }, c: { api: 'fetch' } },
    'a: undici, reuses up to 100 connections. b: wire, reuses up to 100 connections. c: undici fetch, reuses connections.',
  ],
  [
    'clients that differ in one number are folded',
    {
      one: once,
      two: { requestsPerConnection: 2 },
      five: { requestsPerConnection: 5 },
      unlimited: { pool },
    },
    'one: a new connection for every request. two, five: a new connection after 2 and 5 requests. unlimited: reuses up to 100 connections.',
  ],
  [
    'the same twice, to show the noise',
    { short: once, persistent: { pool }, null: once },
    'short, null: a new connection for every request. persistent: reuses up to 100 connections.',
  ],
  [
    'pipelining',
    {
      plain: { pool: { maxConnections: 1, pipelining: 1 } },
      piped: { pool: { maxConnections: 1, pipelining: 4 } },
    },
    'plain: reuses one connection, no pipelining. piped: reuses one connection, 4 requests pipelined.',
  ],
  [
    'protocols',
    { pool: { pool }, h2: { protocol: 'h2', pool: { maxConnections: 1 } } },
    'pool: HTTP/1.1, reuses up to 100 connections. h2: HTTP/2, reuses one connection.',
  ],
  [
    'what is done with bodies',
    { read: {}, leaky: { body: 'ignore' } },
    'read: reuses connections, body read. leaky: reuses connections, body neither read nor given up.',
  ],
  [
    'numbers in a name are no settings',
    { a: { transport: './v1.ts' }, b: { transport: './v2.ts' } },
    'a: ./v1.ts, connections as the module manages them. b: ./v2.ts, connections as the module manages them.',
  ],
];
for (const [why, clients, text] of CASES) test(why, () => assert.equal(said(clients), text));

test('more than can be read in two lines are counted', () => {
  const transports = ['undici', 'wire', 'node-http', 'fetch'];
  const many = Object.fromEntries(
    transports.flatMap(transport => [
      [`${transport}-persistent`, { transport }],
      [`${transport}-short`, { transport, ...once }],
    ]),
  );
  assert.equal(said(many), '8 clients, each with its settings in the conditions.');
});

test('a client whose settings are swept has their values, not those of a point', () => {
  const clientsOf = (sample: string) => buildReport({ ...sampleSweeps[sample]!, charts: [] }).answer.clients;
  assert.equal(
    clientsOf('a sweep of words'),
    'only: reuses connections, max connections 20, 50 or unlimited.',
  );
  assert.equal(
    clientsOf('a sweep of two settings'),
    'reused: requests per connection 1 or unlimited. persistent: reuses up to 100 connections.',
  );
});

test('a setting that is swept for all clients is that of each, beside what differs', () => {
  const clients = { short: { requestsPerConnection: 1, pool }, persistent: { pool } } as const;
  const arms = Object.entries(clients).map(([name, client]) => ({ name, client: Client.parse(client) }));
  assert.equal(
    describeSweptClients(
      [{ arms: arms as unknown as CellView['arms'] }],
      [
        { path: 'clients.*.pool.maxConnections', values: [2, 4] },
        { path: 'link.roundTripMs', values: [0, 20] },
      ],
    ),
    'short: a new connection for every request, max connections 2 or 4. persistent: reuses connections, max connections 2 or 4.',
  );
});

const SHAS = { short: 'undici 7.30.2', persistent: 'undici 8.13.1' };

function briefOf(change: (cell: CellResult) => Partial<CellResult>, cellCount = 2): string {
  const { run, trials } = structuredClone(sampleRun());
  const [cell] = run.cells;
  const names = ['first', 'second'].slice(0, cellCount);
  const cells = names.map(name => ({ ...cell!, cell: name, ...change(cell!) }));
  const all = names.flatMap(name =>
    trials.map(result => ({ ...result, trial: { ...result.trial, cell: name } }) as typeof result),
  );
  const report = buildReport({ run: { ...run, cells }, trials: all, charts: [] });
  return String(terminal.render(report, { isBrief: true, columns: 100, hasColour: false })).replaceAll(
    /\s+/g,
    ' ',
  );
}

for (const [side, change] of [
  ['client', () => ({ code: SHAS })],
  ['server', () => ({ targetCode: SHAS })],
] as const) {
  test(`of two versions of a ${side}, the end says which they are, and the rate and the mean of each`, () => {
    const said = briefOf(change);
    assert.match(said, /Versions: short is undici 7\.30\.2, persistent is undici 8\.13\.1\./);
    assert.equal(
      [...said.matchAll(/ short [\d,]+ requests\/s, mean [\d.]+ ms; persistent [\d,]+ requests\/s, mean /g)]
        .length,
      2,
      said,
    );
    assert.match(briefOf(change, 1), /Versions: short is undici 7\.30\.2/);
  });
}

test('where none are compared, nothing of it is said', () => {
  assert.doesNotMatch(
    briefOf(() => ({})),
    /Versions|mean \d/,
  );
});
