// Waits for a condition that a pending event will make true, and gives up after some seconds.
import { setTimeout as delay } from 'node:timers/promises';

const LIMIT_MS = 20_000;
/** A look at each turn of the event loop would take a core from what is waited for. */
const POLL_MS = 2;

/** Nothing depends on how long it takes. */
export async function until(what: string, isTrue: () => boolean): Promise<void> {
  const startedAtMs = performance.now();
  while (!isTrue()) {
    if (performance.now() - startedAtMs > LIMIT_MS)
      throw new Error(`still not so after ${LIMIT_MS} ms: ${what}`);
    await delay(POLL_MS);
  }
}
