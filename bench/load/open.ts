// In: a schedule and a transport. Out: slices of load in which each request goes when it is due, whatever became of others.
import { createLatencyRecorder, type LatencyRecorder } from '../../results/histogram.ts';
import { CUT_DRAIN_MS } from '../../scenarios/model/load.ts';
import {
  type Exchange,
  type ExchangeSink,
  type LoadLoop,
  newExchange,
  noAnswerText,
  type ScheduleAccount,
  type ScheduleCounts,
  type SliceTimes,
  type Transport,
  type Window,
} from '../contracts.ts';
import { expire, giveUp, startSweeper, underWay } from './deadlines.ts';
import type { Schedule } from './schedule.ts';

// From what falls due, goes and is given up in an open load. Out: how the schedule was kept, in the last window and in all recorded ones.

/** A fold over the windows of an open load. What is due outside of a window is let through uncounted. */
interface Punctuality extends ScheduleAccount {
  openWindow(window: Window): void;
  /**
   * A request that goes now.
   * @param freeSinceMs since when there was a place for it under maxInFlight
   */
  addSent(dueAtMs: number, freeSinceMs: number, nowMs: number): void;
  /** A request that was held back to the end, and never went. */
  addUnsent(dueAtMs: number): void;
  /** A request that went, and was given up. */
  addUnfinished(dueAtMs: number): void;
}

const NOTHING: ScheduleCounts = { due: 0, heldBack: 0, unsent: 0, unfinished: 0 };

function createPunctuality(): Punctuality {
  const recorded = { ...NOTHING };
  const recordedLateness = createLatencyRecorder();
  let current = { ...NOTHING };
  let window: Window = { openAtMs: Infinity, closeAtMs: -Infinity, originMs: 0, isRecorded: false };
  let lateness: LatencyRecorder | undefined;

  /** The last window's counts go to the others once nothing is added to them any more. */
  function settle(): void {
    if (window.isRecorded) {
      for (const name of Object.keys(recorded) as (keyof ScheduleCounts)[]) recorded[name] += current[name];
    }
    current = { ...NOTHING };
  }

  function isInWindow(atMs: number): boolean {
    return atMs >= window.openAtMs && atMs < window.closeAtMs;
  }

  return {
    openWindow(next) {
      settle();
      window = next;
      if (lateness !== recordedLateness) lateness?.close();
      lateness = next.isRecorded ? recordedLateness : next.isProbe ? createLatencyRecorder() : undefined;
    },
    addSent(dueAtMs, freeSinceMs, nowMs) {
      if (!isInWindow(dueAtMs)) return;
      const isHeldBack = freeSinceMs > dueAtMs;
      current.due++;
      if (isHeldBack) current.heldBack++;
      lateness?.recordUs((nowMs - (isHeldBack ? freeSinceMs : dueAtMs)) * 1_000);
    },
    addUnsent(dueAtMs) {
      if (!isInWindow(dueAtMs)) return;
      current.due++;
      current.heldBack++;
      current.unsent++;
    },
    addUnfinished(dueAtMs) {
      if (isInWindow(dueAtMs)) current.unfinished++;
    },
    window: () => ({
      ...current,
      latenessP99Us: window.isProbe === true ? (lateness?.summary().p99Us ?? null) : null,
    }),
    finish() {
      settle();
      window = { ...window, isRecorded: false };
      return { arrivals: { ...recorded }, lateness: recordedLateness.summary() };
    },
  };
}

export interface OpenLoadOptions {
  /** A new schedule, for one slice. */
  scheduleOf: (times: SliceTimes) => Schedule;
  /** What is due beyond so many under way waits, in order, and is counted as held back. */
  maxInFlight: number;
  /** The harness's own deadline of an exchange, from its actual start; undefined: none. */
  totalMs: number | undefined;
  transport: Transport;
  recorder: ExchangeSink;
}

/**
 * Timers have a granularity of 1 ms. A request that is due within half of it goes with those that are due already: so they
 * are as often early as late, by half a millisecond at most, instead of always late by up to a whole one.
 */
const EARLY_MS = 0.5;

/** Of the drain: for so long what is held back still goes. What is under way then has the rest of it to end in peace. */
const SENDING_SHARE = 0.5;

/**
 * A request belongs to the window in which it was due: by its end, those that a stall has made late would fall out of the
 * window, and the worst times with them. So requests stop at the window's end, and the drain waits for those under way.
 *
 * Nothing is queued: requests go in the order of the schedule, so what is held back is what the schedule gives next.
 */
