// Attempts are counted by how they ended, and judged by the statuses that the scenario expects.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { OUTCOMES, type Outcome } from '../../results/model/trial.ts';
import { AttemptFold } from './attempts.ts';

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
