// Folds every exchange of a trial into distributions, outcomes and a timeline, in constant memory.
// This is the hot path: work that can wait until `finish` is not done in `add`.
import {
  createLatencyRecorder,
  type LatencyRecorder,
  meanOfTicks,
  ticksOf,
} from '../../results/histogram.ts';
import type { Censored, Histogram, Measurement, Outcome, Timeline } from '../../results/model/trial.ts';
import {
  DEFAULT_EXPECTED,
  type ExpectedStatus,
  expectedTable,
  STATUS_END,
} from '../../scenarios/model/request-facts.ts';
import type { Exchange, ExchangeSink, OpenedConnection, Window } from '../contracts.ts';
import type { GeneratorReading } from '../protocol.ts';
import { type RecordedRequest, RequestsFold, ResponseFold } from './response-folds.ts';

const BUCKET_COUNT = 256;
const FIRST_WIDTH_MS = 1_000;

/** A fold over time in constant memory: when time passes the last bucket, neighbours merge and the width doubles. */
export class TimelineFold {
  readonly #completed = new Float64Array(BUCKET_COUNT);
  readonly #failed = new Float64Array(BUCKET_COUNT);
  readonly #sumTicks = new Float64Array(BUCKET_COUNT);
  readonly #maxMs = new Float64Array(BUCKET_COUNT);
  #widthMs = FIRST_WIDTH_MS;

