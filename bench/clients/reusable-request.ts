// Requests in flight: what a client keeps in a record to send its requests one after another, and one timer for all their timeouts.
import type { Outcome } from '../../results/model/trial.ts';
import { beginExchange, type Exchange, type Transport } from '../contracts.ts';

type OnEnd = (exchange: Exchange) => void;

interface Sender {
  send(onEnd: OnEnd): void;
}

/** The requests of one record. An abandoned record is never reused, so what comes late cannot reach another exchange. */
export abstract class ReusableRequest implements Sender {
  readonly exchange: Exchange;
  #onEnd: OnEnd = () => {};
  #isAbandoned = false;

  constructor(exchange: Exchange) {
    this.exchange = exchange;
  }

  send(onEnd: OnEnd): void {
    this.#onEnd = onEnd;
    beginExchange(this.exchange);
    this.exchange.abandon = this.#abandon;
    this.start();
  }

  /** Sends the next request. */
  protected abstract start(): void;

  /** Stops the request in flight, of which nothing is reported any more. */
  protected abstract giveUp(): void;

  protected end(): void {
    this.exchange.endedAtMs = performance.now();
    this.report();
  }

  /**
   * Reported in a turn of its own: this may be called from within `send`, and users that go on at once would keep everything else from
   * running.
   */
  fail(outcome: Outcome, error: string): void {
    this.exchange.outcome = outcome;
    this.exchange.error = error;
    this.exchange.endedAtMs = performance.now();
    setImmediate(this.report);
  }

  protected readonly report = (): void => {
    if (this.#isAbandoned) return;
    this.exchange.abandon = undefined;
    this.#onEnd(this.exchange);
  };

  readonly #abandon = (): void => {
    this.#isAbandoned = true;
    this.giveUp();
  };
}

/** A client's `send`, by what it keeps in each record. */
export function sendReusing(create: (exchange: Exchange) => Sender): Transport['send'] {
  return (exchange, onEnd) => {
    exchange.transportState ??= create(exchange);
    (exchange.transportState as Sender).send(onEnd);
  };
}

/** How finely timeouts are kept: a twentieth of the shortest one, within these bounds. */
const SWEEP_MS = { least: 5, most: 100 } as const;

/**
 * Looks for what has exceeded its timeout, with one timer for all: one for each request would cost each of them.
 * @returns undefined without limits
 */
export function sweepTimeouts(
  limitsMs: readonly (number | undefined)[],
  expire: (nowMs: number) => void,
): NodeJS.Timeout | undefined {
  const shortestMs = Math.min(...limitsMs.map((ms = Infinity) => ms));
  if (shortestMs === Infinity) return undefined;
  const everyMs = Math.min(SWEEP_MS.most, Math.max(SWEEP_MS.least, shortestMs / 20));
  return setInterval(() => expire(performance.now()), everyMs).unref();
}
