// The closed loop keeps its users busy; every exchange is accounted for, however and whenever it ends, at its deadline and when a slice
// is cut short too.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { disorder, runInDisorder } from './testing/disorder.ts';
import {
  assertNoTimerLeft,
  CLOSE_MS,
  CUT_DRAIN_MS,
  createLoad,
  mockClock,
  settle,
  TIMES,
} from './testing/load-bench.ts';

suite('closed load', () => {
  test('every user has one request in flight, and sends the next as soon as it is answered', async t => {
    const clock = mockClock(t);
    const { load, transport, run } = createLoad({ concurrency: 7 });
    run();
    assert.equal(transport.inFlight.length, 7);
    for (let i = 0; i < 50; i++) {
      clock.advance(1);
      transport.answer(transport.inFlight[i % 7]!, i % 3 === 0 ? 'reset' : 'ok');
      assert.equal(transport.inFlight.length, 7);
      assert.equal(new Set(transport.inFlight).size, 7);
    }
    assert.equal(load.sent, 57);
    assert.equal(transport.sentCount, 57);
  });

  test('after the window no request is sent; the slice ends with the last answer', async t => {
    const clock = mockClock(t);
    const { transport, recorder, load, ended, run, answerAll } = createLoad();
    run();
    clock.advance(CLOSE_MS - 1);
    answerAll();
    assert.equal(load.sent, 8);
    clock.advance(1);
    transport.answer(transport.inFlight[0]!);
    await settle();
    assert.deepEqual([load.sent, transport.inFlight.length, ended.length], [8, 3, 0]);
    answerAll();
    await settle();
    const window = { openAtMs: 10, closeAtMs: CLOSE_MS, originMs: 0, isRecorded: true, isProbe: false };
    assert.deepEqual(ended, [window]);
    assert.deepEqual([load.sent, load.unfinished, recorder.ended], [8, 0, 8]);
    assert.equal(recorder.windowCounts().completed, 4, 'what ended after the window is not of it');
    clock.advance(10_000);
    assert.equal(load.sent, 8, 'nothing goes on after the slice');
  });

  test('woken up late for a start beside others: the window is that of the start', async t => {
    const clock = mockClock(t);
    const { ended, run, answerAll } = createLoad();
    clock.advance(4);
    run({ startAtMs: 0 });
    clock.advance(CLOSE_MS - 4);
    answerAll();
    await settle();
    assert.deepEqual(
      ended.map(({ openAtMs, closeAtMs }) => [openAtMs, closeAtMs]),
      [[TIMES.rampMs, CLOSE_MS]],
    );
  });

  test('both clocks start as the request is sent: in a closed loop nothing is late', t => {
    const clock = mockClock(t);
    const { transport, run } = createLoad({ concurrency: 1 });
    run();
    clock.advance(20);
    transport.answer(transport.inFlight[0]!);
    const { intendedAtMs, startedAtMs } = transport.inFlight[0]!;
    assert.deepEqual([intendedAtMs, startedAtMs], [20, 20]);
  });

  test('requests still in flight after the drain are abandoned as unfinished; late writes to their records have no effect', async t => {
    const clock = mockClock(t);
    const { transport, recorder, load, ended, run, answerAll } = createLoad();
    run();
    transport.answer(transport.inFlight[0]!);
    clock.advance(CLOSE_MS);
    transport.answer(transport.inFlight[0]!);
    clock.advance(TIMES.drainMs - 1);
    await settle();
    assert.equal(ended.length, 0);
    clock.advance(1);
    await settle();
    assert.equal(ended.length, 1);
    assert.deepEqual([load.sent, recorder.ended, load.unfinished], [5, 2, 3]);
    assert.equal(transport.abandoned.length, 3);

    run();
    assert.equal(transport.inFlight.length, 4);
    for (const late of transport.abandoned) {
      assert.ok(!transport.inFlight.includes(late), 'an abandoned record is used again');
      late.outcome = 'reset';
      late.endedAtMs = clock.nowMs();
    }
    clock.advance(CLOSE_MS);
    answerAll();
    await settle();
    assert.equal(ended.length, 2);
    assert.deepEqual([load.sent, recorder.ended, load.unfinished], [9, 6, 3]);
    assert.equal(recorder.finish().failed, 0);
  });

  test('slices follow each other with the same users', async t => {
    const clock = mockClock(t);
    const { transport, load, ended, run, answerAll } = createLoad({ concurrency: 3 });
    for (const slice of [1, 2, 3]) {
      run();
      const records = new Set(transport.inFlight);
      clock.advance(CLOSE_MS);
      answerAll();
      await settle();
      assert.deepEqual([ended.length, load.sent, records.size], [slice, 3 * slice, 3]);
      assert.equal(load.unfinished, 0, 'the drain of one slice does not reach into the next');
    }
  });

  test('some users may rest in a slice, which is a probe if it is not recorded', async t => {
    const clock = mockClock(t);
    const { transport, load, ended, run, answerAll } = createLoad({ concurrency: 5 });
    run({ users: 2, isRecorded: false });
    assert.equal(transport.inFlight.length, 2);
    clock.advance(CLOSE_MS);
    answerAll();
    await settle();
    assert.deepEqual([load.sent, ended[0]!.isProbe], [2, true]);
    run();
    assert.equal(transport.inFlight.length, 5, 'in the next slice all send again');
  });

  test('a slice leaves no timer behind', async () => {
    await assertNoTimerLeft(createLoad({ thinkMs: 1, totalMs: 60_000 }));
  });

  const spreads: [why: string, thinkMs: number, spreadMs: number, sentAt: number[]][] = [
    ['without think time', 0, 10, [1, 5, 9]],
    ['over the think time, where that is longer', 20, 10, [2, 10, 18]],
    ['over more than the think time', 10, 20, [2, 10, 18]],
  ];
  for (const [why, thinkMs, spreadMs, expected] of spreads) {
    test(`first requests are spread, when a slice says so: ${why}`, t => {
      const clock = mockClock(t);
      const places = [0.1, 0.5, 0.9];
      const { load, run } = createLoad({ concurrency: 3, thinkMs, random: () => places.shift()! });
      run({ spreadMs });
      const sentAt: number[] = [];
      for (let ms = 0; ms <= 20; ms++) {
        while (sentAt.length < load.sent) sentAt.push(clock.nowMs());
        clock.advance(1);
      }
      assert.deepEqual(sentAt, expected);
    });
  }

  test('cut short while they are spread: those who have not begun do not begin', async t => {
    const clock = mockClock(t);
    const places = [0.1, 0.9];
    const { load, run, ended, answerAll } = createLoad({ concurrency: 2, random: () => places.shift()! });
    run({ spreadMs: 10 });
    clock.advance(3);
    load.cut();
    answerAll();
    clock.advance(20);
    await settle();
    assert.deepEqual([load.sent, ended.length, load.unfinished], [1, 1, 0]);
  });

  suite('think time', () => {
    test('first requests are spread over it, the next goes a think time after the answer', t => {
      const clock = mockClock(t);
      const places = [0.05, 0.5, 0.95];
      const { transport, load, run } = createLoad({
        concurrency: 3,
        thinkMs: 20,
        random: () => places.shift()!,
      });
      run();
      const sentAt: number[] = [];
      for (let ms = 0; ms <= 20; ms++) {
        while (sentAt.length < load.sent) sentAt.push(clock.nowMs());
        clock.advance(1);
      }
      assert.deepEqual(sentAt, [1, 10, 19]);
      const first = transport.inFlight[0]!;
      transport.answer(first);
      clock.advance(19);
      assert.equal(load.sent, 3);
      clock.advance(1);
      assert.equal(load.sent, 4);
      assert.ok(transport.inFlight.includes(first), 'the same user went on');
    });

    test('a user that thinks when the window closes does not send again', async t => {
      const clock = mockClock(t);
      const { load, ended, run, answerAll } = createLoad({ thinkMs: 20 });
      run();
      clock.advance(CLOSE_MS - 5);
      answerAll();
      clock.advance(20);
      await settle();
      assert.deepEqual([load.sent, ended.length, load.unfinished], [4, 1, 0]);
    });

    test('a think time beyond the drain does not hold up the slice', async t => {
      const clock = mockClock(t);
      const { load, ended, run } = createLoad({ thinkMs: 60_000 });
      run();
      clock.advance(CLOSE_MS + TIMES.drainMs);
      await settle();
      assert.deepEqual([load.sent, ended.length, load.unfinished], [0, 1, 0]);
      clock.advance(60_000);
      assert.equal(load.sent, 0);
    });
  });

  test('in any order of answers, failures, expiries and cuts: sent = answered + failed + unfinished', async t => {
    const clock = mockClock(t);
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          concurrency: fc.integer({ min: 1, max: 6 }),
          thinkMs: fc.constantFrom(0, 0, 3, 40),
          totalMs: fc.constantFrom(undefined, 15, 200),
        }),
        disorder,
        async (stated, slices) => {
          const bench = createLoad(stated);
          await runInDisorder(slices, bench, clock, stated.concurrency);
          const { transport, recorder, load } = bench;
          const { answered, failed } = recorder.finish();
          assert.equal(load.sent, transport.sentCount);
          assert.equal(load.sent, answered + failed + load.unfinished);
        },
      ),
      { numRuns: 40 },
    );
  });
});

