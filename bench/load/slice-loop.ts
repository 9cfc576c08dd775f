// The life cycle of a slice and the requests in flight, shared by all load models.
import type { RequestDraw } from '../../results/random.ts';
import {
  CUT_DRAIN_MS,
  describeNoAnswer,
  type Exchange,
  type ExchangeSink,
  type LoadLoop,
  newExchange,
  type SliceTimes,
  type Transport,
  type Window,
} from '../contracts.ts';

/** How often deadlines are checked: every twentieth of a deadline, within these bounds. */
const SWEEP_MS = { least: 5, most: 100 } as const;

export interface SliceLoopOptions {
  /** conntax's own deadline of an exchange, from its actual start; undefined: none. */
  totalMs: number | undefined;
  transport: Transport;
  recorder: ExchangeSink;
  /** Draws the next request; undefined where there is only one. */
  draw?: RequestDraw | undefined;
}

/**
 * A load model decides when to send. The loop keeps the records of the exchanges, ends those that are overdue, and ends the slice.
 *
 * A request belongs to the window in which it was due, which in a closed load is when it began. By its end, a request that
 * takes longer than a window would fall out of it, and with it the worst times. So no request is due after the window, and
 * the drain waits for those in flight.
 */
export abstract class SliceLoop implements LoadLoop {
  protected readonly recorder: ExchangeSink;
  protected readonly records: Exchange[] = [];
  protected window: Window = { openAtMs: 0, closeAtMs: 0, originMs: 0, isRecorded: false, isProbe: false };
  readonly #totalMs: number | undefined;
  readonly #transport: Transport;
  readonly #draw: RequestDraw | undefined;
  readonly #sentByRequest: number[];
  readonly #earlyMs: number;
  #inFlight = 0;
  #sent = 0;
  #unfinished = 0;
  #expired = 0;
  #isRunning = false;
  #sweeper: NodeJS.Timeout | undefined;
  #drainTimer: NodeJS.Timeout | undefined;
  #resolveSlice: () => void = () => {};

  /** @param earlyMs how long before it is due a request may be sent */
  constructor({ totalMs, transport, recorder, draw }: SliceLoopOptions, earlyMs = 0) {
    this.#totalMs = totalMs;
    this.#transport = transport;
    this.recorder = recorder;
    this.#draw = draw;
    this.#sentByRequest = Array<number>(draw?.size ?? 1).fill(0);
    this.#earlyMs = earlyMs;
  }

  get sent(): number {
    return this.#sent;
  }

  get sentByRequest(): readonly number[] | undefined {
    return this.#draw && this.#sentByRequest;
  }

  get unfinished(): number {
    return this.#unfinished;
  }

  get expired(): number {
    return this.#expired;
  }

  async runSlice(times: SliceTimes): Promise<Window> {
    const { rampMs, windowMs, drainMs, isRecorded, originMs, ratePerSec, users, requestSeed } = times;
    const startedAtMs = times.startAtMs ?? performance.now();
    const window: Window = {
      openAtMs: startedAtMs + rampMs,
      // A single sum, so that a request due at the very end is due then to the last bit.
      closeAtMs: startedAtMs + (rampMs + windowMs),
      originMs,
      isRecorded,
      isProbe: (ratePerSec ?? users) !== undefined && !isRecorded,
    };
    this.window = window;
    this.recorder.openWindow(window);
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    this.#resolveSlice = resolve;
    this.#startSweeper();
    this.#abandonAfter(rampMs + windowMs + drainMs, describeNoAnswer(drainMs));
    this.#isRunning = true;
    if (requestSeed !== undefined) this.#draw?.restart(requestSeed);
    this.start(times, startedAtMs);
    await ended;
    return window;
  }

