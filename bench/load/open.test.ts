// An open load sends when the schedule says, counts from then, and hides nothing that it could not send; every request is accounted for,
// at its deadline, when a slice is cut short and in any disorder.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { createRandom, RequestDraw } from '../../results/random.ts';
import { burstDueMs, burstSchedule, constantDueMs, rateSchedule, type Schedule } from './open.ts';
import { disorder, runInDisorder } from './testing/disorder.ts';
import {
  assertNoTimerLeft,
  CLOSE_MS,
  CUT_DRAIN_MS,
  createOpen,
  dueAt,
  mockClock,
  settle,
  TIMES,
} from './testing/load-bench.ts';

const constant: [why: string, n: number, ratePerSec: number, dueMs: number][] = [
  ['the first goes at once', 0, 100, 0],
  ['the second a gap later', 1, 100, 10],
  ['a gap of less than a timer can wait', 1, 4_000, 0.25],
  ['a rate below one a second', 3, 0.1, 30_000],
  ['after an hour the sum of gaps has no error', 3_600_000, 1_000, 3_600_000],
  ['nor where a gap has no end in binary', 30_000_000, 3_000, 10_000_000],
];
for (const [why, n, ratePerSec, dueMs] of constant) {
  test(`constant: ${why}`, () => assert.equal(constantDueMs(n, ratePerSec), dueMs));
}

const bursts: [why: string, n: number, size: number, everyMs: number, dueMs: number][] = [
  ['the first burst is at the start', 0, 100, 250, 0],
  ['all of it', 99, 100, 250, 0],
  ['then nothing until the next', 100, 100, 250, 250],
  ['the tenth burst', 999, 100, 250, 2_250],
  ['a burst of one is a constant rate', 7, 1, 20, 140],
];
for (const [why, n, size, everyMs, dueMs] of bursts) {
  test(`burst: ${why}`, () => assert.equal(burstDueMs(n, { size, everyMs }), dueMs));
}

function take(count: number, schedule: Schedule): number[] {
  return Array.from({ length: count }, schedule);
}

const rate = fc.double({ min: 0.1, max: 1_000_000, noNaN: true });

suite('schedules', () => {
  test('times never fall, and start at or after 0', () => {
    const schedule = fc.oneof(
      fc
        .tuple(fc.constantFrom('constant' as const, 'poisson' as const), rate, fc.nat())
        .map(([arrivals, ratePerSec, seed]) => rateSchedule(arrivals, ratePerSec, createRandom(seed, 'a'))),
      fc
        .record({ size: fc.integer({ min: 1, max: 50 }), everyMs: fc.integer({ min: 1, max: 1_000 }) })
        .map(burstSchedule),
    );
    fc.assert(
      fc.property(schedule, next => {
        const times = take(200, next);
        assert.ok(times[0]! >= 0);
        assert.ok(times.every((time, index) => index === 0 || time >= times[index - 1]!));
      }),
    );
  });

  test('constant and burst give their own formula, one n after another', () => {
    fc.assert(
      fc.property(
        rate,
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 500 }),
        (perSec, size, everyMs) => {
          const random = () => assert.fail('no randomness is needed');
          const numbers = Array.from({ length: 50 }, (_, n) => n);
          assert.deepEqual(
            take(50, rateSchedule('constant', perSec, random)),
            numbers.map(n => constantDueMs(n, perSec)),
          );
          assert.deepEqual(
            take(50, burstSchedule({ size, everyMs })),
            numbers.map(n => burstDueMs(n, { size, everyMs })),
          );
        },
      ),
    );
  });

  test('a span of a whole number of pauses holds as many bursts, wherever it begins', () => {
    const whole = fc.integer({ min: 1, max: 20 });
    fc.assert(
      fc.property(whole, whole, whole, whole, (size, everyMs, ramps, spans) => {
        const [from, to] = [ramps * everyMs, (ramps + spans) * everyMs];
        const times = take((ramps + spans + 1) * size, burstSchedule({ size, everyMs }));
        assert.equal(times.filter(time => time >= from && time < to).length, spans * size);
      }),
    );
  });

  test('poisson: the mean gap and its spread are 1 / rate, and no gap tells of the next', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const ratePerSec = 2_000;
      const times = take(20_000, rateSchedule('poisson', ratePerSec, createRandom(seed, 'poisson')));
      const gaps = times.map((time, index) => (time - (times[index - 1] ?? 0)) * (ratePerSec / 1_000));
      const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
      const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
      const covariance =
        gaps.slice(1).reduce((sum, gap, index) => sum + (gap - mean) * (gaps[index]! - mean), 0) /
        gaps.length;
      // Four standard errors of 20,000 draws.
      assert.ok(Math.abs(mean - 1) < 0.03, `mean ${mean}`);
      assert.ok(Math.abs(variance - 1) < 0.09, `variance ${variance}`);
      assert.ok(Math.abs(covariance) < 0.03, `covariance ${covariance}`);
    }
  });

  test('poisson: the same random numbers give the same times, in proportion to the rate', () => {
    const [slow, fast] = [10, 1_000].map(perSec =>
      take(100, rateSchedule('poisson', perSec, createRandom(7, 'poisson'))),
    );
    for (const [index, time] of slow!.entries()) assert.ok(Math.abs(time / fast![index]! - 100) < 1e-9);
  });
});

