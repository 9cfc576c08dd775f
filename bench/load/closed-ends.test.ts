// An exchange ends at its deadline and a slice when it is cut short, and both are accounted for.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createLoad } from './testing/closed-bench.ts';
import { CLOSE_MS, CUT_DRAIN_MS, mockClock, settle } from './testing/load-bench.ts';

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
