// A target stalls at known times. What an open load measures is what its schedule must have met; service time, and a closed
// loop, see hardly any of it: they stop asking while it stalls.
import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import type { Histogram } from '../../results/model/trial.ts';
import { constantDueMs, rateSchedule } from './open.ts';
import { createLoad, createOpen, mockClock, settle } from './testing/load-bench.ts';
import { answerDone, expectedTimes, type Stalls } from './testing/stalls.ts';

/** Half of a second's arrivals find a target that answers, the others wait 25 ms on average. */
const STALLS: Stalls = { serviceMs: 1, everyMs: 100, stallMs: 50 };
const TIMES = { rampMs: 100, windowMs: 1_000, drainMs: 500 };
const RATE_PER_SEC = 500;

const QUANTILES = { p50Us: 0.5, p90Us: 0.9, p99Us: 0.99, p999Us: 0.999 } as const;

/** The exact quantile by the histogram's definition: the least value that the given number of values does not exceed. */
function quantileMs(valuesMs: readonly number[], q: number): number {
  const sorted = valuesMs.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!;
}

function assertQuantiles(measured: Histogram, expectedMs: readonly number[], what: string): void {
  assert.equal(measured.count, expectedMs.length, what);
  for (const [name, q] of Object.entries(QUANTILES) as [keyof typeof QUANTILES, number][]) {
    const ms = quantileMs(expectedMs, q);
    assert.ok(
      Math.abs(measured[name] / (ms * 1_000) - 1) < 2e-3,
      `${what} ${name}: ${measured[name]}, not ${ms} ms`,
    );
  }
}

function assertTimes(
  measured: Record<'response' | 'service', Histogram>,
  times: ReturnType<typeof expected>,
): void {
  assertQuantiles(
    measured.response,
    times.map(({ responseMs }) => responseMs),
    'response',
  );
  assertQuantiles(
    measured.service,
    times.map(({ serviceMs }) => serviceMs),
    'service',
  );
}

/** The times of the window's requests, as they follow from the schedule. */
function expected(maxInFlight: number) {
  const untilMs = TIMES.rampMs + TIMES.windowMs;
  const dueMs = Array.from({ length: (RATE_PER_SEC * untilMs) / 1_000 }, (_, n) =>
    constantDueMs(n, RATE_PER_SEC),
  );
  return expectedTimes(dueMs, maxInFlight, STALLS).slice((RATE_PER_SEC * TIMES.rampMs) / 1_000);
}

async function measureOpen(t: TestContext, maxInFlight: number) {
  const clock = mockClock(t);
  const { run, ended, transport, recorder, schedule } = createOpen({
    maxInFlight,
    scheduleOf: () => rateSchedule('constant', RATE_PER_SEC, () => 0),
  });
  run(TIMES);
  while (clock.nowMs() < TIMES.rampMs + TIMES.windowMs + TIMES.drainMs) {
    answerDone(transport, STALLS, clock.nowMs());
    clock.advance(1);
  }
  await settle();
  assert.equal(ended.length, 1);
  return { ...recorder.finish(), ...schedule.finish() };
}

async function measureClosed(t: TestContext, concurrency: number) {
  const clock = mockClock(t);
  const { run, transport, recorder } = createLoad({ concurrency });
  run(TIMES);
  while (clock.nowMs() < TIMES.rampMs + TIMES.windowMs + TIMES.drainMs) {
    answerDone(transport, STALLS, clock.nowMs());
    clock.advance(1);
  }
  await settle();
  return recorder.finish();
}

suite('a target that stalls', () => {
  test('any number in flight: response times are those of the schedule, to the last', async t => {
    const { response, service, arrivals } = await measureOpen(t, 1_000);
    const times = expected(1_000);
    assertTimes({ response, service }, times);
    assert.deepEqual([arrivals.heldBack, arrivals.unsent, arrivals.unfinished], [0, 0, 0]);
    assert.ok(response.p90Us > 30_000, 'the stalls are in it');
  });

  for (const maxInFlight of [1, 2, 4]) {
    test(`at most ${maxInFlight} in flight: response times still are; service times alone hide the stalls`, async t => {
      const { response, service, arrivals, lateness } = await measureOpen(t, maxInFlight);
      const times = expected(maxInFlight);
      assertTimes({ response, service }, times);
      assert.ok(response.p90Us > 10 * service.p50Us, 'one in ten waits for most of a stall');
      assert.ok(service.meanUs < response.meanUs / 2, `${service.meanUs} of ${response.meanUs}`);
      assert.ok(arrivals.heldBack > arrivals.due / 4);
      assert.equal(lateness.maxUs, 1, 'none of it is the fault of the generator');
    });
  }

  test('a closed loop of as many users sees a fraction of what the schedule meets', async t => {
    const users = 3;
    const { response } = await measureClosed(t, users);
    const scheduled = expected(users).map(({ responseMs }) => responseMs);
    assert.ok(response.p90Us === 1_000 && quantileMs(scheduled, 0.9) > 30, `${response.p90Us} µs`);
    const slow = scheduled.filter(ms => ms > 10).length / scheduled.length;
    assert.ok(slow > 0.4, 'two in five requests of real users would have waited for more than 10 ms');
  });
});
