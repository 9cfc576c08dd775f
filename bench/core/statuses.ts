// In: nothing. Out: the noun of an expected status, and a quick answer to whether a status is one of those expected.
import { z } from 'zod';

/** Statuses by their number, or a whole class of them. */
export const ExpectedStatus = z.union([z.int().min(200).max(599), z.enum(['2xx', '3xx', '4xx', '5xx'])]);
export type ExpectedStatus = z.infer<typeof ExpectedStatus>;

export const DEFAULT_EXPECTED: readonly ExpectedStatus[] = ['2xx'];

/** One more than the highest number that the three digits of a status can be. */
export const STATUS_END = 1_000;

/** By status: 1 where it is expected, else 0. A table, because each answer is looked up in it. */
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
