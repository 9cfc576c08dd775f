// The parts of what a generator records: each folds one kind of figure in constant memory.
import {
  createLatencyRecorder,
  type LatencyRecorder,
  meanOfTicks,
  mergeHistograms,
  ticksOf,
} from '../../results/histogram.ts';
import type {
  Attempts,
  Censored,
  Histogram,
  Measurement,
  Outcome,
  RequestFigures,
  StatusClass,
  Timeline,
} from '../../results/model/trial.ts';
import { type ExpectedStatus, expectedTable, STATUS_END } from '../../scenarios/model/request-facts.ts';
import type { AttemptSink, Exchange } from '../contracts.ts';

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

/** The scenario decides which responses are a success; those without a status are judged by the client. */
function judge(outcome: Outcome, status: number, isExpected: ReturnType<typeof expectedTable>): Outcome {
  const isResponse = outcome === 'ok' || outcome === 'badStatus';
  if (!isResponse || status === 0) return outcome;
  return isExpected[status] === 1 ? 'ok' : 'badStatus';
}

const MIN_STATUS = 100;

/** Judges responses by their status, and counts each status. */
export class StatusFold {
  readonly #isExpected: ReturnType<typeof expectedTable>;
  /** By status; at 0 the responses without a reported status. */
  readonly #counts = new Uint32Array(STATUS_END);

  constructor(expected: readonly ExpectedStatus[]) {
    this.#isExpected = expectedTable(expected);
  }

