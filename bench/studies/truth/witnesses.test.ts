// Figures of witnesses, from logs of which the truth is known.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Slice } from '../../../results/model/trial.ts';
import { verdictOf } from './conntax-run.ts';
import { cyclesOf, figuresOf, fromSchedule, inWindows, type Seen } from './witnesses.ts';

const seen = (startMs: number, tookMs: number, connection = 0): Seen => ({
  startMs,
  tookMs,
  connection,
  status: 200,
  query: '',
});

test('quantiles are values that were seen, and the mean is theirs', () => {
  const figures = figuresOf(Array.from({ length: 1_000 }, (_, index) => seen(index, index + 1)));
  assert.deepEqual(figures, { count: 1_000, meanMs: 500.5, p50Ms: 500, p99Ms: 990, p999Ms: 999 });
});

test('the last request before a rest counts, with what the others took beyond the server', () => {
  // Connection 1 is in flight until the rest, so that the load has one only.
  const log = [
    ...[seen(0, 8), seen(10, 8), seen(20, 300), seen(0.5, 329, 1)],
    ...[seen(1_000, 8), seen(1_010, 8), seen(1_000.5, 29, 1)],
  ];
  const cycles = cyclesOf(log).toSorted((a, b) => a.startMs - b.startMs);
  assert.deepEqual(
    cycles.map(({ startMs, tookMs }) => [startMs, tookMs]),
    [
      [0, 10],
      [0.5, 331],
      [10, 10],
      [20, 302],
      [1_000, 10],
      [1_000.5, 31],
      [1_010, 10],
    ],
  );
});

test('a connection that was never used again before a rest has no cycle to learn from', () => {
  assert.deepEqual(cyclesOf([seen(0, 8), seen(100, 8, 1)]), []);
});

test('response times run from when requests were due, however late they went', () => {
  // Due every 10 ms; at 30 to 50 ms the client was blocked until 60 ms.
  const sentMs = [0, 10, 20, 60, 60, 60, 60, 70, 80, 90, 100];
  const response = fromSchedule(
    sentMs.map(startMs => seen(startMs, 5)),
    100,
  );
  assert.deepEqual(
    response.map(({ tookMs }) => tookMs),
    [5, 5, 5, 35, 25, 15, 5, 5, 5, 5, 5],
  );
});

test('requests of the windows are found though the clock of the windows is not known', () => {
  const slice = (atMs: number, completed: number): Slice => ({
    block: 0,
    position: 0,
    atMs,
    windowMs: 100,
    completed,
    failed: 0,
    censored: 0,
    ended: completed,
    userMs: null,
    meanUs: 0,
    exchanges: completed,
    generatorCpuUs: 0,
    targetCpuUs: null,
  });
  const startMs = 1_000_000;
  const log = [0, 300, 310, 390, 500, 701, 750].map(atMs => seen(startMs + atMs, 1));
  const { found, offBy } = inWindows(log, [slice(300, 3), slice(700, 2)]);
  assert.equal(offBy, 0);
  assert.deepEqual(
    found.map(request => request.startMs - startMs),
    [300, 310, 390, 701, 750],
  );
});

test('a figure is right within its share, or where its interval holds the truth; else it is marked or WRONG', () => {
  const line = { figure: 'mean', conntax: 102, witness: 100, by: 'log', within: 0.02, marks: [] };
  assert.equal(verdictOf(line), 'right');
  assert.equal(verdictOf({ ...line, conntax: 102.1 }), 'WRONG');
  assert.equal(verdictOf({ ...line, conntax: 102.1, marks: ['schedule'] }), 'marked');
  assert.equal(verdictOf({ ...line, conntax: 110, interval: { low: 99, high: 121 } }), 'right');
  assert.equal(verdictOf({ ...line, conntax: Number.NaN }), 'WRONG');
});