export function createOpenLoad(options: OpenLoadOptions): LoadLoop {
  const { scheduleOf, maxInFlight, totalMs, transport, recorder } = options;
  const punctuality = createPunctuality();
  const records: Exchange[] = [];
  const free: Exchange[] = [];
  let window: Window = { openAtMs: 0, closeAtMs: 0, originMs: 0, isRecorded: false };
  let schedule: Schedule = () => Infinity;
  let startedAtMs = 0;
  /** When the next request is due; at or after the end of the window there is none. */
  let dueAtMs = Infinity;
  let inFlight = 0;
  /** Since when there has been a place under maxInFlight. */
  let freeSinceMs = -Infinity;
  let sent = 0;
  let unfinished = 0;
  let expired = 0;
  let isRunning = false;
  let dueTimer: NodeJS.Timeout | undefined;
  let stopTimer: NodeJS.Timeout | undefined;
  let drainTimer: NodeJS.Timeout | undefined;
  let onDone: () => void = () => {};

  function addRecord(): Exchange {
    const record = newExchange();
    records.push(record);
    return record;
  }

  function goOn(): void {
    dueAtMs = startedAtMs + schedule();
  }

  /**
   * Sends what is due by now, as far as there is room. Each has its own start, since sending takes time, too; but what falls
   * due meanwhile waits, so that answers get their turn even where sending takes longer than the pauses of the schedule.
   */
  function sendDue(): void {
    const untilMs = Math.min(performance.now() + EARLY_MS, window.closeAtMs);
    while (dueAtMs < untilMs && inFlight < maxInFlight) {
      const nowMs = performance.now();
      const exchange = free.pop() ?? addRecord();
      exchange.intendedAtMs = dueAtMs;
      exchange.startedAtMs = nowMs;
      punctuality.addSent(dueAtMs, freeSinceMs, nowMs);
      inFlight++;
      sent++;
      goOn();
      transport.send(exchange, onEnd);
    }
  }

  /**
   * A timer, not a turning event loop (setImmediate until the next is due): that would be on time to 0.05 ms, but takes the
   * whole core instead of about 2 % of it. It would hide what a request costs, and starve the
   * process's own compiler and collector threads; and who never sleeps is the first to be taken off a core that is shared,
   * where its tail was the worse of the two. Naps within the loop would keep answers waiting, and so lengthen service times.
   */
  function tick(): void {
    sendDue();
    const nowMs = performance.now();
    const hasMore = dueAtMs < window.closeAtMs;
    // What fell due while the last ones were sent has a timer of its own; what is held back waits for an end instead.
    if (nowMs >= window.closeAtMs && !(hasMore && inFlight < maxInFlight)) {
      endIfDone();
      return;
    }
    const inMs = hasMore ? Math.round(dueAtMs - nowMs) : Math.ceil(window.closeAtMs - nowMs);
    dueTimer = setTimeout(tick, Math.max(1, inMs));
  }

  function onEnd(exchange: Exchange): void {
    recorder.add(exchange, exchange.intendedAtMs);
    leave(exchange.endedAtMs);
    free.push(exchange);
    // An event costs nothing more to look at the schedule: fewer wait for the next tick, and those held back for none.
    if (dueAtMs <= exchange.endedAtMs) sendDue();
    endIfDone();
  }

  /** One is under way no more. */
  function leave(endedAtMs: number): void {
    if (inFlight === maxInFlight) freeSinceMs = endedAtMs;
    inFlight--;
  }

  function endIfDone(): void {
    if (inFlight === 0 && dueAtMs >= window.closeAtMs && performance.now() >= window.closeAtMs) onDone();
  }

  function sweep(nowMs: number, deadlineMs: number): void {
    expire(records, nowMs, deadlineMs, (exchange, place) => {
      recorder.add(exchange, exchange.intendedAtMs);
      leave(nowMs);
      expired++;
      free.push(giveUp(records, place));
    });
    sendDue();
    endIfDone();
  }

  /**
   * What is held back goes no more. After a cut, what was due later than now never fell due.
   * @param error why they have failed; undefined where they are only cut short
   */
  function stopSending(error: string | undefined): void {
    const nowMs = performance.now();
    for (; dueAtMs < window.closeAtMs; goOn()) {
      if (dueAtMs > nowMs) continue;
      punctuality.addUnsent(dueAtMs);
      const unsent = { intendedAtMs: dueAtMs, startedAtMs: Number.NaN, idleMs: Number.NaN };
      recorder.addCensored(unsent, dueAtMs, { nowMs, error });
    }
    endIfDone();
  }

  /** @param error why those that are given up have failed; undefined where they are only cut short */
  function abandonRest(error: string | undefined): void {
    const nowMs = performance.now();
    for (const place of underWay(records)) {
      const { intendedAtMs } = records[place]!;
      unfinished++;
      punctuality.addUnfinished(intendedAtMs);
      recorder.addCensored(records[place]!, intendedAtMs, { nowMs, error });
      free.push(giveUp(records, place));
    }
    inFlight = 0;
    onDone();
  }

  return {
    async runSlice(times) {
      const { rampMs, windowMs, drainMs, isRecorded, originMs, ratePerSec } = times;
      schedule = scheduleOf(times);
      startedAtMs = performance.now();
      window = {
        openAtMs: startedAtMs + rampMs,
        // In one sum, so that what is due at the very end is due then to the last bit.
        closeAtMs: startedAtMs + (rampMs + windowMs),
        originMs,
        isRecorded,
        isProbe: ratePerSec !== undefined && !isRecorded,
      };
      recorder.openWindow(window);
      punctuality.openWindow(window);
      freeSinceMs = -Infinity;
      goOn();
      const done = new Promise<void>(resolve => {
        onDone = resolve;
      });
      const sweeper = startSweeper(totalMs, sweep);
      const sendingMs = rampMs + windowMs + drainMs * SENDING_SHARE;
      stopTimer = setTimeout(
        stopSending,
        sendingMs,
        `not sent: ${maxInFlight} requests were in flight until the end`,
      );
      drainTimer = setTimeout(abandonRest, rampMs + windowMs + drainMs, noAnswerText(drainMs));
      isRunning = true;
      tick();
      await done;
      isRunning = false;
      clearInterval(sweeper);
      clearTimeout(dueTimer);
      clearTimeout(stopTimer);
      clearTimeout(drainTimer);
      return window;
    },
    cut() {
      if (!isRunning) return;
      // What went early belongs to the window, too.
      window.closeAtMs = Math.min(window.closeAtMs, performance.now() + EARLY_MS);
      stopSending(undefined);
      clearTimeout(drainTimer);
      drainTimer = setTimeout(abandonRest, CUT_DRAIN_MS, undefined);
      clearTimeout(dueTimer);
      dueTimer = setTimeout(tick, 1);
    },
    get sent() {
      return sent;
    },
    get unfinished() {
      return unfinished;
    },
    get expired() {
      return expired;
    },
    schedule: punctuality,
  };
}
