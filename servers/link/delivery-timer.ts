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

const NAP_MS = 0.2;
const LEAD_MS = NAP_MS / 2;
/** A timer may be more than a millisecond late, so it is set this much earlier; naps cover the rest. */
const TIMER_MARGIN_MS = 1.5;
const NAP_HORIZON_MS = TIMER_MARGIN_MS + 1;
const LONGEST_BACKDATE_MS = 0.5;

export class DeliveryTimer {
  #queue = new TinyQueue<Scheduled>([], compareTimes);
  readonly #pillow = new Int32Array(new SharedArrayBuffer(4));
  #immediate: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Infinity;
  /** Arrival time of the current poll's data; NaN if the poll itself waited. */
  #pollArrivalMs = Number.NaN;
  /** Whether data has arrived since the last turn. */
  #hasArrived = false;
  #isClosed = false;

  /** Number of actions that have not fired yet. */
  get waiting(): number {
    return this.#queue.length;
  }

  /**
   * The estimated arrival time of the bytes that a socket delivers now. All bytes of one poll have the same time;
   * bytes that came while the loop was busy or napping are assumed to have come in the middle of it, but at most half a
   * millisecond ago. Never decreases.
   */
  arrivalMs(): number {
    if (!this.#hasArrived) {
      this.#hasArrived = true;
      const nowMs = performance.now();
      // The process may have lost its core before the poll, so data cannot be dated further back.
      this.#pollArrivalMs = Number.isNaN(this.#pollArrivalMs)
        ? nowMs
        : Math.max(this.#pollArrivalMs, nowMs - LONGEST_BACKDATE_MS);
      this.#turnSoon();
    }
    return this.#pollArrivalMs;
  }

  /** Actions due by this time fire now: the present plus half a nap, so that the error is zero on average. */
  reachMs(): number {
    return performance.now() + LEAD_MS;
  }

  /** Fires the action once at its time; never synchronously. */
  schedule(due: Due, atMs: number): void {
    this.#queue.push({ due, atMs });
    this.#turnSoon();
  }

  /** Cancels everything. */
  close(): void {
    this.#isClosed = true;
    clearImmediate(this.#immediate);
    clearTimeout(this.#timer);
    this.#queue = new TinyQueue<Scheduled>([], compareTimes);
  }

  /** When the first is due; Infinity without one. */
  #firstMs(): number {
    return this.#queue.peek()?.atMs ?? Infinity;
  }

  #turnSoon(): void {
    if (!this.#isClosed) this.#immediate ??= setImmediate(this.#turn);
  }

  /** Runs after each poll in which something happened, and after each timer. */
  readonly #turn = (): void => {
    this.#immediate = undefined;
    this.#hasArrived = false;
    const polledMs = performance.now();
    const untilFirstMs = this.#firstMs() - LEAD_MS - polledMs;
    const isNapping = untilFirstMs <= NAP_HORIZON_MS;
    if (isNapping && untilFirstMs > 0) Atomics.wait(this.#pillow, 0, 0, Math.min(untilFirstMs, NAP_MS));
    const reachMs = this.reachMs();
    while (this.#firstMs() <= reachMs) this.#queue.pop()!.due.fire();
    // The next poll returns data since the last one; it does not wait if another turn follows.
    if (this.#firstMs() - performance.now() <= NAP_HORIZON_MS) {
      const nowMs = performance.now();
      this.#pollArrivalMs = Math.max((polledMs + nowMs) / 2, nowMs - LONGEST_BACKDATE_MS);
      this.#turnSoon();
    } else {
      this.#pollArrivalMs = Number.NaN;
      this.#setTimer();
    }
  };

  #setTimer(): void {
    const atMs = this.#firstMs() - TIMER_MARGIN_MS;
    if (this.#isClosed || this.#timerAtMs <= atMs) return;
    clearTimeout(this.#timer);
    this.#timerAtMs = atMs;
    this.#timer = setTimeout(
      () => {
        this.#timerAtMs = Infinity;
        this.#turnSoon();
      },
      Math.floor(atMs - performance.now()),
    );
  }
}