const OPEN_MS = TIMES.rampMs;

suite('open load', () => {
  test('each request goes at its time, whether or not the earlier ones were answered', t => {
    const clock = mockClock(t);
    const { transport, run } = createOpen({ scheduleOf: dueAt(0, 3, 3, 7, 40) });
    run();
    const sentAt: number[] = [];
    for (let ms = 0; ms <= 50; ms++) {
      while (sentAt.length < transport.sentCount) sentAt.push(clock.nowMs());
      clock.advance(1);
    }
    assert.deepEqual(sentAt, [0, 3, 3, 7, 40]);
    assert.equal(transport.inFlight.length, 5);
  });

  test('what is due between two ticks goes at the nearer one: it is due when the schedule says all the same', t => {
    const clock = mockClock(t);
    const { transport, run } = createOpen({ scheduleOf: dueAt(2.25, 2.5, 2.75, 3.4) });
    run();
    clock.advance(3);
    const clocks = transport.inFlight.map(({ intendedAtMs, startedAtMs }) => [intendedAtMs, startedAtMs]);
    assert.deepEqual(clocks, [
      [2.25, 2],
      [2.5, 3],
      [2.75, 3],
      [3.4, 3],
    ]);
  });

  test('of one that went early, response time counts from when it went, and it was not late', async t => {
    const clock = mockClock(t);
    const { recorder, run, schedule, answerAll } = createOpen({ scheduleOf: dueAt(20.4, 40.7) });
    run();
    for (let ms = 0; ms < CLOSE_MS; ms++) {
      clock.advance(1);
      if (clock.nowMs() === 24 || clock.nowMs() === 44) answerAll();
    }
    await settle();
    const { response, service } = recorder.finish();
    assert.deepEqual([response.maxUs, service.maxUs], [4_000, 4_000]);
    assert.ok(Math.abs(response.minUs - 3_300) < 1 && service.minUs === 3_000);
    const { lateness } = schedule.finish();
    assert.ok(lateness.minUs === 1 && Math.abs(lateness.maxUs - 300) < 1);
  });

  test('a request is of the window in which it was due: the end of a slice hides no slow one', async t => {
    const clock = mockClock(t);
    const dues = [OPEN_MS - 1, OPEN_MS, CLOSE_MS - 0.25, CLOSE_MS];
    const { transport, recorder, load, ended, run, schedule, answerAll } = createOpen({
      scheduleOf: dueAt(...dues),
    });
    run();
    clock.advance(CLOSE_MS + 30);
    assert.equal(load.sent, 3, 'nothing is due at the end of the window or after it');
    await settle();
    assert.equal(ended.length, 0, 'the drain waits for them');
    answerAll();
    await settle();
    assert.equal(ended.length, 1);
    assert.deepEqual(
      [recorder.windowCounts().completed, recorder.ended, transport.inFlight.length],
      [2, 3, 0],
    );
    const { response, endedRecorded } = recorder.finish();
    assert.deepEqual(
      [response.count, response.minUs, response.maxUs],
      [2, 30_250, (CLOSE_MS + 30 - OPEN_MS) * 1_000],
    );
    const { due, ...rest } = schedule.finish().arrivals;
    assert.deepEqual([due, endedRecorded], [2, 0], 'both were due in the window, neither ended in it');
    assert.deepEqual(rest, { heldBack: 0, unsent: 0, unfinished: 0 });
  });

  test('where sending takes longer than the pauses of the schedule, answers get their turn between two ticks', t => {
    mockClock(t);
    const { transport, run } = createOpen({ scheduleOf: () => rateSchedule('constant', 1_000, () => 0) });
    const { send } = transport;
    const nowMs = performance.now;
    let spentMs = 0;
    performance.now = () => nowMs() + spentMs;
    transport.send = (exchange, onEnd) => {
      spentMs += 2;
      send(exchange, onEnd);
    };
    run();
    assert.equal(transport.inFlight.length, 1, 'what fell due while the first was sent waits');
  });

  test('a slice is as long as it was asked to be, also when nothing is due at its end', async t => {
    const clock = mockClock(t);
    const { ended, run, answerAll } = createOpen({ scheduleOf: dueAt(0, 20) });
    run();
    clock.advance(30);
    answerAll();
    clock.advance(CLOSE_MS - 31);
    await settle();
    assert.equal(ended.length, 0);
    clock.advance(1);
    await settle();
    assert.equal(ended.length, 1);
  });

  test('records are used again', async t => {
    const clock = mockClock(t);
    const { transport, load, run, answerAll } = createOpen({
      scheduleOf: () => rateSchedule('constant', 1_000, () => 0),
    });
    const seen = new Set<unknown>();
    run();
    for (let ms = 0; ms < 100; ms++) {
      for (const exchange of transport.inFlight) seen.add(exchange);
      if (ms % 3 === 2) answerAll();
      clock.advance(1);
    }
    assert.ok(load.sent >= 99);
    assert.ok(seen.size <= 4, `${seen.size} records for ${load.sent} requests`);
  });
});

