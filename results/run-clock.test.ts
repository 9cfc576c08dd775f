// A run's duration is that of a clock that nobody sets, and a time of day that jumped meanwhile is noticed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockJumpMs, latencyLog, runDurationMs, sinceStartMs } from './run-clock.ts';
import { sampleRun } from './testing/sample-run.ts';

const NOON_MS = Date.parse('2026-11-23T12:00:00.000Z');

for (const [why, wallMs, elapsedMs, expected] of [
  ['a clock that was not set', 20_500, 20_100, { durationMs: 20_100, jumpMs: 0 }],
  ['set back by two hours', -7_180_000, 20_100, { durationMs: 20_100, jumpMs: -7_200_100 }],
  ['set ahead by a minute', 80_100, 20_100, { durationMs: 20_100, jumpMs: 60_000 }],
  ['an older run', 20_500, undefined, { durationMs: 20_500, jumpMs: 0 }],
  ['an older run, set back', -7_180_000, undefined, { durationMs: 18_000, jumpMs: -7_198_000 }],
] as const) {
  test(`${why}`, () => {
    const run = {
      startedAt: new Date(NOON_MS).toISOString(),
      finishedAt: new Date(NOON_MS + wallMs).toISOString(),
      ...(elapsedMs === undefined ? {} : { elapsedMs }),
      cells: [{ elapsedMs: 10_000 }, { elapsedMs: 8_000 }],
    };
    assert.deepEqual({ durationMs: runDurationMs(run), jumpMs: clockJumpMs(run) }, expected);
  });
}

for (const [jumpMs, at, expected] of [
  [-7_200_000, 4_000, 4_000],
  [-7_200_000, 12_000 - 7_200_000, 12_000],
  [7_200_000, 12_000 + 7_200_000, 12_000],
  [0, 12_000, 12_000],
] as const) {
  test(`${at} ms on the clock are ${expected} ms since the start of a run in which it was set by ${jumpMs} ms`, () => {
    const iso = (ms: number): string => new Date(NOON_MS + ms).toISOString();
    const run = { startedAt: iso(0), finishedAt: iso(20_000 + jumpMs), elapsedMs: 20_000, cells: [] };
    assert.equal(sinceStartMs(run, iso(at)), expected);
  });
}

test('a line runs from the first window of its trial to the end of its last', () => {
  const { run, trials } = sampleRun({ scenario: 'short-vs-persistent' });
  const startedAt = new Date(Date.parse(run.startedAt) + 1_197).toISOString();
  const spans = {
    short: [100, 2_500, 4_000],
    persistent: [600, 1_900, 4_700],
  };
  const replicate = trials
    .filter(({ trial }) => trial.replicate === 0)
    .map(trial => {
      if (trial.state === 'failed') return trial;
      const [slice] = trial.measurement.slices;
      const slices = spans[trial.trial.arm as keyof typeof spans].map(atMs => ({
        ...slice!,
        atMs,
        windowMs: 100,
      }));
      return { ...trial, startedAt, measurement: { ...trial.measurement, slices } };
    });
  const lines = latencyLog(replicate, run)
    .split('\n')
    .filter(line => line.startsWith('Tag='))
    .map(line => line.split(','));
  assert.deepEqual(
    lines.map(([tag, start, length]) => [tag, start, length]),
    replicate.map(({ trial: { id, arm } }) => [
      `Tag=${id}`,
      arm === 'short' ? '1.297' : '1.797',
      arm === 'short' ? '4.000' : '4.200',
    ]),
  );
});
