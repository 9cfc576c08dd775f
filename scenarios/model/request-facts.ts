// What a request is, and which statuses of its answer count as good. Without the schemas, for processes that only send load.

/** A GET without anything of its own: what the schema makes of `{}`. */
export const PLAIN_REQUEST = { method: 'GET', query: {}, headers: {}, framing: 'length' } as const;

/** Maximum size of a body, which every process that sends holds in memory. */
export const MAX_REQUEST_BYTES = 64 * 1024 * 1024;

interface Named {
  name?: string | undefined;
  method: string;
  path?: string | undefined;
}

/** Its own name, or `POST /orders`; a long one is cut. */
export function nameOfRequest({ name, method, path }: Named): string {
  return name ?? `${method} ${path ?? ''}`.trim().slice(0, 60);
}

interface Bodied {
  body?: unknown;
  bodyFile?: unknown;
  bodyBytes?: unknown;
}

export function hasBody({ body, bodyFile, bodyBytes }: Bodied): boolean {
  return (body ?? bodyFile ?? bodyBytes) !== undefined;
}

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
