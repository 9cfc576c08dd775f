// Slices of answers, failures, waits and cuts in any order, drawn by property tests, and the code that runs them.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { OUTCOMES } from '../../../results/model/trial.ts';
import { type Bench, CLOSE_MS, CUT_DRAIN_MS, type mockClock, settle, TIMES } from './load-bench.ts';

/** A client reports any of these; that there was no answer is for the load model to say. */
const REPORTED = OUTCOMES.filter(outcome => outcome !== 'noAnswer');

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('answer' as const),
      place: fc.nat(),
      outcome: fc.constantFrom(...REPORTED),
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('advance' as const), ms: fc.nat(60) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('cut' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

export const disorder = fc.array(fc.array(step, { maxLength: 40 }), { minLength: 1, maxLength: 3 });

/** Runs the slices, none of which may lose a request on its way, or exceed its limit of requests in flight; all of them end. */
export async function runInDisorder(
  slices: readonly (readonly Step[])[],
  { transport, recorder, load, ended, run }: Bench,
  clock: ReturnType<typeof mockClock>,
  mostInFlight: number,
): Promise<void> {
  for (const [index, steps] of slices.entries()) {
    run();
    for (const one of steps) {
      if (one.type === 'advance') clock.advance(one.ms);
      else if (one.type === 'cut') load.cut();
      else if (transport.inFlight.length > 0) {
        transport.answer(transport.inFlight[one.place % transport.inFlight.length]!, one.outcome);
      }
      assert.ok(transport.inFlight.length <= mostInFlight);
      assert.equal(load.sent, recorder.ended + load.unfinished + transport.inFlight.length);
    }
    clock.advance(CLOSE_MS + TIMES.drainMs + CUT_DRAIN_MS);
    await settle();
    assert.deepEqual([ended.length, transport.inFlight.length], [index + 1, 0]);
  }
}