suite('the whole exchange has a deadline', () => {
  test('one that exceeds it is a failure of its own kind, and its user goes on with a fresh record', async t => {
    const clock = mockClock(t);
    const { transport, recorder, load, run } = createLoad({ concurrency: 2, totalMs: 20 });
    run({ rampMs: 0 });
    const [quick, slow] = transport.inFlight;
    clock.advance(15);
    transport.answer(quick!);
    clock.advance(10);
    assert.deepEqual(transport.abandoned, [slow]);
    assert.deepEqual([load.sent, transport.inFlight.length, recorder.ended], [4, 2, 2]);
    assert.ok(!transport.inFlight.includes(slow!));
    const { outcomes, failed } = recorder.finish();
    const { count, sample, maxUs } = outcomes.timeoutTotal!;
    assert.deepEqual([count, sample, maxUs], [1, 'no complete answer within totalMs = 20', 20_000]);
    assert.equal(failed, 1);
    assert.equal(load.unfinished, 0);
  });

  test('it is kept in the drain too, and then the user rests', async t => {
    const clock = mockClock(t);
    const { recorder, load, ended, run } = createLoad({ concurrency: 2, totalMs: 100 });
    run({ drainMs: 1_000 });
    clock.advance(CLOSE_MS - 20);
    const { sent } = load;
    clock.advance(200);
    await settle();
    assert.equal(ended.length, 1);
    assert.equal(load.unfinished, 0);
    assert.equal(load.sent, sent + 2, 'those that expired within the window were replaced once');
    assert.equal(recorder.ended, load.sent);
  });

  test('nothing expires between slices', async t => {
    const clock = mockClock(t);
    const { recorder, ended, run, answerAll } = createLoad({ totalMs: 30 });
    run();
    clock.advance(20);
    answerAll();
    clock.advance(20);
    answerAll();
    clock.advance(CLOSE_MS - 40);
    answerAll();
    await settle();
    assert.equal(ended.length, 1);
    const before = recorder.ended;
    clock.advance(1_000);
    assert.equal(recorder.ended, before);
  });
});

