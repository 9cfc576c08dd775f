// Rare slow requests, and stalls, against slices that are shorter than they are: what a slice measures is what a long run has.

import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { randomLogNormal } from 'd3-random';
import { overall, type Portion } from '../../results/metrics.ts';
import type { Histogram } from '../../results/model/trial.ts';
import { createRandom, type Random } from '../../results/random.ts';
import { Timing } from '../../scenarios/model/scenario.ts';
import type { Exchange, SliceTimes } from '../contracts.ts';
import { sliceShape } from '../plan/slice-shape.ts';
import { rateSchedule } from './open.ts';
import { type Bench, createLoad, createOpen, mockClock, settle, TIMES } from './testing/load-bench.ts';
import { endOf } from './testing/stalls.ts';

/** @param serviceMs whole ms that a request begun then takes; Infinity: it is never answered */
function serve(
  { transport }: Bench,
  clock: ReturnType<typeof mockClock>,
  serviceMs: (atMs: number) => number,
) {
  const due = new Map<number, Exchange[]>();
  const { send } = transport;
  let inFlight = 0;
  transport.send = (exchange, onEnd) => {
    send(exchange, onEnd);
    inFlight++;
    const atMs = clock.nowMs() + serviceMs(clock.nowMs());
    const others = due.get(atMs);
    if (others === undefined) due.set(atMs, [exchange]);
    else others.push(exchange);
  };
  return {
    /** Whether it has nothing to answer. */
    get isIdle() {
      return inFlight === 0;
    },
    /** The clock goes on, and what is due by then is answered then. */
    advance(ms: number): void {
      for (let i = 0; i < ms; i++) {
        clock.advance(1);
        const ended = due.get(clock.nowMs()) ?? [];
        due.delete(clock.nowMs());
        for (const exchange of ended) {
          inFlight--;
          if (exchange.abandon !== undefined) transport.answer(exchange);
        }
      }
    },
  };
}

/** Runs one slice to its end. */
async function runSlice(
  { run, ended }: Bench,
  server: ReturnType<typeof serve>,
  times: SliceTimes,
): Promise<void> {
  const before = ended.length;
  run(times);
  server.advance(times.rampMs + times.windowMs);
  while (ended.length === before) {
    server.advance(server.isIdle ? 1 : 10);
    await settle();
  }
}

const USERS = 20;
const QUANTILES = { p50Us: 0.5, p90Us: 0.9, p99Us: 0.99, p999Us: 0.999 } as const;

/** A share of requests that take much longer than the others. */
function mixture(slowMs: number, perThousand: number): (random: Random) => number {
  return random => (random() < perThousand / 1_000 ? slowMs : 5);
}

function lognormal(sigma: number): (random: Random) => number {
  return random => Math.max(1, Math.round(randomLogNormal.source(random)(Math.log(20), sigma)()));
}

interface Truth {
  meanMs: number;
  shareUpTo(limitMs: number): number;
}

const truths = new Map<(random: Random) => number, Truth>();

/** Times by themselves, as many as are needed to know their quantiles; drawn once for all tests of a tail. */
function truth(draw: (random: Random) => number): Truth {
  let known = truths.get(draw);
  if (known === undefined) {
    known = drawTruth(draw);
    truths.set(draw, known);
  }
  return known;
}

function drawTruth(draw: (random: Random) => number): Truth {
  const random = createRandom(2, 'truth');
  const sorted = Float64Array.from({ length: 300_000 }, () => draw(random)).sort();
  return {
    meanMs: sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length,
    shareUpTo(limitMs) {
      let [low, high] = [0, sorted.length];
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (sorted[middle]! <= limitMs) low = middle + 1;
        else high = middle;
      }
      return low / sorted.length;
    },
  };
}

/** Slices of a session: each shaped by what was seen before, with pauses in which others have their turn. */
async function measure(t: TestContext, bench: Bench, draw: (random: Random) => number, requests: number) {
  const clock = mockClock(t);
  const random = createRandom(1, 'served');
  const server = serve(bench, clock, () => draw(random));
  const timing = Timing.parse({});
  const rate: Portion[] = [];
  let meanMs = 10;
  const slowest = { longestMs: 0, hasCensored: false };
  for (let completed = 0; completed < requests; ) {
    await runSlice(bench, server, { ...TIMES, ...sliceShape(timing, { meanMs, ...slowest }) });
    const counts = bench.recorder.windowCounts();
    completed += counts.completed;
    meanMs = counts.meanUs / 1_000;
    slowest.longestMs = Math.max(slowest.longestMs, counts.longestMs);
    slowest.hasCensored ||= counts.censored > 0;
    if (counts.userMs !== null) rate.push({ amount: counts.completed * USERS * 1_000, per: counts.userMs });
    server.advance(Math.ceil(random() * 200));
  }
  return { perSec: overall(rate), ...bench.recorder.finish() };
}

function assertNear(actual: number, expected: number, within: number, what: string): void {
  assert.ok(Math.abs(actual / expected - 1) <= within, `${what}: ${actual}, not ${expected}`);
}

/** A histogram keeps three digits. */
const DIGITS = 2e-3;

