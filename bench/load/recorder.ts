// In: every exchange of a trial, as it ends. Out: its distributions, outcomes and timeline, in constant memory.
// The hot path: what can wait until `finish` is not done in `add`.
import { createLatencyRecorder, type LatencyRecorder } from '../../results/histogram.ts';
import type { Censored, Measurement, Outcome, Timeline } from '../../results/model/trial.ts';
import {
  DEFAULT_EXPECTED,
  type ExpectedStatus,
  expectedTable,
  STATUS_END,
} from '../../scenarios/model/target.ts';
import type { Exchange, ExchangeSink, Window } from '../contracts.ts';
import type { GeneratorReading } from '../protocol.ts';

// From ended exchanges. Out: equal buckets of time that never outgrow a fixed number.

const BUCKET_COUNT = 256;
const FIRST_WIDTH_MS = 1_000;

interface TimelineFold {
  /** @param atMs since the start of the replicate. */
  add(atMs: number, responseMs: number, isOk: boolean): void;
  finish(): Timeline;
}

/** A fold over time in constant memory: when the last bucket is passed, neighbours merge and the width doubles. */
export function createTimeline(): TimelineFold {
  let widthMs = FIRST_WIDTH_MS;
  const completed = new Float64Array(BUCKET_COUNT);
  const failed = new Float64Array(BUCKET_COUNT);
  const sumMs = new Float64Array(BUCKET_COUNT);
  const maxMs = new Float64Array(BUCKET_COUNT);

  function halve(): void {
    for (let i = 0; i < BUCKET_COUNT / 2; i++) {
      const [left, right] = [2 * i, 2 * i + 1];
      completed[i] = completed[left]! + completed[right]!;
      failed[i] = failed[left]! + failed[right]!;
      sumMs[i] = sumMs[left]! + sumMs[right]!;
      maxMs[i] = Math.max(maxMs[left]!, maxMs[right]!);
    }
    for (const values of [completed, failed, sumMs, maxMs]) values.fill(0, BUCKET_COUNT / 2);
    widthMs *= 2;
  }

  return {
    add(atMs, responseMs, isOk) {
      // The clocks of two processes may differ by a little: what seems to lie before the start belongs to it.
      const sinceStartMs = Math.max(0, atMs);
      let index = Math.floor(sinceStartMs / widthMs);
      while (index >= BUCKET_COUNT) {
        halve();
        index = Math.floor(sinceStartMs / widthMs);
      }
      if (!isOk) {
        failed[index] = failed[index]! + 1;
        return;
      }
      completed[index] = completed[index]! + 1;
      sumMs[index] = sumMs[index]! + responseMs;
      if (responseMs > maxMs[index]!) maxMs[index] = responseMs;
    },
    finish() {
      const buckets: Timeline['buckets'] = [];
      for (let i = 0; i < BUCKET_COUNT; i++) {
        if (completed[i] === 0 && failed[i] === 0) continue;
        buckets.push({
          atMs: i * widthMs,
          completed: completed[i]!,
          failed: failed[i]!,
          meanUs: completed[i] === 0 ? 0 : (sumMs[i]! / completed[i]!) * 1_000,
          maxUs: maxMs[i]! * 1_000,
        });
      }
      return { widthMs, buckets };
    },
  };
}

// From whole answers as clients tell them, and which statuses are good. Out: each judged, and how many there were of each status.

interface StatusFold {
  /** A client tells the status of an answer; whether that is a good one, the scenario says. */
  judge(exchange: Exchange): void;
  /** Of a recorded window. */
  add(exchange: Exchange): void;
  finish(): Record<string, number>;
}

const LEAST_STATUS = 100;

