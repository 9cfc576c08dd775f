// Attempts are counted by how they ended, and judged by the statuses that the scenario expects.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { OUTCOMES, type Outcome } from '../../results/model/trial.ts';
import { AttemptFold, Pauses } from './folds.ts';

for (const [outcome, status, expected] of [
  ['ok', 200, 'ok'],
  ['ok', 503, 'badStatus'],
  ['ok', 404, 'ok'],
  ['ok', 0, 'ok'],
  ['badStatus', 404, 'ok'],
  ['badStatus', 0, 'badStatus'],
  ['reset', 200, 'reset'],
  ['timeoutAttempt', 0, 'timeoutAttempt'],
] as const) {
  test(`${outcome} with status ${status} is ${expected}, where 2xx and 404 are expected`, () => {
    const fold = new AttemptFold(['2xx', 404]);
    fold.sent();
    assert.equal(fold.ended(outcome, status), expected === 'ok');
    const failures = expected === 'ok' ? {} : { [expected]: 1 };
    assert.deepEqual(fold.counts(), { sent: 1, answered: expected === 'ok' ? 1 : 0, failures });
  });
}

test('every attempt that ended is counted once', () => {
  const ends = fc.array(
    fc.record({ outcome: fc.constantFrom(...OUTCOMES), status: fc.integer({ min: 0, max: 599 }) }),
  );
  fc.assert(
    fc.property(ends, fc.nat(5), (all: { outcome: Outcome; status: number }[], unfinished) => {
      const fold = new AttemptFold(['2xx']);
      for (let i = 0; i < unfinished; i++) fold.sent();
      for (const { outcome, status } of all) {
        fold.sent();
        fold.ended(outcome, status);
      }
      const { sent, answered, failures } = fold.counts();
      const failed = Object.values(failures).reduce((sum, count) => sum + count, 0);
      assert.equal(sent, answered + failed + unfinished);
    }),
  );
});

test('counts what is lost from shortly after a slice until the next, with the longest pause that cost any', t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let nowMs = 0;
  t.mock.method(performance, 'now', () => nowMs);
  let open = 20;
  const pauses = new Pauses(() => open);
  const pause = (ms: number, act: () => void): void => {
    pauses.begin();
    const settledMs = Math.min(ms, 5);
    nowMs += settledMs;
    t.mock.timers.tick(settledMs);
    act();
    nowMs += ms - settledMs;
    t.mock.timers.tick(ms - settledMs);
    pauses.end();
  };

  pauses.end(); // the first slice has no pause before it
  pause(400, () => {});
  pauses.begin();
  open = 18; // they were closing
  t.mock.timers.tick(5);
  pauses.end();
  assert.deepEqual(pauses.counts(), { closed: 0, longestMs: 0 });

  pause(6_000, () => {
    open = 0;
  });
  open = 20;
  pause(9_000, () => {}); // longer, but nothing was lost
  pause(5_000, () => {
    open = 25; // a client may open some ahead
  });
  pause(3, () => {
    open = 1; // too short to tell
  });
  assert.deepEqual(pauses.counts(), { closed: 18, longestMs: 6_000 });
});