suite('maxInFlight', () => {
  test('what is due beyond it waits in order, is counted, and its wait is in the response time only', async t => {
    const clock = mockClock(t);
    const dues = [20, 20, 21, 22, 60];
    const { transport, recorder, run, schedule, answerAll } = createOpen({
      scheduleOf: dueAt(...dues),
      maxInFlight: 2,
    });
    run();
    clock.advance(30);
    assert.equal(transport.inFlight.length, 2);
    answerAll();
    assert.deepEqual(
      transport.inFlight.map(({ intendedAtMs, startedAtMs }) => [intendedAtMs, startedAtMs]),
      [
        [21, 30],
        [22, 30],
      ],
    );
    clock.advance(5);
    answerAll();
    clock.advance(25);
    answerAll();
    clock.advance(CLOSE_MS);
    await settle();
    const { response, service } = recorder.finish();
    const { arrivals, lateness } = schedule.finish();
    assert.deepEqual([arrivals.due, arrivals.heldBack, arrivals.unsent], [5, 2, 0]);
    assert.deepEqual([response.maxUs, service.maxUs], [14_000, 10_000]);
    assert.equal(lateness.count, 5);
    assert.equal(lateness.maxUs, 1, 'the generator was never late: there was no place');
  });

  test('what could never be sent is counted as unsent, and what did not end as unfinished', async t => {
    const clock = mockClock(t);
    const { load, ended, recorder, run, schedule } = createOpen({
      scheduleOf: dueAt(5, 20, 30, 40, CLOSE_MS - 1, CLOSE_MS + 1),
      maxInFlight: 2,
    });
    run();
    clock.advance(CLOSE_MS + TIMES.drainMs);
    await settle();
    assert.equal(ended.length, 1);
    assert.deepEqual([load.sent, load.unfinished, recorder.ended], [2, 2, 0]);
    const { arrivals } = schedule.finish();
    assert.deepEqual(
      arrivals,
      { due: 4, heldBack: 3, unsent: 3, unfinished: 1 },
      'the one that was due in the ramp is in no count of the windows',
    );
  });

  test('lateness counts from when a place became free', t => {
    const clock = mockClock(t);
    const { transport, run, schedule } = createOpen({ scheduleOf: dueAt(20, 30), maxInFlight: 1 });
    run();
    clock.advance(25);
    const first = transport.inFlight[0]!;
    clock.advance(20);
    // The answer was there at 40, but the generator was busy and has seen it only now, at 45.
    const nowMs = performance.now;
    let readings = 0;
    performance.now = () => (readings++ < 2 ? 40 : nowMs());
    transport.answer(first);
    performance.now = nowMs;
    assert.equal(transport.inFlight[0]!.startedAtMs, 45);
    assert.equal(schedule.finish().lateness.maxUs, 5_000);
  });
});