suite('cut', () => {
  test('ends the window now, and the slice with the last answer', async t => {
    const clock = mockClock(t);
    const { transport, recorder, load, ended, run, answerAll } = createLoad();
    run();
    clock.advance(40);
    answerAll();
    load.cut();
    assert.equal(transport.inFlight.length, 4);
    clock.advance(1);
    answerAll();
    await settle();
    assert.equal(ended[0]?.closeAtMs, 40);
    assert.deepEqual([load.sent, recorder.ended, load.unfinished], [8, 8, 0]);
  });

  test('waits for answers a quarter of a second, then gives up, however long the drain', async t => {
    const clock = mockClock(t);
    const { load, ended, run } = createLoad();
    run({ drainMs: 60_000 });
    clock.advance(40);
    load.cut();
    clock.advance(CUT_DRAIN_MS - 1);
    await settle();
    assert.equal(ended.length, 0);
    clock.advance(1);
    await settle();
    assert.deepEqual([ended.length, load.unfinished], [1, 4]);
  });

  test('sends thinking users to rest at once', async t => {
    const clock = mockClock(t);
    const { load, ended, run } = createLoad({ thinkMs: 1_000 });
    run();
    clock.advance(5);
    load.cut();
    await settle();
    assert.deepEqual([ended.length, load.sent, load.unfinished], [1, 0, 0]);
    clock.advance(2_000);
    assert.equal(load.sent, 0);
  });

  test('in the ramp leaves a window in which nothing counts', async t => {
    const clock = mockClock(t);
    const { recorder, load, ended, run, answerAll } = createLoad();
    run();
    clock.advance(5);
    load.cut();
    answerAll();
    await settle();
    assert.ok(ended[0]!.closeAtMs < ended[0]!.openAtMs);
    assert.deepEqual([recorder.windowCounts().completed, load.sent, recorder.ended], [0, 4, 4]);
  });

  test('in the drain leaves the window as it was', async t => {
    const clock = mockClock(t);
    const { load, ended, run, answerAll } = createLoad();
    run();
    clock.advance(CLOSE_MS + 10);
    load.cut();
    answerAll();
    await settle();
    assert.equal(ended[0]?.closeAtMs, CLOSE_MS);
  });

  test('between slices is nothing', async t => {
    const clock = mockClock(t);
    const { transport, load, ended, run, answerAll } = createLoad();
    load.cut();
    run({ windowMs: 2 * CUT_DRAIN_MS });
    clock.advance(CUT_DRAIN_MS + 50);
    assert.deepEqual([transport.inFlight.length, load.unfinished], [4, 0]);
    clock.advance(CUT_DRAIN_MS);
    answerAll();
    await settle();
    load.cut();
    await settle();
    assert.equal(ended.length, 1);
    run({ windowMs: 2 * CUT_DRAIN_MS });
    clock.advance(CUT_DRAIN_MS + 50);
    assert.deepEqual([load.sent, transport.inFlight.length, load.unfinished], [8, 4, 0]);
  });
});