function createStatusFold(expected: readonly ExpectedStatus[]): StatusFold {
  const isExpected = expectedTable(expected);
  /** By status; at 0 those that a client does not tell. */
  const counts = new Uint32Array(STATUS_END);
  return {
    judge(exchange) {
      const { status, outcome } = exchange;
      if (status === 0) return;
      if (outcome === 'ok' && isExpected[status] !== 1) {
        exchange.outcome = 'badStatus';
        exchange.error = `status ${status}`;
      } else if (outcome === 'badStatus' && isExpected[status] === 1) {
        // It threw on a status that is expected.
        exchange.outcome = 'ok';
        exchange.error = undefined;
      }
    },
    add({ status, outcome }) {
      if (outcome === 'ok' || outcome === 'badStatus') counts[status]!++;
    },
    finish() {
      return Object.fromEntries(
        [...counts.entries()].filter(([status, count]) => status >= LEAST_STATUS && count > 0),
      );
    },
  };
}

// From the requests of one window, as each comes to its end. Out: their counts, mean and longest time, and the users' time.

interface WindowFoldCounts {
  completed: number;
  failed: number;
  censored: number;
  ended: number;
  userMs: number | null;
  meanUs: number;
  /** Of those that ended. */
  longestMs: number;
}

type Paused = Pick<Exchange, 'idleMs'>;

/**
 * A user of a closed load is either waiting for an answer or pausing before the next request. The pause before each request
 * is measured, not taken from the scenario: timers are late, and a client may call back late. Of the first request of a
 * user there is no pause to measure, so it is given the mean of the others.
 */
function createWindowFold() {
  let completed = 0;
  let failed = 0;
  let censored = 0;
  let ended = 0;
  let sumMs = 0;
  let longestMs = 0;
  let spentMs = 0;
  let idleMs = 0;
  let idleCount = 0;
  let began = 0;

  function addUserTime(spent: number, { idleMs: idle }: Paused): void {
    began++;
    spentMs += spent;
    if (Number.isNaN(idle)) return;
    idleMs += idle;
    idleCount++;
  }

  return {
    clear(): void {
      completed = failed = censored = ended = began = idleCount = 0;
      sumMs = longestMs = spentMs = idleMs = 0;
    },
    /** An exchange has ended within the window, whenever it began. */
    addEnded(): void {
      ended++;
    },
    addCompleted(responseMs: number, exchange: Exchange): void {
      completed++;
      sumMs += responseMs;
      if (responseMs > longestMs) longestMs = responseMs;
      addUserTime(exchange.endedAtMs - exchange.startedAtMs, exchange);
    },
    addFailed(responseMs: number, exchange: Exchange): void {
      failed++;
      if (responseMs > longestMs) longestMs = responseMs;
      addUserTime(exchange.endedAtMs - exchange.startedAtMs, exchange);
    },
    /** @param isFailure whether it counts as a request without an answer, not as one that was only cut short */
    addCensored(waitedMs: number, spent: number, exchange: Paused, isFailure: boolean): void {
      censored++;
      if (isFailure) failed++;
      sumMs += waitedMs;
      addUserTime(spent, exchange);
    },
    counts(): WindowFoldCounts {
      const timed = completed + censored;
      return {
        completed,
        failed,
        censored,
        ended,
        userMs: idleCount === 0 ? null : spentMs + (idleMs / idleCount) * began,
        meanUs: timed === 0 ? 0 : (sumMs / timed) * 1_000,
        longestMs,
      };
    },
  };
}

/** Of one window: what became of the requests that belong to it. */
interface WindowCounts extends WindowFoldCounts {
  /** Of a probe only, else null. */
  p50Us: number | null;
  p99Us: number | null;
}

/** What is kept of the failures of one kind. */
interface Failures {
  count: number;
  sumMs: number;
  maxMs: number;
  /** Error text of the first. */
  sample: string | undefined;
}

type Recorded = Omit<
  GeneratorReading,
  'sent' | 'unfinished' | 'lateness' | 'arrivals' | 'caveats' | 'opened' | 'openedElsewhere' | 'pool'
>;