suite('lateness', () => {
  test('a generator that was busy sends all that is due, and says how late it was', async t => {
    const clock = mockClock(t);
    const { transport, run, schedule, recorder, answerAll } = createOpen({
      scheduleOf: () => rateSchedule('constant', 100, () => 0),
    });
    run();
    clock.advance(39);
    const nowMs = performance.now;
    // Something else kept the event loop busy from 39 to 80: no timer ran.
    performance.now = () => nowMs() + 41;
    clock.advance(1);
    assert.equal(transport.inFlight.length, 9, 'due at 0, 10 ... 80');
    answerAll();
    assert.equal(recorder.finish().response.maxUs, (81 - 10) * 1_000);
    const { arrivals, lateness } = schedule.finish();
    assert.deepEqual([arrivals.due, arrivals.heldBack], [8, 0]);
    assert.equal(lateness.maxUs, 41_000);
  });

  test('in a probe it is reported for the window alone, and enters no histogram of the trial', async t => {
    const clock = mockClock(t);
    const { run, schedule, recorder, answerAll } = createOpen({
      scheduleOf: ({ ratePerSec = 0 }) => rateSchedule('constant', ratePerSec, () => 0),
    });
    for (const ratePerSec of [1_000, 500]) {
      run({ isRecorded: false, ratePerSec });
      for (let ms = 0; ms < CLOSE_MS + 5; ms++) {
        clock.advance(1);
        answerAll();
      }
      await settle();
      const { due, latenessP99Us } = schedule.window();
      assert.deepEqual([due, latenessP99Us], [ratePerSec / 10, 1]);
      const { completed, ended, p50Us, p99Us } = recorder.windowCounts();
      assert.ok(Math.abs(ended - due) <= 1);
      assert.equal(completed, due);
      assert.ok(p50Us! <= 1_000 && p99Us! <= 1_000 && p50Us! <= p99Us!);
    }
    assert.deepEqual([recorder.finish().response.count, schedule.finish().arrivals.due], [0, 0]);
  });
});

