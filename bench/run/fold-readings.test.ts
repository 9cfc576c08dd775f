// Requests that are split over several recorders fold to the reading of one, bit for bit.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { emptyHistogram } from '../../results/histogram.ts';
import { OUTCOMES } from '../../results/model/trial.ts';
import type { Exchange, OpenedConnection } from '../contracts.ts';
import { Recorder } from '../load/recorder.ts';
import { makeExchange } from '../load/testing/fake-transport.ts';
import type { GeneratorReading, SliceReading } from '../protocol.ts';
import { foldReadings, foldSlices } from './fold-readings.ts';
import { IDLE_SLICE, STILL } from './testing/readings.ts';

const OPEN_MS = 1_000;
const CLOSE_MS = 2_000_000;

type Event =
  | { kind: 'exchange'; member: number; exchange: Partial<Exchange> }
  | { kind: 'censored'; member: number; exchange: Partial<Exchange>; nowMs: number };

/** Most doubles are tiny: whole microseconds fall into the window as well. */
const time = fc.oneof(
  fc.integer({ min: 0, max: 1_500_000_000 }).map(us => us / 1_000 + 1 / 3),
  fc.double({ min: 0, max: 1_500_000, noNaN: true }),
);
const member = fc.nat(15);
const exchange = fc
  .record({
    startMs: time,
    waitMs: time,
    firstByteMs: time,
    bodyMs: time,
    lateMs: time,
    outcome: fc.constantFrom(...OUTCOMES),
    goodStatus: fc.constantFrom(200, 204),
    badStatus: fc.constantFrom(0, 302, 404, 503),
    request: fc.nat(2),
    bodyBytes: fc.nat(),
  })
  .map(
    ({
      startMs,
      waitMs,
      firstByteMs,
      bodyMs,
      lateMs,
      outcome,
      goodStatus,
      badStatus,
      request,
      bodyBytes,
    }): Partial<Exchange> => ({
      intendedAtMs: startMs,
      startedAtMs: startMs + lateMs,
      writtenAtMs: startMs + lateMs + waitMs,
      headersAtMs: startMs + lateMs + waitMs + firstByteMs,
      endedAtMs: startMs + lateMs + waitMs + firstByteMs + bodyMs,
      outcome,
      error: outcome === 'ok' ? undefined : outcome,
      status: outcome === 'ok' ? goodStatus : outcome === 'badStatus' ? badStatus : 0,
      request,
      bodyBytes,
    }),
  );
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('exchange' as const), member, exchange }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('censored' as const), member, exchange, nowMs: time }),
  },
);

function give(recorder: Recorder, { exchange: stated, ...event }: Event): void {
  const ended = makeExchange(stated);
  if (event.kind === 'exchange') recorder.add(ended, ended.intendedAtMs);
  else {
    const nowMs = ended.endedAtMs + event.nowMs;
    recorder.addCensored(ended, ended.intendedAtMs, { nowMs, error: 'noAnswer' });
  }
}

function readingOf(recorder: Recorder): GeneratorReading {
  const recorded = recorder.finish();
  return {
    ...recorded,
    requests: recorded.requests.map((figures, index) => ({ name: `request ${index}`, sent: 0, ...figures })),
    sent: recorded.answered + recorded.failed,
    unfinished: 0,
    opened: recorder.opened,
    openedElsewhere: 0,
    origins: [],
    leftOpen: recorder.opened,
    pool: null,
    lateness: null,
    arrivals: null,
    caveats: [],
  };
}

function openRecorder(isRecorded: boolean): Recorder {
  const recorder = new Recorder({ requestCount: 3 });
  recorder.openWindow({
    openAtMs: OPEN_MS,
    closeAtMs: CLOSE_MS,
    originMs: 0,
    isRecorded,
    isProbe: !isRecorded,
  });
  return recorder;
}

/** One recorder that gets all events, and `count` that share them. */
function split(events: readonly Event[], count: number, isRecorded: boolean) {
  const one = openRecorder(isRecorded);
  const many = Array.from({ length: count }, () => openRecorder(isRecorded));
  for (const event of events) {
    give(one, event);
    give(many[event.member % count]!, event);
  }
  return { one, many };
}

const events = fc.array(event, { maxLength: 120, size: 'max' });
const count = fc.integer({ min: 1, max: 8 });

