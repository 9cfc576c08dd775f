// Folds every exchange of a trial into distributions, outcomes and a timeline, in constant memory.
// This is the hot path: work that can wait until `finish` is not done in `add`.
import { createLatencyRecorder } from '../../results/histogram.ts';
import type { Censored, Outcome } from '../../results/model/trial.ts';
import { DEFAULT_EXPECTED, type ExpectedStatus } from '../../scenarios/model/request-facts.ts';
import type { Exchange, ExchangeSink, OpenedConnection, Window } from '../contracts.ts';
import {
  addCensored,
  FailureFold,
  ProbeFold,
  RequestsFold,
  ResponseFold,
  StatusFold,
  TimelineFold,
  WindowFold,
} from './folds.ts';

/** What is recorded of each request or connection beside the response time. */
const TIMES = ['service', 'wait', 'firstByte', 'body', 'connect', 'tls'] as const;
type TimeName = (typeof TIMES)[number];

function forEachTime<Value>(read: (name: TimeName) => Value): Record<TimeName, Value> {
  return Object.fromEntries(TIMES.map(name => [name, read(name)])) as Record<TimeName, Value>;
}

/** What is known of the times of a window that is not a probe. */
const NO_PROBE = { p50Us: null, p99Us: null, connectUs: null, tlsUs: null };

interface RecorderOptions {
  /** Whether to record wait, first byte and body of each request; false saves three histogram records. */
  hasPhases?: boolean;
  /** Statuses that count as success. */
  expectStatus?: readonly ExpectedStatus[];
  /** Removes secrets from the text of an error. */
  redact?: (text: string) => string;
  /** Number of different requests; with one, figures of all requests are its figures. */
  requestCount?: number;
}

