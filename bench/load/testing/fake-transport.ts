// A transport without sockets, whose exchanges end when and how the test decides, and exchanges that have ended.
import type { Outcome } from '../../../results/model/trial.ts';
import { type Exchange, newExchange, type Transport } from '../../contracts.ts';

export interface FakeTransport extends Transport {
  /** In flight, oldest first. */
  readonly inFlight: readonly Exchange[];
  /** Every abandoned record, in order. */
  readonly abandoned: readonly Exchange[];
  readonly sentCount: number;
  /** Ends one that is in flight, now. */
  answer(exchange: Exchange, outcome?: Outcome): void;
}

export function createFakeTransport(): FakeTransport {
  const inFlight = new Map<Exchange, (exchange: Exchange) => void>();
  const abandoned: Exchange[] = [];
  let sentCount = 0;
  return {
    send(exchange, onEnd) {
      if (inFlight.has(exchange)) throw new Error('this record is in flight already');
      sentCount++;
      inFlight.set(exchange, onEnd);
      exchange.outcome = 'ok';
      exchange.error = undefined;
      exchange.writtenAtMs = performance.now();
      exchange.abandon = () => {
        inFlight.delete(exchange);
        abandoned.push(exchange);
      };
    },
    openConnections: () => 0,
    close: async () => {},
    get inFlight() {
      return [...inFlight.keys()];
    },
    abandoned,
    get sentCount() {
      return sentCount;
    },
    answer(exchange, outcome = 'ok') {
      const onEnd = inFlight.get(exchange);
      if (onEnd === undefined) throw new Error('this record is not in flight');
      inFlight.delete(exchange);
      exchange.abandon = undefined;
      exchange.outcome = outcome;
      exchange.error = outcome === 'ok' ? undefined : `ended as ${outcome}`;
      exchange.headersAtMs = performance.now();
      exchange.endedAtMs = performance.now();
      onEnd(exchange);
    },
  };
}

/** An instant successful exchange, except for the stated fields. */
export function makeExchange(stated: Partial<Exchange> = {}): Exchange {
  const startedAtMs = stated.startedAtMs ?? stated.intendedAtMs ?? 0;
  return {
    ...newExchange(),
    intendedAtMs: startedAtMs,
    startedAtMs,
    writtenAtMs: startedAtMs,
    headersAtMs: startedAtMs,
    endedAtMs: startedAtMs,
    ...stated,
  };
}