  judge(exchange: Exchange): void {
    const outcome = judge(exchange.outcome, exchange.status, this.#isExpected);
    if (outcome === exchange.outcome) return;
    exchange.outcome = outcome;
    exchange.error = outcome === 'ok' ? undefined : `status ${exchange.status}`;
  }

  /** Counts a response of a recorded window. */
  add({ status, outcome }: Exchange): void {
    if (outcome === 'ok' || outcome === 'badStatus') this.#counts[status]!++;
  }

  finish(): Record<string, number> {
    return Object.fromEntries(
      [...this.#counts.entries()].filter(([status, count]) => status >= MIN_STATUS && count > 0),
    );
  }
}

type Paused = Pick<Exchange, 'idleMs'>;

/**
 * The requests of one window: counts, mean and longest time, and the time of their users.
 *
 * A user of a closed load either waits for an answer or pauses before the next request. The pause before each request is
 * measured, not taken from the scenario, because timers are late and a client may call back late. The pause before the first
 * request of a user cannot be measured, so it is taken to be the mean of the others.
 */
export class WindowFold {
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

  /** Counts an exchange that ended within the window, whenever it began. */
  addEnded(): void {
    this.#ended++;
  }

  addCompleted(responseMs: number, exchange: Exchange): void {
    this.#completed++;
    this.#sumTicks += ticksOf(responseMs * 1_000);
    this.#addTimes(responseMs, exchange);
  }

  addFailed(responseMs: number, exchange: Exchange): void {
    this.#failed++;
    this.#addTimes(responseMs, exchange);
  }

  /** @param isFailure whether it counts as a request without an answer, not as one that was only cut short */
  addCensored(waitedMs: number, spentMs: number, exchange: Paused, isFailure: boolean): void {
    this.#censored++;
    if (isFailure) this.#failed++;
    this.#sumTicks += ticksOf(waitedMs * 1_000);
    this.#addUserTime(spentMs, exchange);
  }

  counts() {
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

  #addTimes(responseMs: number, exchange: Exchange): void {
    if (responseMs > this.#longestMs) this.#longestMs = responseMs;
    this.#addUserTime(exchange.endedAtMs - exchange.startedAtMs, exchange);
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
export class FailureFold {
  count = 0;
  readonly #byOutcome = new Map<Outcome, Failures>();

  add(outcome: Outcome, spentMs: number, error: string | undefined): void {
    this.count++;
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

/** What is known of the times of one window, if it is a probe. */
export class ProbeFold {
  readonly response = createLatencyRecorder();
  readonly connect = createLatencyRecorder();
  readonly tls = createLatencyRecorder();

  counts() {
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

/**
 * Each time is recorded once: in the distribution of its class, or in that of requests without an answer. All of them
 * together are merged at the end, exactly.
 */
export class ResponseFold {
  readonly #succeeded: (LatencyRecorder | undefined)[] = [];
  readonly #failed: (LatencyRecorder | undefined)[] = [];
  readonly #censored = createLatencyRecorder();

  addSucceeded(status: number, us: number): void {
    recorderOf(this.#succeeded, status).recordUs(us);
  }

  /** A whole response with a bad status. */
  addBadStatus(status: number, us: number): void {
    recorderOf(this.#failed, status).recordUs(us);
  }

  addCensored(us: number): void {
    this.#censored.recordUs(us);
  }

  /** Times of all that succeeded, and lower bounds of those without an answer. */
  response(): Histogram {
    return mergeHistograms([...summaries(this.#succeeded), this.#censored.summary()]);
  }

  /** Times of whole responses, good or not, by the class of their status. */
  byClass(): Partial<Record<StatusClass, Histogram>> {
    const digits = [2, 3, 4, 5].filter(
      digit => this.#succeeded[digit] !== undefined || this.#failed[digit] !== undefined,
    );
    return Object.fromEntries(
      digits.map(digit => [
        `${digit}xx`,
        mergeHistograms(summaries([this.#succeeded[digit], this.#failed[digit]])),
      ]),
    );
  }

  close(): void {
    for (const recorder of [...this.#succeeded, ...this.#failed, this.#censored]) recorder?.close();
  }
}

/** By the first digit of the status; 0: it was not reported. */
function recorderOf(recorders: (LatencyRecorder | undefined)[], status: number): LatencyRecorder {
  const digit = (status / 100) | 0;
  const place = digit > 0 && digit < 10 ? digit : 0;
  recorders[place] ??= createLatencyRecorder();
  return recorders[place];
}

function summaries(recorders: readonly (LatencyRecorder | undefined)[]): Histogram[] {
  return recorders.flatMap(recorder => recorder?.summary() ?? []);
}

/** @param us for which a request has had no answer */
export function addCensored(censored: Censored | null, us: number): Censored {
  const { count, leastUs } = censored ?? { count: 0, leastUs: Infinity };
  return { count: count + 1, leastUs: Math.min(leastUs, us) };
}

/** The figures of one of several requests, in the recorded windows. */
class NamedFold {
  readonly response = createLatencyRecorder();
  completed = 0;
  failed = 0;
  censored: Censored | null = null;
}

/** What the recorder knows of a request: all but its name and how often it was sent. */
type RecordedRequest = Omit<RequestFigures, 'name' | 'sent'>;

/** Folds the requests of a scenario that has several. */
export class RequestsFold {
  readonly #folds: readonly NamedFold[];
  /** Whether a load tool did not report which request an answer belongs to. */
  #isUnknown = false;

  constructor(count: number) {
    this.#folds = Array.from({ length: count }, () => new NamedFold());
  }

  addCompleted(request: number, us: number): void {
    const fold = this.#foldOf(request);
    if (fold === undefined) return;
    fold.completed++;
    fold.response.recordUs(us);
  }

  addFailed(request: number): void {
    const fold = this.#foldOf(request);
    if (fold !== undefined) fold.failed++;
  }

  addCensored(request: number, us: number): void {
    const fold = this.#foldOf(request);
    if (fold === undefined) return;
    fold.censored = addCensored(fold.censored, us);
    fold.response.recordUs(us);
  }

  finish(): RecordedRequest[] {
    if (this.#isUnknown)
      return this.#folds.map(() => ({ completed: null, failed: null, censored: null, response: null }));
    return this.#folds.map(({ completed, failed, censored, response }) => ({
      completed,
      failed,
      censored,
      response: response.summary(),
    }));
  }

  close(): void {
    for (const { response } of this.#folds) response.close();
  }

  #foldOf(request: number): NamedFold | undefined {
    const fold = this.#folds[request];
    if (fold === undefined) this.#isUnknown = true;
    return fold;
  }
}

/** A fold of attempts, in warm-ups, ramps and drains too, like the ledger that it is a part of. */
export class AttemptFold implements AttemptSink {
  readonly #isExpected: ReturnType<typeof expectedTable>;
  readonly #failures = new Map<Outcome, number>();
  #sent = 0;
  #answered = 0;

  /** @param expectStatus statuses that count as success */
  constructor(expectStatus: readonly ExpectedStatus[]) {
    this.#isExpected = expectedTable(expectStatus);
  }

  sent(): void {
    this.#sent++;
  }

  ended(outcome: Outcome, status: number): boolean {
    const judged = judge(outcome, status, this.#isExpected);
    if (judged === 'ok') this.#answered++;
    else this.#failures.set(judged, (this.#failures.get(judged) ?? 0) + 1);
    return judged === 'ok';
  }

  counts(): Attempts {
    return { sent: this.#sent, answered: this.#answered, failures: Object.fromEntries(this.#failures) };
  }
}

/** What happened to a client's connections between its slices. */
export interface PauseCounts {
  /** Connections that ended then. */
  closed: number;
  /** The longest pause in which one did, ms. */
  longestMs: number;
}

/** Connections that are already closing when a slice ends are gone after this time. */
const SETTLE_MS = 5;

/** Between two slices of a client. */
export class Pauses {
  readonly #countOpen: () => number;
  #closed = 0;
  #longestMs = 0;
  #beganAtMs = 0;
  /** Open at the beginning of the pause; undefined until that is known. */
  #open: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(countOpen: () => number) {
    this.#countOpen = countOpen;
  }

  /** A slice is over. */
  begin(): void {
    this.#beganAtMs = performance.now();
    this.#timer = setTimeout(() => {
      this.#open = this.#countOpen();
    }, SETTLE_MS);
  }

  /** The next slice begins. */
  end(): void {
    clearTimeout(this.#timer);
    const closed = this.#open === undefined ? 0 : this.#open - this.#countOpen();
    this.#open = undefined;
    if (closed <= 0) return;
    this.#closed += closed;
    this.#longestMs = Math.max(this.#longestMs, performance.now() - this.#beganAtMs);
  }

  counts(): PauseCounts {
    return { closed: this.#closed, longestMs: this.#longestMs };
  }
}
