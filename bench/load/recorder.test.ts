// What the recorder is given comes out again: by kind, inside the window and outside, in memory that does not grow.
import assert from 'node:assert/strict';
import { describe, suite, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { OUTCOMES } from '../../results/model/trial.ts';
import type { Exchange, Window } from '../contracts.ts';
import { TimelineFold } from './folds.ts';
import { Recorder } from './recorder.ts';
import { makeExchange } from './testing/fake-transport.ts';

describe('The timeline loses nothing, whatever the duration, in a bounded number of equal buckets', () => {
  interface Ended {
    atMs: number;
    responseMs: number;
    isOk: boolean;
  }

  const MAX_BUCKETS = 256;
  const FIRST_WIDTH_MS = 1_000;
  const WEEK_MS = 7 * 24 * 3_600_000;

  const ended = fc.record<Ended>({
    atMs: fc.oneof(fc.nat(10_000), fc.double({ min: 0, max: WEEK_MS, noNaN: true })),
    responseMs: fc.nat(60_000),
    isOk: fc.boolean(),
  });

  function fold(exchanges: readonly Ended[]) {
    const timeline = new TimelineFold();
    for (const { atMs, responseMs, isOk } of exchanges) {
      if (isOk) timeline.addCompleted(atMs, responseMs);
      else timeline.addFailed(atMs);
    }
    return timeline.finish();
  }

  function assertClose(actual: number, expected: number): void {
    assert.ok(
      Math.abs(actual - expected) <= 1e-6 * Math.max(1, Math.abs(expected)),
      `${actual}, not ${expected}`,
    );
  }

  suite('timeline', () => {
    test('every bucket holds exactly what ended in its half-open span, in any order of arrival', () => {
      fc.assert(
        fc.property(fc.array(ended, { maxLength: 200 }), exchanges => {
          const { widthMs, buckets } = fold(exchanges);
          for (const bucket of buckets) {
            const within = exchanges.filter(
              ({ atMs }) => Math.floor(atMs / widthMs) * widthMs === bucket.atMs,
            );
            const answered = within.filter(({ isOk }) => isOk).map(({ responseMs }) => responseMs);
            assert.equal(bucket.completed, answered.length);
            assert.equal(bucket.failed, within.length - answered.length);
            assertClose(bucket.maxUs, Math.max(0, ...answered) * 1_000);
            const sumMs = answered.reduce((sum, value) => sum + value, 0);
            assertClose(bucket.meanUs, answered.length === 0 ? 0 : (sumMs / answered.length) * 1_000);
          }
          const held = buckets.reduce((sum, { completed, failed }) => sum + completed + failed, 0);
          assert.equal(held, exchanges.length);
        }),
      );
    });

    test('buckets are bounded in number, ordered, never empty, and no wider than the duration asks for', () => {
      fc.assert(
        fc.property(fc.array(ended, { minLength: 1, maxLength: 400 }), exchanges => {
          const { widthMs, buckets } = fold(exchanges);
          const lastMs = Math.max(...exchanges.map(({ atMs }) => atMs));
          assert.ok(buckets.length <= MAX_BUCKETS);
          assert.ok(Number.isInteger(Math.log2(widthMs / FIRST_WIDTH_MS)), `width ${widthMs}`);
          assert.ok(lastMs < MAX_BUCKETS * widthMs);
          assert.ok(widthMs === FIRST_WIDTH_MS || lastMs >= (MAX_BUCKETS * widthMs) / 2);
          const starts = buckets.map(({ atMs }) => atMs);
          assert.deepEqual(
            starts,
            [...new Set(starts)].sort((a, b) => a - b),
          );
          assert.ok(buckets.every(({ completed, failed }) => completed + failed > 0));
        }),
      );
    });

    const edges: [why: string, atMs: number[], widthMs: number, starts: number[]][] = [
      ['nothing', [], 1_000, []],
      ['a bucket begins at its start', [0, 999.999], 1_000, [0]],
      ['and ends before the next', [1_000], 1_000, [1_000]],
      ['the last bucket is used', [255_999], 1_000, [255_000]],
      ['past it the width doubles', [0, 1_000, 256_000], 2_000, [0, 256_000]],
      ['as often as it takes', [0, 1_100_000], 8_000, [0, 1_096_000]],
      ['a clock that is a little early counts as the start', [-3, -0.001], 1_000, [0]],
    ];
    for (const [why, atMs, widthMs, starts] of edges) {
      test(`edges: ${why}`, () => {
        const timeline = fold(atMs.map(at => ({ atMs: at, responseMs: 1, isOk: true })));
        assert.equal(timeline.widthMs, widthMs);
        assert.deepEqual(
          timeline.buckets.map(bucket => bucket.atMs),
          starts,
        );
        assert.equal(
          timeline.buckets.reduce((sum, { completed }) => sum + completed, 0),
          atMs.length,
        );
      });
    }

    test('a failure counts, but its time is no answer time', () => {
      const { buckets } = fold([
        { atMs: 1, responseMs: 5_000, isOk: false },
        { atMs: 2, responseMs: 3, isOk: true },
      ]);
      assert.deepEqual(buckets, [{ atMs: 0, completed: 1, failed: 1, meanUs: 3_000, maxUs: 3_000 }]);
    });
  });
});

describe('What the recorder is given comes out again: by kind, inside the window and outside, in memory that does not grow', () => {
  const OPEN_MS = 1_000;
  const CLOSE_MS = 2_000;

  function makeWindow(stated: Partial<Window> = {}): Window {
    return { openAtMs: OPEN_MS, closeAtMs: CLOSE_MS, originMs: 0, isRecorded: true, ...stated };
  }

  /** A connection has no time of its own: it counts when it is reported. */
  function mockNow(t: TestContext, nowMs: () => number = () => OPEN_MS): void {
    t.mock.method(performance, 'now', nowMs);
  }

  /** Phases in whole ms from the intended start; the end may lie before, in or after the window. */
  const exchange: fc.Arbitrary<Exchange> = fc
    .record({
      intendedAtMs: fc.integer({ min: 500, max: 2_400 }),
      lateMs: fc.nat(50),
      waitMs: fc.nat(50),
      firstByteMs: fc.nat(50),
      bodyMs: fc.nat(50),
      bodyBytes: fc.nat(100_000),
      outcome: fc.oneof(fc.constant('ok' as const), fc.constantFrom(...OUTCOMES)),
    })
    .map(({ intendedAtMs, lateMs, waitMs, firstByteMs, bodyMs, bodyBytes, outcome }) => {
      const startedAtMs = intendedAtMs + lateMs;
      const writtenAtMs = startedAtMs + waitMs;
      const headersAtMs = writtenAtMs + firstByteMs;
      return makeExchange({
        intendedAtMs,
        startedAtMs,
        writtenAtMs,
        headersAtMs,
        endedAtMs: headersAtMs + bodyMs,
        bodyBytes,
        outcome,
        error: outcome === 'ok' ? undefined : `${outcome} at ${intendedAtMs}`,
      });
    });

  /** A recorder is six histograms: fewer of them than the usual hundred will do. */
  const RUNS = { numRuns: 20 };

  const exchanges = fc.array(exchange, { maxLength: 150 });

  /** Of a window in which nothing was asked, and that is no probe. */
  const NOTHING = {
    completed: 0,
    failed: 0,
    censored: 0,
    ended: 0,
    userMs: null,
    meanUs: 0,
    longestMs: 0,
    p50Us: null,
    p99Us: null,
    connectUs: null,
    tlsUs: null,
  };

  function isOk({ outcome }: Exchange): boolean {
    return outcome === 'ok';
  }

  function isInWindow({ intendedAtMs }: Exchange): boolean {
    return intendedAtMs >= OPEN_MS && intendedAtMs < CLOSE_MS;
  }

  /** By when it began, which is when it ended where nothing else is stated: an instant answer. */
  function add(recorder: Recorder, stated: Partial<Exchange>): void {
    const one = makeExchange({ startedAtMs: stated.intendedAtMs ?? stated.endedAtMs ?? 0, ...stated });
    recorder.add(one, one.intendedAtMs);
  }

  function sum(values: readonly number[]): number {
    return values.reduce((total, value) => total + value, 0);
  }

  function assertClose(actual: number, expected: number): void {
    assert.ok(Math.abs(actual - expected) <= 1e-6 * Math.max(1, expected), `${actual}, not ${expected}`);
  }

  /** To the three digits of a quantile. */
  function assertWithin(actual: number, expected: number): void {
    assert.ok(Math.abs(actual / expected - 1) <= 1e-3, `${actual}, not ${expected}`);
  }

  /** Latencies below 1 µs count as 1 µs. */
  function meanUs(latenciesMs: readonly number[]): number {
    return latenciesMs.length === 0
      ? 0
      : sum(latenciesMs.map(ms => Math.max(1, ms * 1_000))) / latenciesMs.length;
  }

  suite('recorder', () => {
    test('everything counts as ended; only what began in a recorded window is recorded', () => {
      fc.assert(
        fc.property(exchanges, all => {
          const recorder = new Recorder();
          recorder.openWindow(makeWindow());
          for (const one of all) recorder.add(one, one.intendedAtMs);
          const recorded = all.filter(isInWindow);
          const answered = recorded.filter(isOk);
          const reading = recorder.finish();
          assert.equal(recorder.ended, all.length);
          assert.equal(reading.answered, all.filter(isOk).length);
          assert.equal(reading.failed, all.length - reading.answered);
          assert.equal(reading.completedRecorded, answered.length);
          assert.equal(reading.failedRecorded, recorded.length - answered.length);
          assert.equal(reading.bytesRecorded, sum(answered.map(({ bodyBytes }) => bodyBytes)));
          for (const kind of OUTCOMES) {
            const ofKind = recorded.filter(({ outcome }) => outcome === kind);
            const { count, sample, meanUs: mean, maxUs } = reading.outcomes[kind] ?? { count: 0 };
            assert.deepEqual([count, sample], [ofKind.length, ofKind[0]?.error]);
            if (count === 0 || kind === 'ok') continue;
            const spentMs = ofKind.map(one => one.endedAtMs - one.intendedAtMs);
            assertClose(mean!, (sum(spentMs) / count) * 1_000);
            assertClose(maxUs!, Math.max(...spentMs) * 1_000);
          }
        }),
        RUNS,
      );
    });

    test('each distribution is of its own phase, of good answers only', () => {
      fc.assert(
        fc.property(exchanges, all => {
          const recorder = new Recorder();
          recorder.openWindow(makeWindow());
          for (const one of all) recorder.add(one, one.intendedAtMs);
          const answered = all.filter(one => isOk(one) && isInWindow(one));
          const reading = recorder.finish();
          const phases = {
            response: answered.map(one => one.endedAtMs - one.intendedAtMs),
            service: answered.map(one => one.endedAtMs - one.startedAtMs),
            wait: answered.map(one => one.writtenAtMs - one.startedAtMs),
            firstByte: answered.map(one => one.headersAtMs - one.writtenAtMs),
            body: answered.map(one => one.endedAtMs - one.headersAtMs),
          };
          for (const [phase, latenciesMs] of Object.entries(phases) as [keyof typeof phases, number[]][]) {
            assert.equal(reading[phase].count, latenciesMs.length, phase);
            assertClose(reading[phase].meanUs, meanUs(latenciesMs));
            assertClose(
              reading[phase].maxUs,
              latenciesMs.length === 0 ? 0 : Math.max(1, ...latenciesMs.map(ms => ms * 1_000)),
            );
          }
        }),
        RUNS,
      );
    });

    test('the timeline counts what is recorded, on the axis of the replicate', () => {
      fc.assert(
        fc.property(exchanges, fc.nat(900), (all, originMs) => {
          const recorder = new Recorder();
          recorder.openWindow(makeWindow({ originMs }));
          for (const one of all) recorder.add(one, one.intendedAtMs);
          const reading = recorder.finish();
          for (const { atMs, completed, failed } of reading.timeline.buckets) {
            const within = all.filter(
              one => isInWindow(one) && Math.floor((one.intendedAtMs - originMs) / 1_000) * 1_000 === atMs,
            );
            const answered = within.filter(isOk).length;
            assert.deepEqual([completed, failed], [answered, within.length - answered]);
          }
          const held = reading.timeline.buckets.map(({ completed, failed }) => completed + failed);
          assert.equal(sum(held), reading.completedRecorded + reading.failedRecorded);
        }),
        RUNS,
      );
    });

    const edges: [startedAtMs: number, completed: number][] = [
      [OPEN_MS - 0.001, 0],
      [OPEN_MS, 1],
      [CLOSE_MS - 0.001, 1],
      [CLOSE_MS, 0],
    ];
    for (const [startedAtMs, completed] of edges) {
      test(`a window is half-open: ${startedAtMs} counts ${completed}`, () => {
        const recorder = new Recorder();
        recorder.openWindow(makeWindow());
        const endedAtMs = 9_000;
        add(recorder, { startedAtMs, endedAtMs });
        add(recorder, { startedAtMs, endedAtMs, outcome: 'reset' });
        const { failed, ...counts } = recorder.windowCounts();
        assert.deepEqual([counts.completed, failed], [completed, completed]);
        assertClose(counts.meanUs, completed * (endedAtMs - startedAtMs) * 1_000);
      });
    }

    test('an edge of the window that moves while it is open (a slice cut short) counts at once', () => {
      const recorder = new Recorder();
      const window = makeWindow();
      recorder.openWindow(window);
      add(recorder, { endedAtMs: 1_500 });
      window.closeAtMs = 1_500;
      add(recorder, { endedAtMs: 1_500 });
      assert.equal(recorder.windowCounts().completed, 1);
    });

    test('without phases, all is as it was but for their distributions, which are empty', () => {
      fc.assert(
        fc.property(exchanges, all => {
          const [told, untold] = [true, false].map(hasPhases => {
            const recorder = new Recorder({ hasPhases });
            recorder.openWindow(makeWindow());
            for (const one of all) recorder.add(one, one.intendedAtMs);
            return recorder.finish();
          });
          const { wait, firstByte, body, ...rest } = untold!;
          assert.deepEqual([wait.count, firstByte.count, body.count], [0, 0, 0]);
          const { wait: _, firstByte: __, body: ___, ...others } = told!;
          assert.deepEqual(rest, others);
        }),
        RUNS,
      );
    });

    const untold: [what: string, stated: Partial<Exchange>, counts: [number, number, number]][] = [
      ['all', { writtenAtMs: 1_001, headersAtMs: 1_002 }, [1, 1, 1]],
      ['not when the request was written', { writtenAtMs: Number.NaN, headersAtMs: 1_002 }, [0, 0, 1]],
      ['not when the header came', { writtenAtMs: 1_001, headersAtMs: Number.NaN }, [1, 0, 0]],
      ['neither', { writtenAtMs: Number.NaN, headersAtMs: Number.NaN }, [0, 0, 0]],
    ];
    for (const [what, stated, counts] of untold) {
      test(`what a client does not tell is in no phase: ${what}`, () => {
        const recorder = new Recorder();
        recorder.openWindow(makeWindow());
        add(recorder, { startedAtMs: 1_000, endedAtMs: 1_003, ...stated });
        const { wait, firstByte, body, response, service } = recorder.finish();
        assert.deepEqual([wait.count, firstByte.count, body.count], counts);
        assert.deepEqual([response.meanUs, service.meanUs], [3_000, 3_000]);
      });
    }

    test('a warm-up window is counted for itself and not recorded', t => {
      mockNow(t);
      const recorder = new Recorder();
      recorder.openWindow(makeWindow({ isRecorded: false }));
      recorder.addConnection({ connectMs: 1, tlsMs: 2, isResumed: false });
      add(recorder, { startedAtMs: 1_000, endedAtMs: 1_004, bodyBytes: 9 });
      add(recorder, { startedAtMs: 1_000, endedAtMs: 1_004, outcome: 'refused', error: 'no' });
      assert.deepEqual(recorder.windowCounts(), {
        ...NOTHING,
        completed: 1,
        failed: 1,
        ended: 2,
        meanUs: 4_000,
        longestMs: 4,
      });
      const reading = recorder.finish();
      assert.deepEqual(
        [reading.answered, reading.failed, recorder.opened, reading.handshakesFull],
        [1, 1, 1, 1],
        'what is for the ledger counts from the first request on',
      );
      const { completedRecorded, failedRecorded, endedRecorded, bytesRecorded } = reading;
      assert.deepEqual([completedRecorded, failedRecorded, endedRecorded, bytesRecorded], [0, 0, 0, 0]);
      assert.deepEqual(reading.outcomes, {});
      assert.deepEqual(reading.timeline.buckets, []);
      for (const phase of ['response', 'service', 'wait', 'firstByte', 'connect', 'tls'] as const) {
        assert.equal(reading[phase].count, 0, phase);
      }
    });

    test('a new window starts from nothing, and what is recorded stays', () => {
      const recorder = new Recorder();
      recorder.openWindow(makeWindow());
      add(recorder, { startedAtMs: 1_000, endedAtMs: 1_010 });
      recorder.openWindow(makeWindow({ openAtMs: 3_000, closeAtMs: 4_000 }));
      assert.deepEqual(recorder.windowCounts(), NOTHING);
      add(recorder, { startedAtMs: 3_000, endedAtMs: 3_020 });
      add(recorder, { startedAtMs: 1_000, endedAtMs: 1_999 });
      assert.deepEqual(recorder.windowCounts(), {
        ...NOTHING,
        completed: 1,
        ended: 1,
        meanUs: 20_000,
        longestMs: 20,
      });
      const { completedRecorded, endedRecorded } = recorder.finish();
      assert.deepEqual([completedRecorded, endedRecorded], [2, 2]);
    });

    test('an exchange belongs to the window, and to the place on the timeline, of the time it is added by', () => {
      const recorder = new Recorder();
      recorder.openWindow(makeWindow());
      const [before, late] = [OPEN_MS - 1, CLOSE_MS - 1];
      for (const outcome of ['ok', 'reset'] as const) {
        recorder.add(makeExchange({ intendedAtMs: before, endedAtMs: OPEN_MS + 1, outcome }), before);
        recorder.add(makeExchange({ intendedAtMs: late, endedAtMs: late + 9_000, outcome }), late);
      }
      const { completed, failed } = recorder.windowCounts();
      assert.deepEqual([completed, failed, recorder.ended], [1, 1, 4]);
      const { response, timeline } = recorder.finish();
      assertClose(response.maxUs, 9_000_000);
      assert.deepEqual(
        timeline.buckets.map(bucket => [bucket.atMs, bucket.completed, bucket.failed]),
        [[1_000, 1, 1]],
      );
    });

    test('a probe has quantiles of its own window, and leaves nothing in the trial', () => {
      const recorder = new Recorder();
      for (const scale of [1, 10]) {
        recorder.openWindow(makeWindow({ isRecorded: false, isProbe: true }));
        for (let ms = 1; ms <= 100; ms++) {
          add(recorder, { startedAtMs: OPEN_MS, endedAtMs: OPEN_MS + (ms * scale) / 10 });
        }
        add(recorder, { startedAtMs: 0, endedAtMs: CLOSE_MS });
        const { p50Us, p99Us } = recorder.windowCounts();
        assertWithin(p50Us!, 5_000 * scale);
        assertWithin(p99Us!, 9_900 * scale);
      }
      recorder.openWindow(makeWindow());
      assert.deepEqual(recorder.windowCounts(), NOTHING);
      assert.equal(recorder.finish().response.count, 0);
    });

    test('a probe has the medians of the connections of its own window, and leaves nothing in the trial', t => {
      let nowMs = OPEN_MS;
      performance.now = () => nowMs;
      t.after(() => Reflect.deleteProperty(performance, 'now'));
      const recorder = new Recorder();
      recorder.openWindow(makeWindow({ isRecorded: false, isProbe: true }));
      for (const connectMs of [1, 2, 9]) {
        recorder.addConnection({ connectMs, tlsMs: 10 * connectMs, isResumed: false });
      }
      nowMs = CLOSE_MS;
      recorder.addConnection({ connectMs: 500, tlsMs: 500, isResumed: false });
      const { connectUs, tlsUs } = recorder.windowCounts();
      assertWithin(connectUs!, 2_000);
      assertWithin(tlsUs!, 20_000);
      const { connect, tls } = recorder.finish();
      assert.deepEqual([connect.count, tls.count], [0, 0]);
    });

    test('an abandoned request is known by its lower bound, and fails unless the load was cut short', () => {
      const recorder = new Recorder();
      recorder.openWindow(makeWindow());
      add(recorder, { startedAtMs: 1_000, endedAtMs: 1_010 });
      const inFlight = makeExchange({ startedAtMs: 1_500 });
      recorder.addCensored(inFlight, 1_500, { nowMs: 12_000, error: 'no answer within 10000 ms' });
      recorder.addCensored(makeExchange({ startedAtMs: 1_900 }), 1_900, { nowMs: 2_150, error: undefined });
      recorder.addCensored(makeExchange({ startedAtMs: 990 }), 990, { nowMs: 12_000, error: 'in the ramp' });
      const unsent = makeExchange({ intendedAtMs: 1_800, startedAtMs: Number.NaN });
      recorder.addCensored(unsent, 1_800, { nowMs: 7_000, error: 'not sent' });
      const { completed, failed, censored, longestMs } = recorder.windowCounts();
      assert.deepEqual([completed, failed, censored, longestMs], [1, 2, 3, 10]);
      const reading = recorder.finish();
      assert.deepEqual(reading.censored, { count: 3, leastUs: 250_000 });
      assert.equal(reading.failedRecorded, 2);
      const { noAnswer } = reading.outcomes;
      assert.deepEqual(
        [noAnswer?.count, noAnswer?.sample, noAnswer?.maxUs],
        [2, 'no answer within 10000 ms', 10_500_000],
      );
      assert.deepEqual([reading.response.count, reading.service.count], [4, 3]);
      assertClose(reading.response.meanUs, ((10 + 10_500 + 250 + 5_200) * 1_000) / 4);
      assert.deepEqual([recorder.ended, reading.failed], [1, 0], 'the ledger counts it as unfinished');
    });

    test('the time of a user is that of its requests, failed ones included, and the pauses before them', () => {
      const recorder = new Recorder();
      recorder.openWindow(makeWindow());
      add(recorder, { startedAtMs: 1_000, endedAtMs: 1_010, idleMs: Number.NaN });
      assert.equal(recorder.windowCounts().userMs, null, 'no pause is known');
      add(recorder, { startedAtMs: 1_100, endedAtMs: 1_120, idleMs: 4 });
      add(recorder, { startedAtMs: 1_200, endedAtMs: 1_230, idleMs: 6, outcome: 'reset' });
      recorder.addCensored(makeExchange({ startedAtMs: 1_500, idleMs: 5 }), 1_500, {
        nowMs: 2_500,
        error: 'late',
      });
      add(recorder, { startedAtMs: 2_100, endedAtMs: 2_200, idleMs: 70 });
      assertClose(recorder.windowCounts().userMs!, 10 + 20 + 30 + 1_000 + 4 * 5);
    });

    test('before the first window, nothing is recorded', () => {
      const recorder = new Recorder();
      add(recorder, { endedAtMs: 1_500 });
      assert.equal(recorder.finish().completedRecorded, 0);
      assert.equal(recorder.ended, 1);
    });

    test('one sample is kept of each kind of failure: the first', () => {
      const recorder = new Recorder();
      recorder.openWindow(makeWindow());
      for (const error of ['first', 'second', 'third']) {
        add(recorder, { endedAtMs: 1_500, outcome: 'reset', error });
      }
      add(recorder, { endedAtMs: 1_500, outcome: 'refused' });
      const { reset, refused } = recorder.finish().outcomes;
      assert.deepEqual([reset?.count, reset?.sample], [3, 'first']);
      assert.deepEqual([refused?.count, refused?.sample], [1, undefined]);
    });

    test('a connection counts always; its times are recorded if it is opened within the window', t => {
      let nowMs = 0;
      mockNow(t, () => nowMs);
      const recorder = new Recorder();
      recorder.openWindow(makeWindow());
      for (nowMs of [OPEN_MS - 1, OPEN_MS, CLOSE_MS - 1, CLOSE_MS]) {
        recorder.addConnection({ connectMs: 1, tlsMs: 2, isResumed: false });
      }
      assert.equal(recorder.opened, 4);
      const { connect, tls, handshakesFull } = recorder.finish();
      assert.deepEqual([connect.count, tls.count, handshakesFull], [2, 2, 4]);
    });

    test('a connection of which the client tells no time is counted and not timed', t => {
      mockNow(t);
      const recorder = new Recorder();
      recorder.openWindow(makeWindow());
      recorder.addConnection({ connectMs: Number.NaN, tlsMs: Number.NaN, isResumed: false });
      assert.deepEqual([recorder.opened, recorder.finish().connect.count], [1, 0]);
    });

    test('connections: plain ones have no handshake, TLS ones are full or resumed', t => {
      mockNow(t);
      fc.assert(
        fc.property(fc.array(fc.record({ isTls: fc.boolean(), isResumed: fc.boolean() })), connections => {
          const recorder = new Recorder();
          recorder.openWindow(makeWindow());
          for (const { isTls, isResumed } of connections) {
            recorder.addConnection({ connectMs: 2, tlsMs: isTls ? 3 : Number.NaN, isResumed });
          }
          const tls = connections.filter(({ isTls }) => isTls);
          const reading = recorder.finish();
          assert.equal(recorder.opened, connections.length);
          assert.equal(reading.handshakesResumed, tls.filter(({ isResumed }) => isResumed).length);
          assert.equal(reading.handshakesFull, tls.filter(({ isResumed }) => !isResumed).length);
          assert.deepEqual([reading.connect.count, reading.tls.count], [connections.length, tls.length]);
          if (tls.length > 0) assertClose(reading.tls.meanUs, 3_000);
          if (connections.length > 0) assertClose(reading.connect.meanUs, 2_000);
        }),
        RUNS,
      );
    });

    test('what is handed over does not grow with the duration', () => {
      const sizeOf = (hours: number): { buckets: number; chars: number } => {
        const recorder = new Recorder();
        recorder.openWindow(makeWindow({ openAtMs: 0, closeAtMs: hours * 3_600_000 }));
        for (let minute = 0; minute < hours * 60; minute++) {
          const endedAtMs = minute * 60_000;
          add(recorder, { startedAtMs: endedAtMs - 5, endedAtMs });
          add(recorder, { startedAtMs: endedAtMs - 5, endedAtMs, outcome: 'reset', error: `at ${minute}` });
        }
        const reading = recorder.finish();
        return { buckets: reading.timeline.buckets.length, chars: JSON.stringify(reading).length };
      };
      const [hours, weeks] = [sizeOf(4), sizeOf(24 * 14)];
      assert.ok(
        hours.buckets <= 256 && weeks.buckets <= 256,
        `${hours.buckets} and ${weeks.buckets} buckets`,
      );
      assert.ok(weeks.chars < 2 * hours.chars, `${hours.chars} and ${weeks.chars} characters`);
    });
  });
});
