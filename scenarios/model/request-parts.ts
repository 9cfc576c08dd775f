// What a request is without its schema, so that processes that only send load need not load one.

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