export interface Recorder extends ExchangeSink {
  windowCounts(): WindowCounts;
  /** Exchanges ended and connections opened so far, warm-up, ramp and drain included. */
  readonly ended: number;
  readonly opened: number;
  finish(): Recorded;
}

interface RecorderOptions {
  /** Whether wait, first byte and body of each request are recorded: three histogram records less without. */
  hasPhases?: boolean;
  /** Statuses of good answers. */
  expectStatus?: readonly ExpectedStatus[];
}

export function createRecorder({
  hasPhases = true,
  expectStatus = DEFAULT_EXPECTED,
}: RecorderOptions = {}): Recorder {
  const response = createLatencyRecorder();
  const service = createLatencyRecorder();
  const wait = createLatencyRecorder();
  const firstByte = createLatencyRecorder();
  const body = createLatencyRecorder();
  const connect = createLatencyRecorder();
  const tls = createLatencyRecorder();
  const timeline = createTimeline();
  const failures = new Map<Outcome, Failures>();
  const statuses = createStatusFold(expectStatus);
  const fold = createWindowFold();
  let window: Window = { openAtMs: Infinity, closeAtMs: -Infinity, originMs: 0, isRecorded: false };
  let answered = 0;
  let failed = 0;
  let opened = 0;
  let handshakesFull = 0;
  let handshakesResumed = 0;
  let completedRecorded = 0;
  let failedRecorded = 0;
  let endedRecorded = 0;
  let bytesRecorded = 0;
  let censored: Censored | null = null;
  let probe: LatencyRecorder | undefined;

  function recordFailure(belongsAtMs: number, outcome: Outcome, spentMs: number, error?: string): void {
    failedRecorded++;
    const seen = failures.get(outcome);
    if (seen === undefined) {
      failures.set(outcome, { count: 1, sumMs: spentMs, maxMs: spentMs, sample: error });
    } else {
      seen.count++;
      seen.sumMs += spentMs;
      seen.maxMs = Math.max(seen.maxMs, spentMs);
    }
    timeline.add(belongsAtMs - window.originMs, spentMs, false);
  }

  function addFailure(exchange: Exchange, belongsAtMs: number, isInWindow: boolean): void {
    failed++;
    if (!isInWindow) return;
    const spentMs = exchange.endedAtMs - firstClockMs(exchange);
    fold.addFailed(spentMs, exchange);
    if (!window.isRecorded) return;
    statuses.add(exchange);
    recordFailure(belongsAtMs, exchange.outcome, spentMs, exchange.error);
  }

  /** A client that does not tell a time leaves NaN: there is nothing to record then. */
  function addPhases({ startedAtMs, writtenAtMs, headersAtMs, endedAtMs }: Exchange): void {
    if (!Number.isNaN(writtenAtMs)) wait.recordUs((writtenAtMs - startedAtMs) * 1_000);
    const firstByteMs = headersAtMs - writtenAtMs;
    if (!Number.isNaN(firstByteMs)) firstByte.recordUs(firstByteMs * 1_000);
    if (!Number.isNaN(headersAtMs)) body.recordUs((endedAtMs - headersAtMs) * 1_000);
  }

  const addPhasesIfAny = hasPhases ? addPhases : () => {};

  function isOpen(): boolean {
    if (!window.isRecorded) return false;
    const nowMs = performance.now();
    return nowMs >= window.openAtMs && nowMs < window.closeAtMs;
  }

  function outcomes(): Measurement['outcomes'] {
    return {
      ...Object.fromEntries(
        [...failures].map(([outcome, { count, sumMs, maxMs, sample }]) => [
          outcome,
          {
            count,
            ...(sample === undefined ? {} : { sample }),
            meanUs: (sumMs / count) * 1_000,
            maxUs: maxMs * 1_000,
          },
        ]),
      ),
      ...(completedRecorded === 0 ? {} : { ok: { count: completedRecorded } }),
    };
  }

  function isWithin(atMs: number): boolean {
    return atMs >= window.openAtMs && atMs < window.closeAtMs;
  }

  return {
    openWindow(next) {
      window = next;
      fold.clear();
      probe?.close();
      probe = next.isProbe ? createLatencyRecorder() : undefined;
    },
    add(exchange, belongsAtMs) {
      const { endedAtMs } = exchange;
      statuses.judge(exchange);
      if (isWithin(endedAtMs)) {
        fold.addEnded();
        if (window.isRecorded) endedRecorded++;
      }
      const isInWindow = isWithin(belongsAtMs);
      if (exchange.outcome !== 'ok') {
        addFailure(exchange, belongsAtMs, isInWindow);
        return;
      }
      answered++;
      if (!isInWindow) return;
      const responseMs = endedAtMs - firstClockMs(exchange);
      fold.addCompleted(responseMs, exchange);
      if (!window.isRecorded) {
        probe?.recordUs(responseMs * 1_000);
        return;
      }
      completedRecorded++;
      statuses.add(exchange);
      bytesRecorded += exchange.bodyBytes;
      response.recordUs(responseMs * 1_000);
      service.recordUs((endedAtMs - exchange.startedAtMs) * 1_000);
      addPhasesIfAny(exchange);
      timeline.add(belongsAtMs - window.originMs, responseMs, true);
    },
    addCensored(exchange, belongsAtMs, { nowMs, error }) {
      if (!isWithin(belongsAtMs)) return;
      const isSent = !Number.isNaN(exchange.startedAtMs);
      const waitedMs = nowMs - (isSent ? firstClockMs(exchange) : exchange.intendedAtMs);
      const spentMs = isSent ? nowMs - exchange.startedAtMs : 0;
      fold.addCensored(waitedMs, spentMs, exchange, error !== undefined);
      if (!window.isRecorded) {
        probe?.recordUs(waitedMs * 1_000);
        return;
      }
      const waitedUs = waitedMs * 1_000;
      censored =
        censored === null
          ? { count: 1, leastUs: waitedUs }
          : { count: censored.count + 1, leastUs: Math.min(censored.leastUs, waitedUs) };
      response.recordUs(waitedUs);
      if (isSent) service.recordUs(spentMs * 1_000);
      if (error !== undefined) recordFailure(belongsAtMs, 'noAnswer', waitedMs, error);
    },
    addConnection({ connectMs, tlsMs, isResumed }) {
      opened++;
      const isTls = !Number.isNaN(tlsMs);
      if (isTls && isResumed) handshakesResumed++;
      else if (isTls) handshakesFull++;
      if (!isOpen()) return;
      if (!Number.isNaN(connectMs)) connect.recordUs(connectMs * 1_000);
      if (isTls) tls.recordUs(tlsMs * 1_000);
    },
    windowCounts() {
      const { p50Us, p99Us } = probe?.summary() ?? { p50Us: null, p99Us: null };
      return { ...fold.counts(), p50Us, p99Us };
    },
    get ended() {
      return answered + failed;
    },
    get opened() {
      return opened;
    },
    finish() {
      return {
        answered,
        failed,
        handshakesFull,
        handshakesResumed,
        completedRecorded,
        failedRecorded,
        endedRecorded,
        bytesRecorded,
        outcomes: outcomes(),
        statuses: statuses.finish(),
        censored,
        response: response.summary(),
        service: service.summary(),
        wait: wait.summary(),
        firstByte: firstByte.summary(),
        body: body.summary(),
        connect: connect.summary(),
        tls: tls.summary(),
        timeline: timeline.finish(),
      };
    },
  };
}

/** Where response time begins: when the request was to go, or when it went where that was a little earlier (open loads). */
function firstClockMs({ intendedAtMs, startedAtMs }: Pick<Exchange, 'intendedAtMs' | 'startedAtMs'>): number {
  return Math.min(intendedAtMs, startedAtMs);
}
