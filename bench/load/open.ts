// Open load: each request is sent when it is due by a schedule, whether or not earlier ones have been answered.
import { randomExponential } from 'd3-random';
import { createLatencyRecorder, type LatencyRecorder } from '../../results/histogram.ts';
import type { Histogram } from '../../results/model/trial.ts';
import type { Random } from '../../results/random.ts';
import type { OpenLoad } from '../../scenarios/model/load.ts';
import type {
  Exchange,
  LoadLoop,
  ScheduleAccount,
  ScheduleCounts,
  SliceTimes,
  Window,
  WindowSchedule,
} from '../contracts.ts';
import { SliceLoop, type SliceLoopOptions } from './slice-loop.ts';

/** Each call returns when the next request is due, ms since the start of the slice. Endless. */
export type Schedule = () => number;

/** When the n-th request (from 0) is due, ms: equally spaced, starting at 0. Not accumulated, so rounding errors do not grow. */
export function constantDueMs(n: number, ratePerSec: number): number {
  return (n * 1_000) / ratePerSec;
}

/** When the n-th request (from 0) is due, ms: `size` requests at once, the first burst at 0. */
export function burstDueMs(n: number, { size, everyMs }: { size: number; everyMs: number }): number {
  return Math.floor(n / size) * everyMs;
}

/**
 * A schedule at a rate. Constant: from `offsetMs` on. Poisson: exponential gaps, also before the first request, as if many independent
 * users sent them.
 */
export function rateSchedule(
  arrivals: OpenLoad['arrivals'],
  ratePerSec: number,
  random: Random,
  offsetMs = 0,
): Schedule {
  switch (arrivals) {
    case 'constant': {
      let n = 0;
      return () => offsetMs + constantDueMs(n++, ratePerSec);
    }
    case 'poisson': {
      const gapMs = randomExponential.source(random)(ratePerSec / 1_000);
      let dueMs = 0;
      return () => {
        dueMs += gapMs();
        return dueMs;
      };
    }
    default:
      return arrivals satisfies never;
  }
}

export function burstSchedule(bursts: { size: number; everyMs: number }): Schedule {
  let n = 0;
  return () => burstDueMs(n++, bursts);
}

const NOTHING: ScheduleCounts = { due: 0, heldBack: 0, unsent: 0, unfinished: 0 };

/** Counts how the schedule was kept, per window and over all recorded windows. Ignores requests due outside of a window. */
class ScheduleStats implements ScheduleAccount {
  readonly #recorded = { ...NOTHING };
  readonly #recordedLateness = createLatencyRecorder();
  #current = { ...NOTHING };
  #window: Window = { openAtMs: Infinity, closeAtMs: -Infinity, originMs: 0, isRecorded: false };
  #lateness: LatencyRecorder | undefined;

