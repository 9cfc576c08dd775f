// Which statuses of an answer count as good. Without a schema, so that processes that only send load need not load one.

export const STATUS_CLASSES = ['2xx', '3xx', '4xx', '5xx'] as const;

/** A status by number, or a class of statuses. */
export type ExpectedStatus = number | (typeof STATUS_CLASSES)[number];

export const DEFAULT_EXPECTED: readonly ExpectedStatus[] = ['2xx'];

/** One more than the highest three-digit status. */
export const STATUS_END = 1_000;

/** By status: 1 if expected, else 0. A table, because every response is looked up. */
export function expectedTable(expected: readonly ExpectedStatus[]): Uint8Array {
  const table = new Uint8Array(STATUS_END);
  for (const entry of expected) {
    if (typeof entry === 'number') table[entry] = 1;
    else {
      const firstOfClass = Number(entry[0]) * 100;
      table.fill(1, firstOfClass, firstOfClass + 100);
    }
  }
  return table;
}

export function isExpectedStatus(expected: readonly ExpectedStatus[], status: number): boolean {
  return expectedTable(expected)[status] === 1;
}
