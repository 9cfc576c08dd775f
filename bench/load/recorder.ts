// In: every exchange of a trial, as it ends. Out: its distributions, outcomes and timeline, in constant memory.
// The hot path: what can wait until `finish` is not done in `add`.
import { createLatencyRecorder, type LatencyRecorder } from '../../results/histogram.ts';
import type { Exchange, ExchangeSink, Window } from '../core/contracts.ts';
import type { GeneratorReading } from '../core/protocol.ts';
import type { Outcome } from '../core/types.ts';
import { createTimeline } from './timeline.ts';

/** Counts of one window. */
export interface WindowCounts {
  completed: number;
  failed: number;
  meanUs: number;
  /** Of a probe only, else null. */
  p50Us: number | null;
  p99Us: number | null;
}

type Recorded = Omit<
  GeneratorReading,
  'sent' | 'unfinished' | 'lateness' | 'arrivals' | 'caveats' | 'opened' | 'pool'
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
}

export function createRecorder({ hasPhases = true }: RecorderOptions = {}): Recorder {
  const response = createLatencyRecorder();
  const service = createLatencyRecorder();
  const wait = createLatencyRecorder();
  const firstByte = createLatencyRecorder();
  const body = createLatencyRecorder();
  const connect = createLatencyRecorder();
  const tls = createLatencyRecorder();
  const timeline = createTimeline();
  const outcomes: Partial<Record<Outcome, { count: number; sample?: string }>> = {};
  let window: Window = { openAtMs: Infinity, closeAtMs: -Infinity, originMs: 0, isRecorded: false };
  let answered = 0;
  let failed = 0;
  let opened = 0;
  let handshakesFull = 0;
  let handshakesResumed = 0;
  let completedRecorded = 0;
  let failedRecorded = 0;
  let bytesRecorded = 0;
  let windowCompleted = 0;
  let windowFailed = 0;
  let windowSumMs = 0;
  let probe: LatencyRecorder | undefined;

  function addFailure(exchange: Exchange, belongsAtMs: number, isInWindow: boolean): void {
    const { outcome, error, endedAtMs } = exchange;
    failed++;
    if (!isInWindow) return;
    windowFailed++;
    if (!window.isRecorded) return;
    failedRecorded++;
    const seen = outcomes[outcome];
    if (seen === undefined)
      outcomes[outcome] = { count: 1, ...(error === undefined ? {} : { sample: error }) };
    else seen.count++;
    timeline.add(belongsAtMs - window.originMs, endedAtMs - firstClockMs(exchange), false);
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

  return {
    openWindow(next) {
      window = next;
      windowCompleted = 0;
      windowFailed = 0;
      windowSumMs = 0;
      probe?.close();
      probe = next.isProbe ? createLatencyRecorder() : undefined;
    },
    add(exchange, belongsAtMs = exchange.endedAtMs) {
      const { endedAtMs } = exchange;
      const isInWindow = belongsAtMs >= window.openAtMs && belongsAtMs < window.closeAtMs;
      if (exchange.outcome !== 'ok') {
        addFailure(exchange, belongsAtMs, isInWindow);
        return;
      }
      answered++;
      if (!isInWindow) return;
      const responseMs = endedAtMs - firstClockMs(exchange);
      windowCompleted++;
      windowSumMs += responseMs;
      if (!window.isRecorded) {
        probe?.recordUs(responseMs * 1_000);
        return;
      }
      completedRecorded++;
      bytesRecorded += exchange.bodyBytes;
      response.recordUs(responseMs * 1_000);
      service.recordUs((endedAtMs - exchange.startedAtMs) * 1_000);
      addPhasesIfAny(exchange);
      timeline.add(belongsAtMs - window.originMs, responseMs, true);
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
      return {
        completed: windowCompleted,
        failed: windowFailed,
        meanUs: windowCompleted === 0 ? 0 : (windowSumMs / windowCompleted) * 1_000,
        p50Us,
        p99Us,
      };
    },
    get ended() {
      return answered + failed;
    },
    get opened() {
      return opened;
    },
    finish() {
      if (completedRecorded > 0) outcomes.ok = { count: completedRecorded };
      return {
        answered,
        failed,
        handshakesFull,
        handshakesResumed,
        completedRecorded,
        failedRecorded,
        bytesRecorded,
        outcomes,
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
function firstClockMs({ intendedAtMs, startedAtMs }: Exchange): number {
  return Math.min(intendedAtMs, startedAtMs);
}
