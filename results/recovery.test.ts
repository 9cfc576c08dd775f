// Time to recover is counted from the end of the faults, by samples within the window, and is unknown where it did not end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Faults } from '../scenarios/model/fault.ts';
import type { CompletedTrial } from './model/trial.ts';
import { recoveryOf } from './recovery.ts';
import { sampleHeld } from './testing/sample-held.ts';
import { sampleRun } from './testing/sample-run.ts';

const FAULTS = Faults.parse([
  { kind: 'status', ratio: 1, during: { fromMs: 200, toMs: 300 } },
  { kind: 'close', ratio: 1, during: { fromMs: 300, toMs: 400 } },
]);

/** A window of 1.2 s that opens 5 s after the start of the replicate, with a sample every 100 ms from 100 ms before. */
function trialWith(inFlight: readonly number[], faults = FAULTS): CompletedTrial {
  const [trial] = sampleRun({ replicates: 1 }).trials as CompletedTrial[];
  const { measurement } = trial!;
  const held = sampleHeld({ leftPerRequest: 0, samples: inFlight.length });
  trial!.trial.target.faults = faults;
  measurement.slices = [{ ...measurement.slices[0]!, atMs: 5_000, windowMs: 1_200 }];
  held.client.atMs = inFlight.map((_, place) => 4_900 + 100 * place);
  held.client.inFlight = [...inFlight];
  measurement.held = held;
  return trial!;
}

/** Until 300 ms after the start of the window, and then as given. */
function since(...inFlight: number[]): number[] {
  return [9, 2, 3, 20, 30, ...inFlight];
}

const rows: [why: string, inFlight: number[], recovery: ReturnType<typeof recoveryOf>][] = [
  ['some time after', since(20, 7, 6, 5, 3, 2, 2, 2, 2), { before: 3, most: 30, afterMs: 200 }],
  ['by the end of the faults', since(6, 5, 4, 3, 3, 3, 3, 3, 3), { before: 3, most: 30, afterMs: 0 }],
  [
    'a pause later is not of the faults',
    since(8, 5, 4, 3, 3, 3, 9, 9, 3),
    { before: 3, most: 30, afterMs: 100 },
  ],
  ['a short rest is none', since(8, 5, 9, 3, 3, 3, 3, 3, 3), { before: 3, most: 30, afterMs: 300 }],
  ['not in time', since(9, 9, 9, 9, 9, 9, 2, 2, 2), { before: 3, most: 30, afterMs: null }],
  [
    'what is after the window does not count',
    since(9, 9, 9, 9, 9, 9, 9, 9, 9, 2, 2, 2, 2, 2, 2, 2),
    { before: 3, most: 30, afterMs: null },
  ],
  ['nothing in flight before', [0, 0, 0, 9, 9, 2, 2, 2, 2, 2, 2, 2, 2], { before: 0, most: 9, afterMs: 0 }],
];
for (const [why, inFlight, recovery] of rows) {
  test(`recovered: ${why}`, () => assert.deepEqual(recoveryOf(trialWith(inFlight)), recovery));
}

test('unknown without samples, and where faults strike all the time or from the start', () => {
  const trial = trialWith([1, 1, 1, 1, 1, 1]);
  const always = Faults.parse([{ kind: 'status', ratio: 0.1 }]);
  const fromStart = Faults.parse([{ kind: 'status', ratio: 1, during: { fromMs: 0, toMs: 100 } }]);
  assert.equal(recoveryOf(trialWith([1, 1, 1], always)), null);
  assert.equal(recoveryOf(trialWith([1, 1, 1], fromStart)), null);
  delete trial.measurement.held;
  assert.equal(recoveryOf(trial), null);
});
