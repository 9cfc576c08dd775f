// The one timer of a relay: each thing once, never early by more than the lead it announces, in order, none after the end.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Scope } from '../testing/client.ts';
import { createPacemaker, type Pacemaker } from './pacemaker.ts';

describe('The one timer of a relay: each thing once, never early by more than the lead it announces, in order, none after the end', () => {
  /** Half a nap: what is due by then is done now, to be right on average. */
  const LEAD_MS = 0.1;

  function openPacemaker(scope: Scope): Pacemaker {
    const pacemaker = createPacemaker();
    scope.after(() => pacemaker.close());
    return pacemaker;
  }

  /** Schedules one thing for each delay; resolves with when each was done, in the order in which they were. */
  function fireAll(
    pacemaker: Pacemaker,
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
        pacemaker.schedule({ fire }, dueMs);
      }
    });
  }

  test('everything is done once, not before it is due, and in the order of due times', async t => {
    const pacemaker = openPacemaker(t);
    // Apart by more than the lead, near enough to nap in between and far enough to set a timer.
    const delays = fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(delays, async steps => {
        const fired = await fireAll(
          pacemaker,
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
    const [pacemaker, other] = [openPacemaker(t), openPacemaker(t)];
    const order: string[] = [];
    const fire = (name: string) => ({ fire: () => void order.push(name) });
    pacemaker.schedule(fire('late'), performance.now() + 5_000);
    await new Promise<void>(resolve => other.schedule({ fire: resolve }, performance.now() + 10));
    pacemaker.schedule(fire('soon'), performance.now() + 5);
    await new Promise<void>(resolve => other.schedule({ fire: resolve }, performance.now() + 200));
    assert.deepEqual(order, ['soon']);
  });

  test('what is overdue is done soon, but never from within the call', async t => {
    const pacemaker = openPacemaker(t);
    let isDone = false;
    const done = new Promise<void>(resolve => {
      const fire = (): void => {
        isDone = true;
        resolve();
      };
      pacemaker.schedule({ fire }, 0);
    });
    assert.equal(isDone, false);
    await done;
  });

  test('a thing may schedule itself again', async t => {
    const pacemaker = openPacemaker(t);
    let left = 20;
    await new Promise<void>(resolve => {
      const again = {
        fire() {
          if (--left === 0) resolve();
          else pacemaker.schedule(again, performance.now() + 0.3);
        },
      };
      pacemaker.schedule(again, performance.now());
    });
    assert.equal(left, 0);
  });

  test('nothing is done after the end', async () => {
    const pacemaker = createPacemaker();
    const fire = (): void => assert.fail('fired');
    pacemaker.schedule({ fire }, 0);
    pacemaker.schedule({ fire }, performance.now() + 5);
    pacemaker.close();
    pacemaker.schedule({ fire }, 0);
    const later = createPacemaker();
    await new Promise<void>(resolve => later.schedule({ fire: resolve }, performance.now() + 10));
    later.close();
  });

  test('what comes after a stall of the process is not taken for older than half a millisecond', async t => {
    const pacemaker = openPacemaker(t);
    await new Promise<void>(resolve => {
      const stall = {
        fire() {
          pacemaker.schedule({ fire() {} }, performance.now() + 1); // so that the next poll does not wait
          setImmediate(() => {
            const stalledFromMs = performance.now();
            while (performance.now() < stalledFromMs + 5);
            const askedMs = performance.now();
            const arrivalMs = pacemaker.arrivalMs();
            assert.ok(arrivalMs >= askedMs - 0.5, `${askedMs - arrivalMs} ms ago`);
            resolve();
          });
        },
      };
      pacemaker.schedule(stall, performance.now());
    });
  });

  test('arrivals never go back, are never in the future, and are one for all that a poll brings', async t => {
    const pacemaker = openPacemaker(t);
    let lastMs = 0;
    let left = 50;
    await new Promise<void>(resolve => {
      const look = {
        fire() {
          setImmediate(() => {
            const arrivalMs = pacemaker.arrivalMs();
            assert.ok(arrivalMs >= lastMs, `${arrivalMs} after ${lastMs}`);
            assert.ok(arrivalMs <= performance.now());
            assert.equal(pacemaker.arrivalMs(), arrivalMs);
            lastMs = arrivalMs;
            if (--left === 0) resolve();
            else pacemaker.schedule(look, performance.now() + (left % 7));
          });
        },
      };
      pacemaker.schedule(look, performance.now());
    });
  });
});
