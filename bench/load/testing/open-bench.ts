// In: an open load's settings. Out: it on a fake transport, to be used with a clock that the test moves.
import type { SliceTimes, Window } from '../../core/contracts.ts';
import type { Outcome } from '../../core/types.ts';
import type { Schedule } from '../arrivals.ts';
import { createOpenLoad, type OpenLoadOptions } from '../open.ts';
import { createRecorder } from '../recorder.ts';
import { TIMES } from './closed-bench.ts';
import { createFakeTransport } from './fake-transport.ts';

/** Due at these times, ms since the start of the slice, and then no more. */
export function dueAt(...timesMs: readonly number[]): () => Schedule {
  return () => {
    const left = [...timesMs];
    return () => left.shift() ?? Infinity;
  };
}

type Stated = Partial<Pick<OpenLoadOptions, 'scheduleOf' | 'maxInFlight' | 'totalMs'>>;

export function createOpen(stated: Stated = {}) {
  const transport = createFakeTransport();
  const recorder = createRecorder();
  const load = createOpenLoad({
    scheduleOf: dueAt(),
    maxInFlight: 1_000,
    totalMs: undefined,
    ...stated,
    transport,
    recorder,
  });
  const ended: Window[] = [];
  return {
    transport,
    recorder,
    load,
    schedule: load.schedule!,
    /** The windows of the slices that are over. */
    ended,
    run(times: Partial<SliceTimes> = {}): void {
      void load.runSlice({ ...TIMES, ...times }).then(window => ended.push(window));
    },
    answerAll(outcome: Outcome = 'ok'): void {
      for (const exchange of transport.inFlight) transport.answer(exchange, outcome);
    },
  };
}
