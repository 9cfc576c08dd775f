// Clients that do not send each request exactly once: their settings in words, and their attempts beside their requests.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { z } from 'zod';
import { summariseArms } from '../results/compare.ts';
import { Client } from '../scenarios/model/client.ts';
import { buildReport } from './build.ts';
import { sampleRuns } from './testing/sample-runs.ts';
import { describeClient } from './words/clients.ts';

const clients: [stated: z.input<typeof Client>, text: RegExp][] = [
  [{ interceptors: { retry: {} } }, /body read, retry by undici$/],
  [
    {
      interceptors: {
        retry: { maxRetries: 1, minDelayMs: 50, maxDelayMs: 1_000, delayFactor: 3, statuses: [503] },
      },
    },
    /retry by undici \(at most 1 repetition, first after 50 ms, delays of at most 1,000 ms, each 3 times as long, on status 503\)$/,
  ],
  [{ interceptors: { dns: { maxTtlMs: 9 } } }, /addresses kept by undici \(for at most 9 ms\)$/],
  [
    { interceptors: { cache: { maxBytes: 1, maxEntries: 2, maxEntryBytes: 3, freshMs: 4 } } },
    /cache of undici \(at most 1 bytes, at most 2 responses, bodies of at most 3 bytes, responses used for 4 ms unless they say otherwise\)$/,
  ],
  [
    { resilience: { retry: { maxRetries: 2, minDelayMs: 10, maxDelayMs: 20 }, breaker: {} } },
    /retry \(at most 2 repetitions, after 10 ms, then twice as long each, 20 ms at most\), breaker \(open for 1,000 ms after 5 failures in a row\)$/,
  ],
  [
    { resilience: { bulkhead: { maxConcurrent: 5 }, timeout: { attemptMs: 7 } } },
    /bulkhead \(at most 5 in flight, 0 waiting\), timeout of 7 ms for each attempt$/,
  ],
];
for (const [stated, text] of clients) {
  test(`in words: ${JSON.stringify(stated)}`, () => assert.match(describeClient(Client.parse(stated)), text));
}

/** The report of a stored run, in which each trial of one client made so many attempts. */
function reportWith(sent: number | null) {
  const { run, trials } = structuredClone(sampleRuns['two arms']!);
  for (const { trial, ...result } of trials) {
    if (trial.arm === 'short' && sent !== null && result.state === 'completed')
      result.measurement.ledger.attempts = { sent, answered: sent, failures: {} };
  }
  for (const cell of run.cells)
    cell.arms = summariseArms(trials.filter(({ trial }) => trial.cell === cell.cell));
  return buildReport({ run, trials, charts: [] }).cells[0]!.main;
}

test('attempts are a column where a client may send more or less than its requests, for every client', () => {
  const { columns, rows, notes } = reportWith(10);
  const index = columns.findIndex(({ heading }) => heading === 'attempts');
  assert.equal(columns[index]?.unit, 'sent for them');
  const [short, persistent] = ['short', 'persistent'].map(arm => rows.find(([name]) => name!.value === arm)!);
  assert.equal(short![index]!.text, '40');
  assert.equal(
    persistent![index]!.value,
    persistent![columns.findIndex(({ heading }) => heading === 'sent')]!.value,
  );
  assert.ok(notes.some(note => note.startsWith('Attempts are what a client library')));
});

test('and none where each request is sent once', () => {
  const { columns, notes } = reportWith(null);
  assert.ok(columns.every(({ heading }) => heading !== 'attempts'));
  assert.ok(notes.every(note => !note.startsWith('Attempts')));
});
