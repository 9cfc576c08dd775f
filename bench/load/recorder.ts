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
}

type Recorded = Omit<GeneratorReading, 'sent' | 'unfinished' | 'arrivals' | 'caveats' | 'opened'>;

export interface Recorder extends ExchangeSink {
  windowCounts(): WindowCounts;
  /** Exchanges ended and connections opened so far, warm-up, ramp and drain included. */
  readonly ended: number;
  readonly opened: number;
  finish(): Recorded;
}

/** A client that does not tell a time leaves NaN: there is nothing to record then. */
function addKnown(phase: LatencyRecorder, ms: number): void {
  if (!Number.isNaN(ms)) phase.recordUs(ms * 1_000);
}

export function createRecorder(): Recorder {
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

  function addFailure({ outcome, error, endedAtMs, intendedAtMs }: Exchange, isInWindow: boolean): void {
    failed++;
    if (!isInWindow) return;
    windowFailed++;
    if (!window.isRecorded) return;
    failedRecorded++;
    const seen = outcomes[outcome];
    if (seen === undefined)
      outcomes[outcome] = { count: 1, ...(error === undefined ? {} : { sample: error }) };
    else seen.count++;
    timeline.add(endedAtMs - window.originMs, endedAtMs - intendedAtMs, false);
  }

  return {
    openWindow(next) {
      window = next;
      windowCompleted = 0;
      windowFailed = 0;
      windowSumMs = 0;
    },
    add(exchange) {
      const { endedAtMs } = exchange;
      const isInWindow = endedAtMs >= window.openAtMs && endedAtMs < window.closeAtMs;
      if (exchange.outcome !== 'ok') {
        addFailure(exchange, isInWindow);
        return;
      }
      answered++;
      if (!isInWindow) return;
      const responseMs = endedAtMs - exchange.intendedAtMs;
      windowCompleted++;
      windowSumMs += responseMs;
      if (!window.isRecorded) return;
      completedRecorded++;
      bytesRecorded += exchange.bodyBytes;
      response.recordUs(responseMs * 1_000);
      service.recordUs((endedAtMs - exchange.startedAtMs) * 1_000);
      addKnown(wait, exchange.writtenAtMs - exchange.startedAtMs);
      addKnown(firstByte, exchange.headersAtMs - exchange.writtenAtMs);
      addKnown(body, endedAtMs - exchange.headersAtMs);
      timeline.add(endedAtMs - window.originMs, responseMs, true);
    },
    addConnection({ connectMs, tlsMs, isResumed }) {
      opened++;
      const isTls = !Number.isNaN(tlsMs);
      if (isTls && isResumed) handshakesResumed++;
      else if (isTls) handshakesFull++;
      if (!window.isRecorded) return;
      addKnown(connect, connectMs);
      if (isTls) tls.recordUs(tlsMs * 1_000);
    },
    windowCounts: () => ({
      completed: windowCompleted,
      failed: windowFailed,
      meanUs: windowCompleted === 0 ? 0 : (windowSumMs / windowCompleted) * 1_000,
    }),
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
        lateness: null,
        timeline: timeline.finish(),
      };
    },
  };
}
