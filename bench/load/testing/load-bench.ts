// A closed or an open load on a fake transport, with a clock that stands still unless the test moves it.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Outcome } from '../../../results/model/trial.ts';
import type { LoadLoop, SliceTimes, Window } from '../../contracts.ts';
import { type ClosedLoadOptions, createClosedLoad } from '../closed.ts';
import { createOpenLoad, type OpenLoadOptions, type Schedule } from '../open.ts';
import { Recorder } from '../recorder.ts';
import { createFakeTransport, type FakeTransport } from './fake-transport.ts';

export const TIMES: SliceTimes = { rampMs: 10, windowMs: 100, drainMs: 50, isRecorded: true, originMs: 0 };
export const CLOSE_MS = TIMES.rampMs + TIMES.windowMs;
export const CUT_DRAIN_MS = 250;

/** A clock that only the test advances, and the timers that follow it. */
export function mockClock(t: TestContext) {
  let nowMs = 0;
  // Not a mock of the test's: that keeps a stack of each call, of which there are hundreds of thousands.
  performance.now = () => nowMs;
  t.after(() => Reflect.deleteProperty(performance, 'now'));
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  return {
    nowMs: () => nowMs,
    advance(ms: number): void {
      for (let i = 0; i < ms; i++) {
        nowMs++;
        t.mock.timers.tick(1);
      }
    },
  };
}

function createBench<Load extends LoadLoop>(
  create: (on: { transport: FakeTransport; recorder: Recorder }) => Load,
  requestCount = 1,
) {
  const transport = createFakeTransport();
  const recorder = new Recorder({ requestCount });
  const load = create({ transport, recorder });
  const ended: Window[] = [];
  return {
    transport,
    recorder,
    load,
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

export type Bench = ReturnType<typeof createBench>;

/** Lets promises that are resolved reach those who wait for them; no timer is involved. */
export function settle(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}

/** Runs a slice on the clock of the machine; when it is over there are no more timers than before it. */
export async function assertNoTimerLeft({ load, run, ended, answerAll }: Bench): Promise<void> {
  const countTimers = (): number =>
    process.getActiveResourcesInfo().filter(resource => resource === 'Timeout').length;
  const before = countTimers();
  run({ rampMs: 0, windowMs: 200, drainMs: 60_000 });
  while (ended.length === 0) {
    answerAll();
    await settle();
  }
  assert.ok(load.sent > 0);
  // One of an earlier test may have ended in the meantime.
  assert.ok(countTimers() <= before);
}

type StatedClosed = Partial<Pick<ClosedLoadOptions, 'concurrency' | 'thinkMs' | 'totalMs' | 'random'>>;

export function createLoad(stated: StatedClosed = {}) {
  return createBench(on =>
    createClosedLoad({
      concurrency: 4,
      thinkMs: 0,
      totalMs: undefined,
      random: () => 0.5,
      ...stated,
      ...on,
    }),
  );
}

/** Due at these times, ms since the start of the slice, and then no more. */
export function dueAt(...timesMs: readonly number[]): () => Schedule {
  return () => {
    const left = [...timesMs];
    return () => left.shift() ?? Infinity;
  };
}

type StatedOpen = Partial<Pick<OpenLoadOptions, 'scheduleOf' | 'maxInFlight' | 'totalMs' | 'draw'>>;

export function createOpen(stated: StatedOpen = {}) {
  const bench = createBench(
    on => createOpenLoad({ scheduleOf: dueAt(), maxInFlight: 1_000, totalMs: undefined, ...stated, ...on }),
    stated.draw?.size,
  );
  return { ...bench, schedule: bench.load.schedule! };
}
