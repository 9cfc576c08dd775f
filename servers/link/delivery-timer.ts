// The only timer of the relay process: fires each scheduled action close to its due time.
//
// Node's timers have a resolution of whole milliseconds. Alternatives, measured with 200, 2,000 and 8,000 random due times per
// second on a dedicated core; the error is actual minus due time, and CPU is that of one core:
//
//   setTimeout(1), writing what is due within half a tick    mean 0.0 ms, p99 0.55 to 0.58 ms    4 %
//   a spinning setImmediate                                  mean 0.0 ms, p99 0.1 to 3.2 ms    100 %
//   the same, only when something is due within 1.2 ms       mean 0.0 to 0.3, p99 0.1 to 3.9    15 % to 98 %
//   a worker in Atomics.wait that notifies the main thread   mean 0.0 to 0.1, p99 0.1 to 0.5     3 % to 21 %
//   naps of 0.1 ms in Atomics.wait between polls             mean 0.02 ms, p99 0.10 to 0.19      6 % to 18 %
//   naps of 0.2 ms, writing what is due within half of it    mean -0.01 ms, p99 0.09 to 0.15     6 % to 16 %
//
// The long tails of spinning come from the kernel, which preempts a process that never sleeps. So when something is
// due within the next milliseconds, the loop alternates between polling its sockets without waiting and napping; otherwise it
// waits in the poll as usual, with a timer. (The event loop's statistics count a nap as active: judge the relay by its CPU.)
import TinyQueue from 'tinyqueue';

/** An action that can be scheduled. It may schedule itself or others. */
export interface Due {
  fire(): void;
}

interface Scheduled {
  due: Due;
  atMs: number;
}

function compareTimes(a: Scheduled, b: Scheduled): number {
  return a.atMs - b.atMs;
}

export interface DeliveryTimer {
  /**
   * The estimated arrival time of the bytes that a socket delivers now. All bytes of one poll have the same time;
   * bytes that came while the loop was busy or napping are assumed to have come in the middle of it, but at most half a
   * millisecond ago. Never decreases.
   */
  arrivalMs(): number;
  /** Actions due by this time fire now: the present plus half a nap, so that the error is zero on average. */
  reachMs(): number;
  /** Number of actions that have not fired yet. */
  readonly waiting: number;
  /** Fires the action once at its time; never synchronously. */
  schedule(due: Due, atMs: number): void;
  /** Cancels everything. */
  close(): void;
}

const NAP_MS = 0.2;
const LEAD_MS = NAP_MS / 2;
/** A timer may be more than a millisecond late, so it is set this much earlier; naps cover the rest. */
const TIMER_MARGIN_MS = 1.5;
const NAP_HORIZON_MS = TIMER_MARGIN_MS + 1;
const LONGEST_BACKDATE_MS = 0.5;

export function createDeliveryTimer(): DeliveryTimer {
  let queue = new TinyQueue<Scheduled>([], compareTimes);
  const pillow = new Int32Array(new SharedArrayBuffer(4));
  let immediate: NodeJS.Immediate | undefined;
  let timer: NodeJS.Timeout | undefined;
  let timerAtMs = Number.POSITIVE_INFINITY;
  /** Arrival time of the current poll's data; NaN if the poll itself waited. */
  let pollArrivalMs = Number.NaN;
  /** Whether data has arrived since the last turn. */
  let hasArrived = false;
  let isClosed = false;

  /** When the first is due; Infinity without one. */
  function firstMs(): number {
    return queue.peek()?.atMs ?? Number.POSITIVE_INFINITY;
  }

  function turnSoon(): void {
    if (!isClosed) immediate ??= setImmediate(turn);
  }

  /** Runs after each poll in which something happened, and after each timer. */
  function turn(): void {
    immediate = undefined;
    hasArrived = false;
    const polledMs = performance.now();
    const untilFirstMs = firstMs() - LEAD_MS - polledMs;
    const isNapping = untilFirstMs <= NAP_HORIZON_MS;
    if (isNapping && untilFirstMs > 0) Atomics.wait(pillow, 0, 0, Math.min(untilFirstMs, NAP_MS));
    const reach = performance.now() + LEAD_MS;
    while (firstMs() <= reach) queue.pop()!.due.fire();
    // The next poll returns data since the last one; it does not wait if another turn follows.
    if (firstMs() - performance.now() <= NAP_HORIZON_MS) {
      const nowMs = performance.now();
      pollArrivalMs = Math.max((polledMs + nowMs) / 2, nowMs - LONGEST_BACKDATE_MS);
      turnSoon();
    } else {
      pollArrivalMs = Number.NaN;
      setTimer();
    }
  }

  function setTimer(): void {
    const atMs = firstMs() - TIMER_MARGIN_MS;
    if (isClosed || timerAtMs <= atMs) return;
    clearTimeout(timer);
    timerAtMs = atMs;
    timer = setTimeout(
      () => {
        timerAtMs = Number.POSITIVE_INFINITY;
        turnSoon();
      },
      Math.floor(atMs - performance.now()),
    );
  }

  return {
    arrivalMs() {
      if (!hasArrived) {
        hasArrived = true;
        const nowMs = performance.now();
        // The process may have lost its core before the poll, so data cannot be dated further back.
        pollArrivalMs = Number.isNaN(pollArrivalMs)
          ? nowMs
          : Math.max(pollArrivalMs, nowMs - LONGEST_BACKDATE_MS);
        turnSoon();
      }
      return pollArrivalMs;
    },
    reachMs: () => performance.now() + LEAD_MS,
    get waiting() {
      return queue.length;
    },
    schedule(due, atMs) {
      queue.push({ due, atMs });
      turnSoon();
    },
    close() {
      isClosed = true;
      clearImmediate(immediate);
      clearTimeout(timer);
      queue = new TinyQueue<Scheduled>([], compareTimes);
    },
  };
}