export class Recorder implements ExchangeSink {
  readonly #responses = new ResponseFold();
  /** Counts by request; undefined where there is only one. */
  readonly #requests: RequestsFold | undefined;
  readonly #times = forEachTime(createLatencyRecorder);
  readonly #timeline = new TimelineFold();
  readonly #failures = new FailureFold();
  /** Counts the last window. */
  #fold = new WindowFold();
  readonly #statuses: StatusFold;
  readonly #hasPhases: boolean;
  readonly #redact: (text: string) => string;
  #window: Window = {
    openAtMs: Infinity,
    closeAtMs: -Infinity,
    originMs: 0,
    isRecorded: false,
    isProbe: false,
  };
  #probe: ProbeFold | undefined;
  #answered = 0;
  #failed = 0;
  /** Failures by outcome, in warm-ups, ramps and drains too. */
  readonly #failedBy = new Map<Outcome, number>();
  #opened = 0;
  readonly #openedByOrigin: number[] = [];
  #handshakesFull = 0;
  #handshakesResumed = 0;
  #completedRecorded = 0;
  #endedRecorded = 0;
  #bytesRecorded = 0;
  #censored: Censored | null = null;

  constructor({
    hasPhases = true,
    expectStatus = DEFAULT_EXPECTED,
    redact = text => text,
    requestCount = 1,
  }: RecorderOptions = {}) {
    this.#requests = requestCount === 1 ? undefined : new RequestsFold(requestCount);
    this.#hasPhases = hasPhases;
    this.#redact = redact;
    this.#statuses = new StatusFold(expectStatus);
  }

  /** Exchanges ended so far, in warm-ups, ramps and drains too. */
  get ended(): number {
    return this.#answered + this.#failed;
  }

  /** Connections opened so far, in warm-ups, ramps and drains too. */
  get opened(): number {
    return this.#opened;
  }

  /** The same to one of several origins, by its index. */
  openedTo(origin: number): number {
    return this.#openedByOrigin[origin] ?? 0;
  }

  openWindow(window: Window): void {
    this.#window = window;
    this.#fold = new WindowFold();
    this.#probe?.close();
    this.#probe = window.isProbe ? new ProbeFold() : undefined;
  }

  add(exchange: Exchange, belongsAtMs: number): void {
    this.#statuses.judge(exchange);
    if (this.#isInWindow(exchange.endedAtMs)) {
      this.#fold.addEnded();
      if (this.#window.isRecorded) this.#endedRecorded++;
    }
    if (exchange.outcome === 'ok') this.#addAnswer(exchange, belongsAtMs);
    else this.#addFailure(exchange, belongsAtMs);
  }

  addCensored(
    exchange: Pick<Exchange, 'intendedAtMs' | 'startedAtMs' | 'idleMs' | 'request'>,
    belongsAtMs: number,
    { nowMs, error }: { nowMs: number; error: string | undefined },
  ): void {
    if (!this.#isInWindow(belongsAtMs)) return;
    const isSent = !Number.isNaN(exchange.startedAtMs);
    const waitedMs = nowMs - (isSent ? firstClockMs(exchange) : exchange.intendedAtMs);
    const spentMs = isSent ? nowMs - exchange.startedAtMs : 0;
    const waitedUs = waitedMs * 1_000;
    this.#fold.addCensored(waitedMs, spentMs, exchange, error !== undefined);
    if (!this.#window.isRecorded) {
      this.#probe?.response.recordUs(waitedUs);
      return;
    }
    this.#censored = addCensored(this.#censored, waitedUs);
    this.#responses.addCensored(waitedUs);
    this.#requests?.addCensored(exchange.request, waitedUs);
    if (isSent) this.#times.service.recordUs(spentMs * 1_000);
    if (error === undefined) return;
    this.#requests?.addFailed(exchange.request);
    this.#recordFailure(belongsAtMs, 'noAnswer', waitedMs, error);
  }

  /** Bound, because it is passed to clients as a callback. */
  readonly addConnection = ({ connectMs, tlsMs, isResumed, origin }: OpenedConnection): void => {
    this.#opened++;
    if (origin !== undefined) this.#openedByOrigin[origin] = (this.#openedByOrigin[origin] ?? 0) + 1;
    const isTls = !Number.isNaN(tlsMs);
    if (isTls && isResumed) this.#handshakesResumed++;
    else if (isTls) this.#handshakesFull++;
    if (!this.#isInWindow(performance.now())) return;
    const times = this.#window.isRecorded ? this.#times : this.#probe;
    if (!Number.isNaN(connectMs)) times?.connect.recordUs(connectMs * 1_000);
    if (isTls) times?.tls.recordUs(tlsMs * 1_000);
  };

  windowCounts() {
    return { ...this.#fold.counts(), ...(this.#probe?.counts() ?? NO_PROBE) };
  }

  finish() {
    const completedRecorded = this.#completedRecorded;
    return {
      answered: this.#answered,
      failed: this.#failed,
      failures: Object.fromEntries(this.#failedBy),
      handshakesFull: this.#handshakesFull,
      handshakesResumed: this.#handshakesResumed,
      completedRecorded,
      failedRecorded: this.#failures.count,
      endedRecorded: this.#endedRecorded,
      bytesRecorded: this.#bytesRecorded,
      outcomes: {
        ...this.#failures.finish(),
        ...(completedRecorded === 0 ? {} : { ok: { count: completedRecorded } }),
      },
      statuses: this.#statuses.finish(),
      censored: this.#censored,
      response: this.#responses.response(),
      responseByClass: this.#responses.byClass(),
      requests: this.#requests?.finish() ?? [],
      ...forEachTime(name => this.#times[name].summary()),
      timeline: this.#timeline.finish(),
    };
  }

  /** Frees the memory; nothing else may be called afterwards. A process that ends with its recorder need not. */
  close(): void {
    this.#responses.close();
    this.#requests?.close();
    for (const recorder of Object.values(this.#times)) recorder.close();
    this.#probe?.close();
  }

  #isInWindow(atMs: number): boolean {
    return atMs >= this.#window.openAtMs && atMs < this.#window.closeAtMs;
  }

  #addAnswer(exchange: Exchange, belongsAtMs: number): void {
    this.#answered++;
    if (!this.#isInWindow(belongsAtMs)) return;
    const responseMs = exchange.endedAtMs - firstClockMs(exchange);
    this.#fold.addCompleted(responseMs, exchange);
    if (!this.#window.isRecorded) {
      this.#probe?.response.recordUs(responseMs * 1_000);
      return;
    }
    this.#completedRecorded++;
    this.#statuses.add(exchange);
    this.#bytesRecorded += exchange.bodyBytes;
    this.#responses.addSucceeded(exchange.status, responseMs * 1_000);
    this.#requests?.addCompleted(exchange.request, responseMs * 1_000);
    this.#times.service.recordUs((exchange.endedAtMs - exchange.startedAtMs) * 1_000);
    if (this.#hasPhases) this.#addPhases(exchange);
    this.#timeline.addCompleted(belongsAtMs - this.#window.originMs, responseMs);
  }

  #addFailure(exchange: Exchange, belongsAtMs: number): void {
    const { outcome } = exchange;
    this.#failed++;
    this.#failedBy.set(outcome, (this.#failedBy.get(outcome) ?? 0) + 1);
    if (!this.#isInWindow(belongsAtMs)) return;
    const spentMs = exchange.endedAtMs - firstClockMs(exchange);
    this.#fold.addFailed(spentMs, exchange);
    if (!this.#window.isRecorded) return;
    this.#statuses.add(exchange);
    this.#requests?.addFailed(exchange.request);
    if (outcome === 'badStatus') this.#responses.addBadStatus(exchange.status, spentMs * 1_000);
    this.#recordFailure(belongsAtMs, outcome, spentMs, exchange.error);
  }

  #recordFailure(belongsAtMs: number, outcome: Outcome, spentMs: number, error: string | undefined): void {
    this.#failures.add(outcome, spentMs, error === undefined ? undefined : this.#redact(error));
    this.#timeline.addFailed(belongsAtMs - this.#window.originMs);
  }

  /** Times that a client does not report are NaN and not recorded. */
  #addPhases({ startedAtMs, writtenAtMs, headersAtMs, endedAtMs }: Exchange): void {
    if (!Number.isNaN(writtenAtMs)) this.#times.wait.recordUs((writtenAtMs - startedAtMs) * 1_000);
    const firstByteMs = headersAtMs - writtenAtMs;
    if (!Number.isNaN(firstByteMs)) this.#times.firstByte.recordUs(firstByteMs * 1_000);
    if (!Number.isNaN(headersAtMs)) this.#times.body.recordUs((endedAtMs - headersAtMs) * 1_000);
  }
}

/** Start of the response time: when the request was due, or when it was sent if that was slightly earlier (open loads). */
function firstClockMs({ intendedAtMs, startedAtMs }: Pick<Exchange, 'intendedAtMs' | 'startedAtMs'>): number {
  return Math.min(intendedAtMs, startedAtMs);
}