  cut(): void {
    if (!this.#isRunning) return;
    // A request that was sent early belongs to the window too.
    this.window.closeAtMs = Math.min(this.window.closeAtMs, performance.now() + this.#earlyMs);
    this.#abandonAfter(CUT_DRAIN_MS, undefined);
    this.stopSending(true);
    this.endIfDone();
  }

  /** Begins to send. */
  protected abstract start(times: SliceTimes, startedAtMs: number): void;

  /** Called when an exchange has ended, at its `endedAtMs`: its record may be sent again. */
  protected abstract release(exchange: Exchange): void;

  /** Whether the load model has nothing more to send in this slice. */
  protected abstract isOver(): boolean;

  /** Drops all requests that have not been sent, and clears the model's timers. Also called at the end of each slice. */
  protected abstract stopSending(isCut: boolean): void;

  /** Called for each exchange that was abandoned at the end of the drain, with the record that replaces its own. */
  protected onUnfinished(_exchange: Exchange, _replacement: Exchange): void {}

  get inFlight(): number {
    return this.#inFlight;
  }

  protected addRecord(): Exchange {
    const record = newExchange();
    this.records.push(record);
    return record;
  }

  /** What the next request of the sequence is. */
  protected drawRequest(): number {
    return this.#draw === undefined ? 0 : this.#draw.next();
  }

  protected send(exchange: Exchange): void {
    this.#inFlight++;
    this.#sent++;
    if (this.#draw !== undefined) {
      const request = this.#draw.next();
      exchange.request = request;
      this.#sentByRequest[request]!++;
    }
    this.#transport.send(exchange, this.#onEnd);
  }

  protected endIfDone(): void {
    if (this.#inFlight === 0 && this.isOver()) this.#endSlice();
  }

  readonly #onEnd = (exchange: Exchange): void => {
    this.recorder.add(exchange, exchange.intendedAtMs);
    this.#inFlight--;
    this.release(exchange);
  };

  #endSlice(): void {
    this.#isRunning = false;
    clearInterval(this.#sweeper);
    clearTimeout(this.#drainTimer);
    this.stopSending(false);
    this.#resolveSlice();
  }

  #startSweeper(): void {
    const totalMs = this.#totalMs;
    if (totalMs === undefined) return;
    const everyMs = Math.min(SWEEP_MS.most, Math.max(SWEEP_MS.least, totalMs / 20));
    this.#sweeper = setInterval(() => this.#expireOverdue(totalMs), everyMs);
  }

  #expireOverdue(totalMs: number): void {
    const nowMs = performance.now();
    const overdue = this.#placesInFlight().filter(
      place => nowMs - this.records[place]!.startedAtMs >= totalMs,
    );
    for (const place of overdue) {
      const exchange = this.records[place]!;
      exchange.outcome = 'timeoutTotal';
      exchange.error = `no complete answer within totalMs = ${totalMs}`;
      exchange.endedAtMs = nowMs;
      this.recorder.add(exchange, exchange.intendedAtMs);
      this.#expired++;
      const replacement = this.#abandon(place);
      replacement.endedAtMs = nowMs;
      this.release(replacement);
    }
  }

  /** @param error why the abandoned exchanges have failed; undefined if they were only cut short */
  #abandonAfter(delayMs: number, error: string | undefined): void {
    clearTimeout(this.#drainTimer);
    this.#drainTimer = setTimeout(() => this.#abandonRest(error), delayMs);
  }

  #abandonRest(error: string | undefined): void {
    const nowMs = performance.now();
    for (const place of this.#placesInFlight()) {
      const exchange = this.records[place]!;
      this.#unfinished++;
      this.recorder.addCensored(exchange, exchange.intendedAtMs, { nowMs, error });
      this.onUnfinished(exchange, this.#abandon(place));
    }
    this.#endSlice();
  }

  /** Places of the records that are in flight: a transport can abandon those, and only those. */
  #placesInFlight(): number[] {
    return this.records.flatMap((record, place) => (record.abandon === undefined ? [] : [place]));
  }

  /** Replaces the record of an abandoned exchange, because a late callback may still write to the old one. */
  #abandon(place: number): Exchange {
    const exchange = this.records[place]!;
    exchange.abandon?.();
    exchange.abandon = undefined;
    this.#inFlight--;
    const replacement = newExchange();
    this.records[place] = replacement;
    return replacement;
  }
}
