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

/** A window of 1 s that opens 5 s after the start of the replicate, with a sample every 100 ms: from 100 ms before to 100 ms after. */
function trialWith(inFlight: readonly number[], faults = FAULTS): CompletedTrial {
  const [trial] = sampleRun({ replicates: 1 }).trials as CompletedTrial[];
  const { measurement } = trial!;
  const held = sampleHeld({ leftPerRequest: 0, samples: inFlight.length });
  trial!.trial.target.faults = faults;
  measurement.slices = [{ ...measurement.slices[0]!, atMs: 5_000, windowMs: 1_000 }];
  held.client.atMs = inFlight.map((_, place) => 4_900 + 100 * place);
  held.client.inFlight = [...inFlight];
  measurement.held = held;
  return trial!;
}

const rows: [why: string, inFlight: number[], recovery: ReturnType<typeof recoveryOf>][] = [
  ['some time after', [9, 2, 3, 20, 30, 30, 20, 7, 6, 5, 3, 2], { before: 3, most: 30, afterMs: 300 }],
  ['before they end', [9, 2, 3, 20, 30, 6, 5, 4, 3, 3, 3, 2], { before: 3, most: 30, afterMs: 0 }],
  ['never above', [9, 2, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4], { before: 3, most: 4, afterMs: 0 }],
  [
    'not in time; the last sample is after the window',
    [0, 1, 1, 9, 9, 9, 9, 9, 9, 9, 9, 9, 0],
    { before: 1, most: 9, afterMs: null },
  ],
  [
    'twice the rest, and once more',
    [0, 1, 1, 9, 9, 9, 2, 2, 5, 2, 2, 2],
    { before: 1, most: 9, afterMs: 400 },
  ],
  ['nothing in flight before', [0, 0, 0, 9, 9, 9, 2, 2, 2, 2, 2, 2], { before: 0, most: 9, afterMs: 100 }],
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
