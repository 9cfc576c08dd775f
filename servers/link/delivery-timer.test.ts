// The one timer of a relay: each thing once, never early by more than the lead it announces, in order, none after the end.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Scope } from '../testing/client.ts';
import { DeliveryTimer } from './delivery-timer.ts';

describe('The one timer of a relay: each thing once, never early by more than the lead it announces, in order, none after the end', () => {
  /** Half a nap: what is due by then is done now, to be right on average. */
  const LEAD_MS = 0.1;

  function openTimer(scope: Scope): DeliveryTimer {
    const timer = new DeliveryTimer();
    scope.after(() => timer.close());
    return timer;
  }

  /** Schedules one thing for each delay; resolves with when each was done, in the order in which they were. */
  function fireAll(
    timer: DeliveryTimer,
    delaysMs: readonly number[],
  ): Promise<{ dueMs: number; atMs: number }[]> {
    const startMs = performance.now();
    const fired: { dueMs: number; atMs: number }[] = [];
    return new Promise(resolve => {
      for (const delayMs of delaysMs) {
        const dueMs = startMs + delayMs;
        const fire = (): void => {
          fired.push({ dueMs, atMs: performance.now() });
          if (fired.length === delaysMs.length) resolve(fired);
        };
        timer.schedule({ fire }, dueMs);
      }
    });
  }

  test('everything is done once, not before it is due, and in the order of due times', async t => {
    const timer = openTimer(t);
    // Apart by more than the lead, near enough to nap in between and far enough to set a timer.
    const delays = fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(delays, async steps => {
        const fired = await fireAll(
          timer,
          steps.map(step => step / 4),
        );
        for (const { dueMs, atMs } of fired) assert.ok(atMs >= dueMs - LEAD_MS, `${dueMs - atMs} ms early`);
        const due = fired.map(({ dueMs }) => dueMs);
        assert.deepEqual(
          due,
          due.toSorted((a, b) => a - b),
        );
      }),
      { numRuns: 20 },
    );
  });

  test('what comes first may be scheduled last, when a timer runs for something later', async t => {
    const [timer, other] = [openTimer(t), openTimer(t)];
    const order: string[] = [];
    const fire = (name: string) => ({ fire: () => void order.push(name) });
    timer.schedule(fire('late'), performance.now() + 5_000);
    await new Promise<void>(resolve => other.schedule({ fire: resolve }, performance.now() + 10));
    timer.schedule(fire('soon'), performance.now() + 5);
    await new Promise<void>(resolve => other.schedule({ fire: resolve }, performance.now() + 200));
    assert.deepEqual(order, ['soon']);
  });

  test('what is overdue is done soon, but never from within the call', async t => {
    const timer = openTimer(t);
    let isDone = false;
    const done = new Promise<void>(resolve => {
      const fire = (): void => {
        isDone = true;
        resolve();
      };
      timer.schedule({ fire }, 0);
    });
    assert.equal(isDone, false);
    await done;
  });

  test('a thing may schedule itself again', async t => {
    const timer = openTimer(t);
    let left = 20;
    await new Promise<void>(resolve => {
      const again = {
        fire() {
          if (--left === 0) resolve();
          else timer.schedule(again, performance.now() + 0.3);
        },
      };
      timer.schedule(again, performance.now());
    });
    assert.equal(left, 0);
  });

  test('nothing is done after the end', async () => {
    const timer = new DeliveryTimer();
    const fire = (): void => assert.fail('fired');
    timer.schedule({ fire }, 0);
    timer.schedule({ fire }, performance.now() + 5);
    timer.close();
    timer.schedule({ fire }, 0);
    const later = new DeliveryTimer();
    await new Promise<void>(resolve => later.schedule({ fire: resolve }, performance.now() + 10));
    later.close();
  });

  test('what comes after a stall of the process is not taken for older than half a millisecond', async t => {
    const timer = openTimer(t);
    await new Promise<void>(resolve => {
      const stall = {
        fire() {
          timer.schedule({ fire() {} }, performance.now() + 1); // so that the next poll does not wait
          setImmediate(() => {
            const stalledFromMs = performance.now();
            while (performance.now() < stalledFromMs + 5);
            const askedMs = performance.now();
            const arrivalMs = timer.arrivalMs();
            assert.ok(arrivalMs >= askedMs - 0.5, `${askedMs - arrivalMs} ms ago`);
            resolve();
          });
        },
      };
      timer.schedule(stall, performance.now());
    });
  });

  test('arrivals never go back, are never in the future, and are one for all that a poll brings', async t => {
    const timer = openTimer(t);
    let lastMs = 0;
    let left = 50;
    await new Promise<void>(resolve => {
      const look = {
        fire() {
          setImmediate(() => {
            const arrivalMs = timer.arrivalMs();
            assert.ok(arrivalMs >= lastMs, `${arrivalMs} after ${lastMs}`);
            assert.ok(arrivalMs <= performance.now());
            assert.equal(timer.arrivalMs(), arrivalMs);
            lastMs = arrivalMs;
            if (--left === 0) resolve();
            else timer.schedule(look, performance.now() + (left % 7));
          });
        },
      };
      timer.schedule(look, performance.now());
    });
  });
});
