// Folds response times by what tells them apart: the class of their status, and the request that was drawn.
import { createLatencyRecorder, type LatencyRecorder, mergeHistograms } from '../../results/histogram.ts';
import type { Censored, Histogram, RequestFigures, StatusClass } from '../../results/model/trial.ts';

/** The first digit of a status; 0: not reported. */
type Digit = number;

/**
 * Each time is recorded once: in the distribution of its class, or in that of requests without an answer. All of them
 * together are merged at the end, exactly.
 */
export class ResponseFold {
  readonly #succeeded: (LatencyRecorder | undefined)[] = [];
  readonly #failed: (LatencyRecorder | undefined)[] = [];
  readonly #censored = createLatencyRecorder();

  addSucceeded(status: number, us: number): void {
    const digit = digitOf(status);
    (this.#succeeded[digit] ?? open(this.#succeeded, digit)).recordUs(us);
  }

  /** A whole response with a bad status. */
  addBadStatus(status: number, us: number): void {
    const digit = digitOf(status);
    (this.#failed[digit] ?? open(this.#failed, digit)).recordUs(us);
  }

  addCensored(us: number): void {
    this.#censored.recordUs(us);
  }

  /** Of all that succeeded, and of those without an answer by their lower bounds. */
  response(): Histogram {
    return mergeHistograms([...summaries(this.#succeeded), this.#censored.summary()]);
  }

  /** Of whole responses, good or not, by the class of their status. */
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

function digitOf(status: number): Digit {
  const digit = (status / 100) | 0;
  return digit > 0 && digit < 10 ? digit : 0;
}

function open(recorders: (LatencyRecorder | undefined)[], digit: Digit): LatencyRecorder {
  const recorder = createLatencyRecorder();
  recorders[digit] = recorder;
  return recorder;
}

function summaries(recorders: readonly (LatencyRecorder | undefined)[]): Histogram[] {
  return [...recorders].flatMap(recorder => recorder?.summary() ?? []);
}

/** The figures of one of several requests, in the recorded windows. */
class NamedFold {
  readonly response = createLatencyRecorder();
  completed = 0;
  failed = 0;
  censored: Censored | null = null;
}

/** What the recorder knows of a request: all but its name and how often it was sent. */
export type RecordedRequest = Omit<RequestFigures, 'name' | 'sent'>;

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
    const { count, leastUs } = fold.censored ?? { count: 0, leastUs: Infinity };
    fold.censored = { count: count + 1, leastUs: Math.min(leastUs, us) };
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
