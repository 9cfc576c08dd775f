// In: what a scenario author may write of the server side. Out: target and link, resolved, with every default filled in.
import { z } from 'zod';

// From nothing. Out: the noun of an expected status, and a quick answer to whether a status is one of those expected.

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

/** What the target answers with: a plug-in of servers/behaviours and that plug-in's own options. */
export const Behaviour = z.looseObject({
  name: z.string().describe('A server behaviour from the registry: fixed, delay, mixed, stream'),
});
export type Behaviour = z.infer<typeof Behaviour>;

/** The server that is driven, shared by all arms of a cell: a local one of ours, or someone else's by its `url`. */
export const Target = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('A server that conntax does not start, with path; the settings below then state what it does'),
  caFile: z
    .string()
    .min(1)
    .optional()
    .describe('PEM file of the authority that signed the certificate of url; by default those of the system'),
  behaviour: Behaviour.default({ name: 'fixed' }),
  protocol: z
    .enum(['http1', 'h2'])
    .default('http1')
    .describe('h2: the server offers HTTP/2 as well as HTTP/1.1, over TLS'),
  tls: z.enum(['none', '1.2', '1.3']).default('none').describe('TLS version, or none for plain TCP'),
  tlsKey: z.enum(['ec', 'rsa']).default('ec').describe('Key of the certificate: EC P-256 or RSA 2048'),
  maxConcurrentStreams: z
    .int()
    .min(1)
    .max(10_000)
    .default(100)
    .describe('Requests that the server allows at once on an HTTP/2 connection'),
  keepAliveTimeoutMs: z
    .int()
    .min(0)
    .max(600_000)
    .nullable()
    .default(72_000)
    .describe('How long the server keeps an idle connection open; 0 means for ever'),
  maxRequestsPerSocket: z
    .int()
    .min(0)
    .max(1_000_000)
    .nullable()
    .default(0)
    .describe('The server closes a connection after so many requests; 0 means no limit'),
  keepAliveHint: z
    .boolean()
    .nullable()
    .default(true)
    .describe('Whether responses carry Keep-Alive: timeout=N, which clients may obey'),
  connectionClose: z
    .boolean()
    .nullable()
    .default(false)
    .describe('Whether the server answers every request with Connection: close'),
  expectStatus: z
    .array(ExpectedStatus)
    .min(1)
    .default([...DEFAULT_EXPECTED])
    .describe('Statuses of good answers, by number or class (2xx to 5xx); any other counts as failed'),
});
export type Target = z.infer<typeof Target>;

/** What an author can state of a server that we do not command; null: it is not known. */
export const STATEMENTS = [
  'keepAliveTimeoutMs',
  'maxRequestsPerSocket',
  'keepAliveHint',
  'connectionClose',
] as const satisfies readonly (keyof Target)[];

/** The same in what an author wrote: the defaults are our own server's, and say nothing about another's. */
export function withUnknowns<Raw>(raw: Raw): Raw {
  if (typeof raw !== 'object' || raw === null || !('url' in raw) || raw.url === undefined) return raw;
  const stated = Object.entries(raw).filter(([, value]) => value !== undefined);
  return {
    ...Object.fromEntries(STATEMENTS.map(name => [name, null])),
    ...Object.fromEntries(stated),
  } as Raw;
}

type Statement = (typeof STATEMENTS)[number];

/** A server of ours: it does what it is told, so nothing of it is unknown. */
export type OwnTarget = Target & { [Name in Statement]: NonNullable<Target[Name]> };

/** Whether connections to the target are encrypted. */
export function usesTls({ url, tls }: Pick<Target, 'url' | 'tls'>): boolean {
  return url === undefined ? tls !== 'none' : new URL(url).protocol === 'https:';
}

/** A network between generator and target, emulated by a relay that all arms of a cell go through. */
export const Link = z.strictObject({
  roundTripMs: z
    .number()
    .min(0)
    .max(2_000)
    .default(0)
    .describe('Half of it is added in each direction, and one whole to the opening of a connection'),
  jitterMs: z
    .number()
    .min(0)
    .max(1_000)
    .default(0)
    .describe('Up to so much more in each direction, uniformly drawn; order is kept'),
  bytesPerSec: z
    .union([z.int().min(1_000).max(100_000_000_000), z.literal('unlimited')])
    .default('unlimited')
    .describe('Throughput of each connection in each direction'),
});
export type Link = z.infer<typeof Link>;

// From a link and how a connection is opened. Out: how many round trips that takes by the protocols, and how long one is.

/** Of a request on an open connection: there, and back with the answer. */
export const REQUEST_ROUND_TRIPS = 1;

/** SYN and its answer: with the last packet of the handshake the first bytes can leave. */
const TCP_ROUND_TRIPS = 1;

/**
 * Before the client may send its request: TLS 1.3 (RFC 8446, 2) one, resumed or not, as long as no early data is sent;
 * TLS 1.2 (RFC 5246, 7.3) two, and one where a session is resumed.
 */
const TLS_ROUND_TRIPS: Record<Target['tls'], { full: number; resumed: number }> = {
  none: { full: 0, resumed: 0 },
  '1.2': { full: 2, resumed: 1 },
  '1.3': { full: 1, resumed: 1 },
};

/** Until a new connection can carry its first request. */
export function openingRoundTrips(tls: Target['tls'], handshake: 'full' | 'resumed'): number {
  return TCP_ROUND_TRIPS + TLS_ROUND_TRIPS[tls][handshake];
}

/** The most that a first request can take: on a connection that is opened for it. */
export const MOST_ROUND_TRIPS = REQUEST_ROUND_TRIPS + openingRoundTrips('1.2', 'full');

/** Each direction adds up to jitterMs, uniformly drawn: half of it on average. */
export function meanRoundTripMs({ roundTripMs, jitterMs }: Link): number {
  return roundTripMs + jitterMs;
}

export function longestRoundTripMs({ roundTripMs, jitterMs }: Link): number {
  return roundTripMs + 2 * jitterMs;
}
