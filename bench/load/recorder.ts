// In: every exchange of a trial, as it ends. Out: its distributions, outcomes and timeline, in constant memory.
// The hot path: what can wait until `finish` is not done in `add`.
import { createLatencyRecorder, type LatencyRecorder } from '../../results/histogram.ts';
import type { Exchange, ExchangeSink, Window } from '../contracts.ts';
import type { GeneratorReading } from '../../servers/protocol.ts';
import { DEFAULT_EXPECTED, type ExpectedStatus } from '../core/statuses.ts';
import type { Censored, Measurement, Outcome } from '../../results/model/trial.ts';
import { createStatusFold } from './status-fold.ts';
import { createTimeline } from './timeline.ts';
import { createWindowFold, type WindowFoldCounts } from './window-fold.ts';

/** Of one window: what became of the requests that belong to it. */
export interface WindowCounts extends WindowFoldCounts {
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

export interface RecorderOptions {
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
