// A time limit aborts when it is over, and then leaves a common deadline for what is still to be answered.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { TimeLimit } from './time-limit.ts';

/** A clock that only `pass` moves. */
function fakeClock(t: TestContext): (ms: number) => void {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let nowMs = 1_000;
  t.mock.method(performance, 'now', () => nowMs);
  return ms => {
    nowMs += ms;
    t.mock.timers.tick(ms);
  };
}

test('while it lasts, deadlines are as they are; afterwards, all end together', t => {
  const pass = fakeClock(t);
  const limit = new TimeLimit(10_000, 2_000);
  pass(9_999);
  assert.deepEqual([limit.isOver, limit.leftMs, limit.deadlineMs(20_000)], [false, 1, 20_000]);
  pass(1);
  assert.deepEqual([limit.isOver, limit.signal.aborted, limit.leftMs], [true, true, 0]);
  assert.deepEqual([limit.deadlineMs(20_000), limit.deadlineMs(50)], [2_000, 50]);
  pass(1_500);
  assert.equal(limit.deadlineMs(20_000), 500);
  pass(10_000);
  assert.equal(limit.deadlineMs(20_000), 0);
});

test('it can begin again before it is over, not after; closed, it never ends', t => {
  const pass = fakeClock(t);
  const limit = new TimeLimit(1_000, 0);
  pass(900);
  limit.restart(1_000);
  pass(900);
  assert.equal(limit.isOver, false);
  pass(100);
  assert.equal(limit.isOver, true);
  limit.restart(1_000);
  assert.equal(limit.isOver, true);
  const closed = new TimeLimit(1_000, 0);
  closed.close();
  pass(5_000);
  assert.equal(closed.isOver, false);
});
