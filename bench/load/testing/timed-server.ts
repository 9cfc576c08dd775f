// A server behind a fake transport that answers after stated times, and slices of load against it.
import type { Exchange, SliceTimes } from '../../contracts.ts';
import { type Bench, type mockClock, settle } from './load-bench.ts';

/** @param serviceMs whole ms that a request begun then takes; Infinity: it is never answered */
export function serve(
  { transport }: Bench,
  clock: ReturnType<typeof mockClock>,
  serviceMs: (atMs: number) => number,
) {
  const due = new Map<number, Exchange[]>();
  const { send } = transport;
  let inFlight = 0;
  transport.send = (exchange, onEnd) => {
    send(exchange, onEnd);
    inFlight++;
    const atMs = clock.nowMs() + serviceMs(clock.nowMs());
    const others = due.get(atMs);
    if (others === undefined) due.set(atMs, [exchange]);
    else others.push(exchange);
  };
  return {
    /** Whether it has nothing to answer. */
    get isIdle() {
      return inFlight === 0;
    },
    /** The clock goes on, and what is due by then is answered then. */
    advance(ms: number): void {
      for (let i = 0; i < ms; i++) {
        clock.advance(1);
        const ended = due.get(clock.nowMs()) ?? [];
        due.delete(clock.nowMs());
        for (const exchange of ended) {
          inFlight--;
          if (exchange.abandon !== undefined) transport.answer(exchange);
        }
      }
    },
  };
}

/** Runs one slice to its end. */
export async function runSlice(
  { run, ended }: Bench,
  server: ReturnType<typeof serve>,
  times: SliceTimes,
): Promise<void> {
  const before = ended.length;
  run(times);
  server.advance(times.rampMs + times.windowMs);
  while (ended.length === before) {
    server.advance(server.isIdle ? 1 : 10);
    await settle();
  }
}