  /** @param atMs since the start of the replicate */
  addCompleted(atMs: number, responseMs: number): void {
    const index = this.#indexAt(atMs);
    this.#completed[index]!++;
    this.#sumTicks[index]! += ticksOf(responseMs * 1_000);
    if (responseMs > this.#maxMs[index]!) this.#maxMs[index] = responseMs;
  }

  /** @param atMs since the start of the replicate */
  addFailed(atMs: number): void {
    this.#failed[this.#indexAt(atMs)]!++;
  }

  finish(): Timeline {
    const buckets: Timeline['buckets'] = [];
    for (let i = 0; i < BUCKET_COUNT; i++) {
      const completed = this.#completed[i]!;
      const failed = this.#failed[i]!;
      if (completed === 0 && failed === 0) continue;
      buckets.push({
        atMs: i * this.#widthMs,
        completed,
        failed,
        meanUs: meanOfTicks(this.#sumTicks[i]!, completed),
        maxUs: this.#maxMs[i]! * 1_000,
      });
    }
    return { widthMs: this.#widthMs, buckets };
  }

  #indexAt(atMs: number): number {
    // The clocks of two processes may differ slightly: times that seem to lie before the start belong to it.
    const sinceStartMs = Math.max(0, atMs);
    let index = Math.floor(sinceStartMs / this.#widthMs);
    while (index >= BUCKET_COUNT) {
      this.#halve();
      index = Math.floor(sinceStartMs / this.#widthMs);
    }
    return index;
  }

  #halve(): void {
    for (let i = 0; i < BUCKET_COUNT / 2; i++) {
      const [left, right] = [2 * i, 2 * i + 1];
      for (const sums of [this.#completed, this.#failed, this.#sumTicks])
        sums[i] = sums[left]! + sums[right]!;
      this.#maxMs[i] = Math.max(this.#maxMs[left]!, this.#maxMs[right]!);
    }
    for (const values of [this.#completed, this.#failed, this.#sumTicks, this.#maxMs]) {
      values.fill(0, BUCKET_COUNT / 2);
    }
    this.#widthMs *= 2;
  }
}

const LEAST_STATUS = 100;

/** Judges responses by their status, and counts each status. */
class StatusFold {
  readonly #isExpected: ReturnType<typeof expectedTable>;
  /** By status; at 0 the responses without a reported status. */
  readonly #counts = new Uint32Array(STATUS_END);

  constructor(expected: readonly ExpectedStatus[]) {
    this.#isExpected = expectedTable(expected);
  }

  /** A client reports the status of a response; the scenario decides whether it is a success. */
  judge(exchange: Exchange): void {
    const { status, outcome } = exchange;
    if (status === 0) return;
    if (outcome === 'ok' && this.#isExpected[status] !== 1) {
      exchange.outcome = 'badStatus';
      exchange.error = `status ${status}`;
    } else if (outcome === 'badStatus' && this.#isExpected[status] === 1) {
      // The client threw on a status that is expected.
      exchange.outcome = 'ok';
      exchange.error = undefined;
    }
  }

  /** Counts a response of a recorded window. */
  add({ status, outcome }: Exchange): void {
    if (outcome === 'ok' || outcome === 'badStatus') this.#counts[status]!++;
  }

  finish(): Record<string, number> {
    return Object.fromEntries(
      [...this.#counts.entries()].filter(([status, count]) => status >= LEAST_STATUS && count > 0),
    );
  }
}

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
 * The requests of one window: counts, mean and longest time, and the time of their users.
 *
 * A user of a closed load either waits for an answer or pauses before the next request. The pause before each request is
 * measured, not taken from the scenario, because timers are late and a client may call back late. The pause before the first
 * request of a user cannot be measured, so it is taken to be the mean of the others.
 */
class WindowFold {
  #completed = 0;
  #failed = 0;
  #censored = 0;
  #ended = 0;
  #sumTicks = 0;
  #longestMs = 0;
  #spentMs = 0;
  #idleMs = 0;
  #idleCount = 0;
  #began = 0;

  clear(): void {
    this.#completed = this.#failed = this.#censored = this.#ended = this.#began = this.#idleCount = 0;
    this.#sumTicks = this.#longestMs = this.#spentMs = this.#idleMs = 0;
  }

  /** Counts an exchange that ended within the window, whenever it began. */
  addEnded(): void {
    this.#ended++;
  }

  addCompleted(responseMs: number, exchange: Exchange): void {
    this.#completed++;
    this.#sumTicks += ticksOf(responseMs * 1_000);
    if (responseMs > this.#longestMs) this.#longestMs = responseMs;
    this.#addUserTime(exchange.endedAtMs - exchange.startedAtMs, exchange);
  }

  addFailed(responseMs: number, exchange: Exchange): void {
    this.#failed++;
    if (responseMs > this.#longestMs) this.#longestMs = responseMs;
    this.#addUserTime(exchange.endedAtMs - exchange.startedAtMs, exchange);
  }

  /** @param isFailure whether it counts as a request without an answer, not as one that was only cut short */
  addCensored(waitedMs: number, spentMs: number, exchange: Paused, isFailure: boolean): void {
    this.#censored++;
    if (isFailure) this.#failed++;
    this.#sumTicks += ticksOf(waitedMs * 1_000);
    this.#addUserTime(spentMs, exchange);
  }

  counts(): WindowFoldCounts {
    const idleCount = this.#idleCount;
    return {
      completed: this.#completed,
      failed: this.#failed,
      censored: this.#censored,
      ended: this.#ended,
      userMs: idleCount === 0 ? null : this.#spentMs + (this.#idleMs / idleCount) * this.#began,
      meanUs: meanOfTicks(this.#sumTicks, this.#completed + this.#censored),
      longestMs: this.#longestMs,
    };
  }

  #addUserTime(spentMs: number, { idleMs }: Paused): void {
    this.#began++;
    this.#spentMs += spentMs;
    if (Number.isNaN(idleMs)) return;
    this.#idleMs += idleMs;
    this.#idleCount++;
  }
}

/** Failures of one kind. */
interface Failures {
  count: number;
  sumTicks: number;
  maxMs: number;
  /** Error text of the first. */
  sample: string | undefined;
}

/** Counts failures by kind. */
class FailureFold {
  readonly #byOutcome = new Map<Outcome, Failures>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(outcome: Outcome, spentMs: number, error: string | undefined): void {
    this.#count++;
    const sumTicks = ticksOf(spentMs * 1_000);
    const seen = this.#byOutcome.get(outcome);
    if (seen === undefined) {
      this.#byOutcome.set(outcome, { count: 1, sumTicks, maxMs: spentMs, sample: error });
      return;
    }
    seen.count++;
    seen.sumTicks += sumTicks;
    seen.maxMs = Math.max(seen.maxMs, spentMs);
  }

  finish(): Measurement['outcomes'] {
    return Object.fromEntries(
      [...this.#byOutcome].map(([outcome, { count, sumTicks, maxMs, sample }]) => [
        outcome,
        {
          count,
          ...(sample === undefined ? {} : { sample }),
          meanUs: meanOfTicks(sumTicks, count),
          maxUs: maxMs * 1_000,
        },
      ]),
    );
  }
}

/** Counts of one window. */
interface WindowCounts extends WindowFoldCounts {
  /** null unless the window is a probe. */
  p50Us: number | null;
  p99Us: number | null;
  /** The distribution that they are quantiles of; absent unless the window is a probe. */
  probe?: Histogram;
  connectUs: number | null;
  tlsUs: number | null;
}

/** What is known of the times of one window, if it is a probe. */
class ProbeFold {
  readonly response = createLatencyRecorder();
  readonly connect = createLatencyRecorder();
  readonly tls = createLatencyRecorder();

  counts(): Pick<WindowCounts, 'p50Us' | 'p99Us' | 'probe' | 'connectUs' | 'tlsUs'> {
    const probe = this.response.summary();
    const { p50Us, p99Us } = probe;
    return { p50Us, p99Us, probe, connectUs: medianOf(this.connect), tlsUs: medianOf(this.tls) };
  }

  close(): void {
    for (const recorder of [this.response, this.connect, this.tls]) recorder.close();
  }
}

function medianOf(recorder: LatencyRecorder): number | null {
  const { count, p50Us } = recorder.summary();
  return count === 0 ? null : p50Us;
}

const NO_PROBE = { p50Us: null, p99Us: null, connectUs: null, tlsUs: null };

type Recorded = Omit<
  GeneratorReading,
  | 'requests'
  | 'sent'
  | 'unfinished'
  | 'lateness'
  | 'arrivals'
  | 'caveats'
  | 'opened'
  | 'openedElsewhere'
  | 'origins'
  | 'leftOpen'
  | 'pool'
> & {
  /** Empty where there is one request. */
  requests: RecordedRequest[];
};

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

export function createRecorder(options: RecorderOptions = {}): Recorder {
  return new Recorder(options);
}

export class Recorder implements ExchangeSink {
  readonly #responses = new ResponseFold();
  /** Where there are several requests. */
  readonly #requests: RequestsFold | undefined;
  readonly #service = createLatencyRecorder();
  readonly #wait = createLatencyRecorder();
  readonly #firstByte = createLatencyRecorder();
  readonly #body = createLatencyRecorder();
  readonly #connect = createLatencyRecorder();
  readonly #tls = createLatencyRecorder();
  readonly #timeline = new TimelineFold();
  readonly #failures = new FailureFold();
  readonly #fold = new WindowFold();
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
  /** Of all that failed, in warm-ups, ramps and drains too. */
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
  }: RecorderOptions) {
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

  /** Of these, the ones to one of several origins, by index. */
  openedTo(origin: number): number {
    return this.#openedByOrigin[origin] ?? 0;
  }

  openWindow(window: Window): void {
    this.#window = window;
    this.#fold.clear();
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
    const { count, leastUs } = this.#censored ?? { count: 0, leastUs: Infinity };
    this.#censored = { count: count + 1, leastUs: Math.min(leastUs, waitedUs) };
    this.#responses.addCensored(waitedUs);
    this.#requests?.addCensored(exchange.request, waitedUs);
    if (isSent) this.#service.recordUs(spentMs * 1_000);
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
    const { connect, tls } = this.#window.isRecorded
      ? { connect: this.#connect, tls: this.#tls }
      : (this.#probe ?? {});
    if (!Number.isNaN(connectMs)) connect?.recordUs(connectMs * 1_000);
    if (isTls) tls?.recordUs(tlsMs * 1_000);
  };

  windowCounts(): WindowCounts {
    return { ...this.#fold.counts(), ...(this.#probe?.counts() ?? NO_PROBE) };
  }

  finish(): Recorded {
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
      service: this.#service.summary(),
      wait: this.#wait.summary(),
      firstByte: this.#firstByte.summary(),
      body: this.#body.summary(),
      connect: this.#connect.summary(),
      tls: this.#tls.summary(),
      timeline: this.#timeline.finish(),
    };
  }

  /** Frees the memory; nothing else may be called afterwards. A process that ends with its recorder need not. */
  close(): void {
    this.#responses.close();
    this.#requests?.close();
    for (const histogram of [
      this.#service,
      this.#wait,
      this.#firstByte,
      this.#body,
      this.#connect,
      this.#tls,
    ]) {
      histogram.close();
    }
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
    this.#service.recordUs((exchange.endedAtMs - exchange.startedAtMs) * 1_000);
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
    if (!Number.isNaN(writtenAtMs)) this.#wait.recordUs((writtenAtMs - startedAtMs) * 1_000);
    const firstByteMs = headersAtMs - writtenAtMs;
    if (!Number.isNaN(firstByteMs)) this.#firstByte.recordUs(firstByteMs * 1_000);
    if (!Number.isNaN(headersAtMs)) this.#body.recordUs((endedAtMs - headersAtMs) * 1_000);
  }
}

/** Start of the response time: when the request was due, or when it was sent if that was slightly earlier (open loads). */
function firstClockMs({ intendedAtMs, startedAtMs }: Pick<Exchange, 'intendedAtMs' | 'startedAtMs'>): number {
  return Math.min(intendedAtMs, startedAtMs);
}