  openWindow(window: Window): void {
    this.#settle();
    this.#window = window;
    if (this.#lateness !== this.#recordedLateness) this.#lateness?.close();
    this.#lateness = this.#latenessOf(window);
  }

  /**
   * Adds a request that is sent now.
   * @param freeSinceMs since when maxInFlight has allowed another request
   */
  addSent(dueAtMs: number, freeSinceMs: number, nowMs: number): void {
    if (!this.#isInWindow(dueAtMs)) return;
    const isHeldBack = freeSinceMs > dueAtMs;
    this.#current.due++;
    if (isHeldBack) this.#current.heldBack++;
    this.#lateness?.recordUs((nowMs - (isHeldBack ? freeSinceMs : dueAtMs)) * 1_000);
  }

  /** Adds a request that was held back to the end and never sent. */
  addUnsent(dueAtMs: number): void {
    if (!this.#isInWindow(dueAtMs)) return;
    this.#current.due++;
    this.#current.heldBack++;
    this.#current.unsent++;
  }

  /** Marks a sent request as abandoned. */
  addUnfinished(dueAtMs: number): void {
    if (this.#isInWindow(dueAtMs)) this.#current.unfinished++;
  }

  window(): WindowSchedule {
    const isProbe = this.#window.isProbe === true;
    return {
      ...this.#current,
      latenessP99Us: isProbe ? (this.#lateness?.summary().p99Us ?? null) : null,
    };
  }

  finish(): { arrivals: ScheduleCounts; lateness: Histogram } {
    this.#settle();
    this.#window = { ...this.#window, isRecorded: false };
    return { arrivals: { ...this.#recorded }, lateness: this.#recordedLateness.summary() };
  }

  /** Adds the counts of the last window to the recorded ones, once they are complete. */
  #settle(): void {
    if (this.#window.isRecorded) {
      for (const name of Object.keys(NOTHING) as (keyof ScheduleCounts)[]) {
        this.#recorded[name] += this.#current[name];
      }
    }
    this.#current = { ...NOTHING };
  }

  #latenessOf({ isRecorded, isProbe }: Window): LatencyRecorder | undefined {
    if (isRecorded) return this.#recordedLateness;
    return isProbe ? createLatencyRecorder() : undefined;
  }

  #isInWindow(atMs: number): boolean {
    return atMs >= this.#window.openAtMs && atMs < this.#window.closeAtMs;
  }
}

export interface OpenLoadOptions extends SliceLoopOptions {
  /** A new schedule, for one slice. */
  scheduleOf: (times: SliceTimes) => Schedule;
  /** Requests due while this many are in flight wait, in order, and are counted as held back. */
  maxInFlight: number;
}

/**
 * Timers have a granularity of 1 ms. A request that is due within half of it is sent with those that are due already.
 * So requests are as often early as late, by at most half a millisecond, instead of always late by up to a whole one.
 */
const EARLY_MS = 0.5;

/** Fraction of the drain during which requests held back may still be sent; the rest is for requests in flight to finish. */
const SENDING_SHARE = 0.5;

export function createOpenLoad(options: OpenLoadOptions): LoadLoop {
  return new OpenLoop(options);
}

/** There is no queue: requests are sent in the order of the schedule, so those held back are those that the schedule gives next. */
class OpenLoop extends SliceLoop {
  readonly schedule = new ScheduleStats();
  readonly #scheduleOf: OpenLoadOptions['scheduleOf'];
  readonly #maxInFlight: number;
  readonly #free: Exchange[] = [];
  #nextDueMs: Schedule = () => Infinity;
  #startedAtMs = 0;
  /** When the next request is due; at or after the end of the window there is none. */
  #dueAtMs = Infinity;
  /** Since when maxInFlight has allowed another request. */
  #freeSinceMs = -Infinity;
  #dueTimer: NodeJS.Timeout | undefined;
  #stopTimer: NodeJS.Timeout | undefined;

  constructor({ scheduleOf, maxInFlight, ...shared }: OpenLoadOptions) {
    super(shared, EARLY_MS);
    this.#scheduleOf = scheduleOf;
    this.#maxInFlight = maxInFlight;
  }

  protected override start(times: SliceTimes, startedAtMs: number): void {
    const { rampMs, windowMs, drainMs } = times;
    this.schedule.openWindow(this.window);
    this.#nextDueMs = this.#scheduleOf(times);
    this.#startedAtMs = startedAtMs;
    this.#freeSinceMs = -Infinity;
    this.#advance();
    const sendingMs = rampMs + windowMs + drainMs * SENDING_SHARE;
    this.#stopTimer = setTimeout(() => {
      this.stopSending(false);
      this.endIfDone();
    }, sendingMs);
    this.#tick();
  }

  protected override release(exchange: Exchange): void {
    if (this.inFlight === this.#maxInFlight - 1) this.#freeSinceMs = exchange.endedAtMs;
    this.#free.push(exchange);
    // Checking the schedule at an event costs nothing: fewer requests wait for the next tick, and none held back do.
    if (this.#dueAtMs <= exchange.endedAtMs) this.#sendDue();
    this.endIfDone();
  }

  protected override isOver(): boolean {
    const { closeAtMs } = this.window;
    return this.#dueAtMs >= closeAtMs && performance.now() >= closeAtMs;
  }

  protected override stopSending(isCut: boolean): void {
    clearTimeout(this.#dueTimer);
    clearTimeout(this.#stopTimer);
    if (isCut) {
      this.#dropUnsent(undefined);
      this.#dueTimer = setTimeout(() => this.#tick(), 1);
    } else this.#dropUnsent(`not sent: ${this.#maxInFlight} requests were in flight until the end`);
  }

  protected override onUnfinished({ intendedAtMs }: Exchange, replacement: Exchange): void {
    this.schedule.addUnfinished(intendedAtMs);
    this.#free.push(replacement);
  }

  #advance(): void {
    this.#dueAtMs = this.#startedAtMs + this.#nextDueMs();
  }

  /**
   * Sends the requests that are due by now, as far as maxInFlight allows. Each has its own start, because sending takes time
   * too. Requests that fall due meanwhile wait, so that answers are handled even if sending takes longer than the intervals
   * of the schedule.
   */
  #sendDue(): void {
    const untilMs = Math.min(performance.now() + EARLY_MS, this.window.closeAtMs);
    while (this.#dueAtMs < untilMs && this.inFlight < this.#maxInFlight) {
      const nowMs = performance.now();
      const exchange = this.#free.pop() ?? this.addRecord();
      exchange.intendedAtMs = this.#dueAtMs;
      exchange.startedAtMs = nowMs;
      this.schedule.addSent(this.#dueAtMs, this.#freeSinceMs, nowMs);
      this.#advance();
      this.send(exchange);
    }
  }

  /**
   * Uses a timer instead of spinning the event loop (setImmediate until the next request is due). Spinning would be on time to
   * 0.05 ms, but takes the whole core instead of about 2 % of it. It would hide the cost of a request and starve
   * the process's own compiler and collector threads; and a process that never sleeps is the first to be
   * descheduled on a shared core, where its tail was the worse of the two. Sleeping inside the loop would delay answers, and so
   * lengthen service times.
   */
  #tick(): void {
    this.#sendDue();
    const { closeAtMs } = this.window;
    const nowMs = performance.now();
    const hasMore = this.#dueAtMs < closeAtMs;
    // Requests that fell due while the last ones were sent get their own timer; those held back wait for an exchange to end.
    if (nowMs >= closeAtMs && !(hasMore && this.inFlight < this.#maxInFlight)) {
      this.endIfDone();
      return;
    }
    const inMs = hasMore ? Math.round(this.#dueAtMs - nowMs) : Math.ceil(closeAtMs - nowMs);
    this.#dueTimer = setTimeout(() => this.#tick(), Math.max(1, inMs));
  }

  /**
   * Drops the requests held back. After a cut, requests due later than now were never due.
   * @param error why they have failed; undefined if they were only cut short
   */
  #dropUnsent(error: string | undefined): void {
    const nowMs = performance.now();
    for (; this.#dueAtMs < this.window.closeAtMs; this.#advance()) {
      if (this.#dueAtMs > nowMs) continue;
      this.schedule.addUnsent(this.#dueAtMs);
      const unsent = {
        intendedAtMs: this.#dueAtMs,
        startedAtMs: Number.NaN,
        idleMs: Number.NaN,
        request: this.drawRequest(),
      };
      this.recorder.addCensored(unsent, this.#dueAtMs, { nowMs, error });
    }
  }
}
