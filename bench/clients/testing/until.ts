// Waits for a condition that a pending event will make true, and gives up after some seconds.

const LIMIT_MS = 20_000;

/** Looks once a turn of the event loop; nothing depends on how long that takes. */
export async function until(what: string, isTrue: () => boolean): Promise<void> {
  const startedAtMs = performance.now();
  while (!isTrue()) {
    if (performance.now() - startedAtMs > LIMIT_MS)
      throw new Error(`still not so after ${LIMIT_MS} ms: ${what}`);
    await new Promise(resolve => setImmediate(resolve));
  }
}