describe('any latencies, split over n recorders', () => {
  test('give the summary of one, bit for bit', () => {
    fc.assert(
      fc.property(events, count, (all, n) => {
        const { one, many } = split(all, n, true);
        const folded = foldReadings(many.map(readingOf));
        const whole = readingOf(one);
        for (const recorder of [one, ...many]) recorder.close();
        assert.deepEqual(sorted(folded), sorted(whole));
      }),
      { numRuns: 25 },
    );
  });

  test('give the quantiles, mean and counts of a probe of one', () => {
    fc.assert(
      fc.property(events, count, (all, n) => {
        const { one, many } = split(all, n, false);
        const slice = (recorder: Recorder): SliceReading => ({
          ...IDLE_SLICE,
          ...recorder.windowCounts(),
          userMs: null,
        });
        const { before: _before, after: _after, ...folded } = foldSlices(many.map(slice), n);
        const { before, after, ...expected } = slice(one);
        for (const recorder of [one, ...many]) recorder.close();
        assert.deepEqual({ ...folded, userMs: null }, expected);
      }),
      { numRuns: 25 },
    );
  });

  test('connections are added, and their handshakes', () => {
    const connections: OpenedConnection[] = [
      { connectMs: 0.25, tlsMs: 1.5, isResumed: false },
      { connectMs: 0.75, tlsMs: 0.5, isResumed: true },
      { connectMs: 0.5, tlsMs: Number.NaN, isResumed: false },
    ];
    const recorders = [0, 1].map(() => {
      const recorder = new Recorder();
      const openAtMs = performance.now() - 1;
      recorder.openWindow({ openAtMs, closeAtMs: Infinity, originMs: 0, isRecorded: true });
      return recorder;
    });
    const one = new Recorder();
    one.openWindow({ openAtMs: performance.now() - 1, closeAtMs: Infinity, originMs: 0, isRecorded: true });
    for (const [index, connection] of connections.entries()) {
      one.addConnection(connection);
      recorders[index % 2]!.addConnection(connection);
    }
    assert.deepEqual(foldReadings(recorders.map(readingOf)), readingOf(one));
  });
});

/** Kinds of failure in the order of their first are the same kinds. */
function sorted(reading: GeneratorReading): GeneratorReading {
  const outcomes = Object.fromEntries(Object.entries(reading.outcomes).sort());
  return { ...reading, outcomes };
}

describe('slices', () => {
  const busy: SliceReading = {
    ...IDLE_SLICE,
    atMs: 10,
    windowMs: 100,
    completed: 10,
    userMs: 95,
    before: STILL,
    after: {
      ...STILL,
      atMs: 200,
      cpuUs: 150_000,
      runDelayMs: 20,
      loopActiveMs: 150,
      loopIdleMs: 50,
      rssBytes: 5,
    },
  };

  function usage(coreCount: number) {
    const { before, after } = foldSlices([busy, busy], coreCount);
    const wallMs = after.atMs - before.atMs;
    return {
      cpu: (after.cpuUs - before.cpuUs) / 1_000 / wallMs,
      runDelay: (after.runDelayMs - before.runDelayMs) / wallMs,
    };
  }

  test('CPU is a share of the cores: two processes at 75 % are at 75 % of two cores, and at 150 % of one', () => {
    assert.deepEqual(usage(2), { cpu: 0.75, runDelay: 0.1 });
    assert.deepEqual(usage(1), { cpu: 1.5, runDelay: 0.1 });
  });

  test('what the group of all generators has used up is not added: each has read the same', () => {
    const throttling = [{ cpus: 1, periodMs: 100, periods: 7, throttledPeriods: 3, throttledMs: 90 }];
    const one = { ...busy, after: { ...busy.after, throttling } };
    assert.deepEqual(foldSlices([one, one], 2).after.throttling, throttling);
    assert.ok(!('throttling' in foldSlices([busy, busy], 2).after));
  });

  test('the earliest start, a common window, and the mean of windows that were cut', () => {
    const folded = foldSlices([busy, { ...busy, atMs: 12 }], 2);
    assert.deepEqual([folded.atMs, folded.windowMs, folded.userMs], [10, 100, 190]);
    assert.equal(foldSlices([busy, { ...busy, windowMs: 50 }], 2).windowMs, 75);
  });

  test('what one of them does not know is unknown, but users without a request spent nothing', () => {
    assert.equal(foldSlices([busy, { ...busy, opened: null }], 2).opened, null);
    assert.equal(foldSlices([busy, { ...busy, userMs: null }], 2).userMs, null);
    assert.equal(foldSlices([busy, { ...busy, userMs: null, completed: 0 }], 2).userMs, 95);
  });

  test('of the schedule, counts are added and the worst lateness is kept', () => {
    const schedule = { due: 5, heldBack: 1, unsent: 1, unfinished: 0, latenessP99Us: 300 };
    const later = { ...schedule, latenessP99Us: 900 };
    assert.deepEqual(
      foldSlices(
        [
          { ...busy, schedule },
          { ...busy, schedule: later },
        ],
        2,
      ).schedule,
      {
        due: 10,
        heldBack: 2,
        unsent: 2,
        unfinished: 0,
        latenessP99Us: 900,
      },
    );
  });
});

test('attempts are added where generators count them', () => {
  const reading = readingOf(new Recorder());
  assert.equal(foldReadings([reading, reading]).attempts, undefined);
  const [one, other] = [
    { sent: 9, answered: 5, failures: { reset: 1, badStatus: 2 } },
    { sent: 4, answered: 3, failures: { reset: 1 } },
  ].map(attempts => ({ ...reading, attempts }));
  assert.deepEqual(foldReadings([one!, other!]).attempts, {
    sent: 13,
    answered: 8,
    failures: { reset: 2, badStatus: 2 },
  });
});

test('schedules of a whole trial are added', () => {
  const reading = readingOf(new Recorder());
  const open = {
    ...reading,
    arrivals: { due: 3, heldBack: 2, unsent: 1, unfinished: 0 },
    lateness: emptyHistogram(),
  };
  const { arrivals, lateness } = foldReadings([open, open]);
  assert.deepEqual(arrivals, { due: 6, heldBack: 4, unsent: 2, unfinished: 0 });
  assert.equal(lateness?.count, 0);
});
