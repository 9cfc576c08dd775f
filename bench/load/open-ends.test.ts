// An open slice ends at its deadline, when it is cut short and in any disorder, and every request is accounted for.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { RequestDraw } from '../../results/draw.ts';
import { createRandom } from '../../results/random.ts';
import { rateSchedule } from './schedule.ts';
import { disorder, runInDisorder } from './testing/disorder.ts';
import { assertNoTimerLeft, CLOSE_MS, CUT_DRAIN_MS, mockClock, settle } from './testing/load-bench.ts';
import { createOpen, dueAt } from './testing/open-bench.ts';

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
