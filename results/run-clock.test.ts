// A run's duration is that of a clock that nobody sets, and a time of day that jumped meanwhile is noticed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockJumpMs, runDurationMs, sinceStartMs } from './run-clock.ts';

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