suite('an open slice ends', () => {
  test('a request that exceeds totalMs is a failure of its own kind, and its record is not used again', async t => {
    const clock = mockClock(t);
    const { transport, recorder, load, run } = createOpen({
      scheduleOf: dueAt(20, 60),
      totalMs: 20,
      maxInFlight: 1,
    });
    run();
    clock.advance(30);
    const [slow] = transport.inFlight;
    clock.advance(30);
    assert.deepEqual(transport.abandoned, [slow]);
    assert.ok(transport.inFlight.length === 1 && transport.inFlight[0] !== slow);
    const { outcomes } = recorder.finish();
    const { count, sample, maxUs } = outcomes.timeoutTotal!;
    assert.deepEqual([count, sample, maxUs], [1, 'no complete answer within totalMs = 20', 20_000]);
    assert.deepEqual([load.sent, load.unfinished], [2, 0]);
  });

  test('requests are drawn in the order of the schedule, those that are never sent too', async t => {
    const clock = mockClock(t);
    const draw = new RequestDraw([1, 1, 1]);
    const times = [20, 30, 40, 50, 60, 70, 80, 90];
    const { recorder, load, run, ended } = createOpen({ scheduleOf: dueAt(...times), maxInFlight: 3, draw });
    run({ requestSeed: 9 });
    clock.advance(CLOSE_MS + 100);
    await settle();
    assert.deepEqual([ended.length, load.sent], [1, 3]);
    draw.restart(9);
    const [sent, all] = [
      [0, 0, 0],
      [0, 0, 0],
    ];
    for (const index of times.keys()) {
      const request = draw.next();
      all[request]!++;
      if (index < 3) sent[request]!++;
    }
    assert.deepEqual(load.sentByRequest, sent);
    const { requests } = recorder.finish();
    assert.deepEqual(
      requests.map(({ failed, censored }) => [failed, censored?.count]),
      all.map(count => [count, count]),
    );
  });

  test('what falls due while the last of the window is sent goes too, however long that takes', t => {
    const clock = mockClock(t);
    const { transport, load, run, schedule } = createOpen({
      scheduleOf: dueAt(CLOSE_MS - 1, CLOSE_MS - 0.2),
    });
    const nowMs = performance.now;
    const { send } = transport;
    transport.send = (exchange, onEnd) => {
      send(exchange, onEnd);
      performance.now = () => CLOSE_MS + 1;
    };
    run();
    clock.advance(CLOSE_MS - 1);
    performance.now = nowMs;
    clock.advance(5);
    assert.equal(load.sent, 2);
    const { unsent, heldBack } = schedule.finish().arrivals;
    assert.deepEqual([unsent, heldBack], [0, 0]);
  });

  test('cut: nothing more goes, and a quarter of a second is left to end', async t => {
    const clock = mockClock(t);
    const { load, ended, run, transport, answerAll, schedule } = createOpen({
      scheduleOf: () => rateSchedule('constant', 100, () => 0),
      maxInFlight: 2,
    });
    run({ windowMs: 60_000, drainMs: 60_000 });
    clock.advance(45);
    load.cut();
    transport.answer(transport.inFlight[0]!);
    assert.equal(transport.inFlight.length, 1);
    clock.advance(CUT_DRAIN_MS - 1);
    await settle();
    assert.equal(ended.length, 0);
    clock.advance(1);
    await settle();
    assert.equal(
      ended[0]?.closeAtMs,
      45.5,
      'half a tick later, because a request may be sent half a tick early',
    );
    answerAll();
    assert.deepEqual([load.sent, load.unfinished], [2, 1]);
    const { due, unsent, unfinished } = schedule.finish().arrivals;
    assert.deepEqual([due, unsent, unfinished], [4, 3, 1], 'due at 10, 20, 30 and 40');
  });

  test('cut within half a tick before a request is due: it never was', async t => {
    const clock = mockClock(t);
    const { load, ended, run, answerAll, schedule } = createOpen({ scheduleOf: dueAt(20, 45.25, 60) });
    run();
    clock.advance(44);
    const nowMs = performance.now;
    performance.now = () => 44.9;
    answerAll();
    load.cut();
    performance.now = nowMs;
    clock.advance(5);
    await settle();
    assert.deepEqual([ended.length, load.sent], [1, 1]);
    const { due, unsent } = schedule.finish().arrivals;
    assert.deepEqual([due, unsent], [1, 0]);
  });

  test('in the second half of the drain no held-back request is sent, so that those in flight can end', async t => {
    const clock = mockClock(t);
    const { load, ended, run, transport, schedule } = createOpen({
      scheduleOf: dueAt(20, 21, 22, 23),
      maxInFlight: 1,
    });
    run({ drainMs: 200 });
    clock.advance(CLOSE_MS + 99);
    transport.answer(transport.inFlight[0]!);
    assert.equal(transport.inFlight.length, 1);
    clock.advance(2);
    transport.answer(transport.inFlight[0]!);
    await settle();
    assert.deepEqual([ended.length, load.sent, load.unfinished], [1, 2, 0]);
    const { due, heldBack, unsent, unfinished } = schedule.finish().arrivals;
    assert.deepEqual([due, heldBack, unsent, unfinished], [4, 3, 2, 0]);
  });

  test('cut with nothing in flight ends at once; between slices it has no effect', async t => {
    const clock = mockClock(t);
    const { load, ended, run, answerAll } = createOpen({ scheduleOf: dueAt(0, 5_000) });
    load.cut();
    run({ windowMs: 10_000 });
    clock.advance(CUT_DRAIN_MS + 50);
    answerAll();
    await settle();
    assert.equal(ended.length, 0);
    load.cut();
    clock.advance(1);
    await settle();
    assert.equal(ended.length, 1);
    load.cut();
    clock.advance(10_000);
    assert.equal(load.sent, 1);
  });

  test('it leaves no timer behind', async () => {
    const scheduleOf = () => rateSchedule('constant', 1_000, () => 0);
    await assertNoTimerLeft(createOpen({ scheduleOf, totalMs: 60_000 }));
  });

  test('in any order of answers, failures, expiries and cuts nothing is lost: of requests, nor of what was due', async t => {
    const clock = mockClock(t);
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          maxInFlight: fc.integer({ min: 1, max: 8 }),
          totalMs: fc.constantFrom(undefined, 15, 200),
        }),
        fc.constantFrom('constant' as const, 'poisson' as const),
        fc.integer({ min: 10, max: 400 }),
        disorder,
        async (stated, arrivals, ratePerSec, slices) => {
          const random = createRandom(ratePerSec, 'test');
          const scheduleOf = () => rateSchedule(arrivals, ratePerSec, random);
          const bench = createOpen({ ...stated, scheduleOf });
          await runInDisorder(slices, bench, clock, stated.maxInFlight);
          const { transport, recorder, load, schedule } = bench;
          const { answered, failed, completedRecorded, failedRecorded, outcomes, censored } =
            recorder.finish();
          const { arrivals: kept, lateness } = schedule.finish();
          assert.equal(load.sent, transport.sentCount);
          assert.equal(load.sent, answered + failed + load.unfinished);
          // All abandoned requests have failed, except those that a cut ended.
          const ended = completedRecorded + failedRecorded - (outcomes.noAnswer?.count ?? 0);
          assert.equal(kept.due, ended + kept.unfinished + kept.unsent);
          assert.equal(censored?.count ?? 0, kept.unfinished + kept.unsent);
          assert.equal(lateness.count, kept.due - kept.unsent);
          assert.ok(kept.unsent <= kept.heldBack && kept.heldBack <= kept.due);
        },
      ),
      { numRuns: 40 },
    );
  });
});