/** Each quantile has the rank that it should have, give or take four standard errors of a share of this number of requests. */
function assertQuantiles(measured: Histogram, shareUpTo: (ms: number) => number): void {
  for (const [name, q] of Object.entries(QUANTILES) as [keyof typeof QUANTILES, number][]) {
    const ms = measured[name] / 1_000;
    const give = 4 * Math.sqrt((q * (1 - q)) / measured.count);
    const [below, upTo] = [shareUpTo(ms * (1 - DIGITS)), shareUpTo(ms * (1 + DIGITS))];
    assert.ok(below <= q + give && upTo >= q - give, `${name} = ${ms} ms has rank ${below} to ${upTo}`);
  }
}

/** Four standard errors of a mean over this number of requests. */
function chance(draw: (random: Random) => number, requests: number, meanMs: number): number {
  const random = createRandom(3, 'spread');
  const times = Array.from({ length: 50_000 }, () => draw(random));
  const variance = times.reduce((sum, ms) => sum + (ms - meanMs) ** 2, 0) / times.length;
  return (4 * Math.sqrt(variance / requests)) / meanMs;
}

const tails: [what: string, draw: (random: Random) => number, requests: number][] = [
  ['300 ms for 2 in 1,000', mixture(300, 2), 60_000],
  ['300 ms for 10 in 1,000', mixture(300, 10), 30_000],
  ['1 s for 2 in 1,000', mixture(1_000, 2), 30_000],
  ['5 s for 2 in 1,000', mixture(5_000, 2), 20_000],
  ['lognormal, sigma 1', lognormal(1), 20_000],
  ['lognormal, sigma 1.5', lognormal(1.5), 20_000],
];

/** The tails that a fixed number of requests can't reach are left to chance: the mean within four standard errors, at least 1 %. */
function assertTruth(
  { response, censored }: { response: Histogram; censored: unknown },
  [what, draw, requests]: (typeof tails)[number],
): void {
  const { meanMs, shareUpTo } = truth(draw);
  assertNear(
    response.meanUs,
    meanMs * 1_000,
    Math.max(0.01, chance(draw, requests, meanMs)),
    `mean of ${what}`,
  );
  assertQuantiles(response, shareUpTo);
  assert.equal(censored, null);
}

suite('a closed load, in slices', () => {
  for (const tail of tails) {
    const [what, draw, requests] = tail;
    test(`${what}: mean, quantiles and rate are those of a long run`, async t => {
      const measured = await measure(t, createLoad({ concurrency: USERS }), draw, requests);
      assertTruth(measured, tail);
      const { meanMs } = truth(draw);
      const within = Math.max(0.01, chance(draw, requests, meanMs));
      assertNear(measured.perSec!, (USERS / meanMs) * 1_000, within, 'requests/s');
    });
  }

  test('requests that are never answered are failures, and their times are lower bounds', async t => {
    const never = (random: Random): number => (random() < 0.002 ? Infinity : 5);
    const { outcomes, censored, response, failedRecorded, completedRecorded } = await measure(
      t,
      createLoad({ concurrency: USERS }),
      never,
      20_000,
    );
    assertNear(failedRecorded / (completedRecorded + failedRecorded), 0.002, 0.5, 'error rate');
    assert.equal(outcomes.noAnswer?.count, failedRecorded);
    assert.match(outcomes.noAnswer?.sample ?? '', /^no answer within \d+ ms after the end of its slice$/);
    assert.equal(censored?.count, failedRecorded);
    assert.ok(censored.leastUs >= 10_000_000 && response.p999Us >= censored.leastUs * 0.999);
    assertNear(response.p99Us, 5_000, DIGITS, 'p99');
  });

  test('a server that stops for 300 ms every 2 s is seen to', async t => {
    const stalls = { serviceMs: 5, everyMs: 2_000, stallMs: 300 };
    const clock = mockClock(t);
    const bench = createLoad({ concurrency: USERS });
    const server = serve(bench, clock, atMs => endOf(stalls, atMs) - atMs);
    const random = createRandom(1, 'pauses');
    const rate: Portion[] = [];
    for (let slice = 0; slice < 400; slice++) {
      await runSlice(bench, server, { ...TIMES, rampMs: 15, windowMs: 130, drainMs: 10_000 });
      const { completed, userMs } = bench.recorder.windowCounts();
      if (userMs !== null) rate.push({ amount: completed * USERS * 1_000, per: userMs });
      server.advance(Math.ceil(random() * 200));
    }
    const { response } = bench.recorder.finish();
    let atMs = 0;
    let count = 0;
    for (; atMs < 2_000_000; count++) atMs = endOf(stalls, atMs);
    assertNear(response.meanUs, (atMs / count) * 1_000, 0.08, 'mean');
    assertNear(overall(rate)!, (USERS * count * 1_000) / atMs, 0.08, 'requests/s');
    assertNear(response.maxUs, 304_000, 0.01, 'maximum');
  });
});

suite('an open load, in slices', () => {
  for (const tail of tails) {
    const [what, draw, requests] = tail;
    test(`${what}: mean and quantiles are those of the schedule`, async t => {
      const scheduleOf = () => rateSchedule('constant', 1_000, () => 0);
      const bench = createOpen({ scheduleOf, maxInFlight: 100_000 });
      assertTruth(await measure(t, bench, draw, requests), tail);
    });
  }
});
