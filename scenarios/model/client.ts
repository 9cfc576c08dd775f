// The schema of a client: its settings, undici's interceptors and policies of resilience among them, with ranges, defaults and
// descriptions.
import { z } from 'zod';
import { MAX_AT_ONCE } from './load.ts';
import { duration, LONGEST_DURATION_MS, text, whole, within } from './values.ts';

const optionalMs = (about: string) => duration().optional().describe(about);
const optionalCountTo = (most: number, about: string) => whole(1, most).optional().describe(about);

const MAX_BYTES = 1_000_000_000;

/** Each with the library's own default where a member is absent. */
export const Interceptors = z
  .strictObject({
    retry: z
      .strictObject({
        maxRetries: optionalCountTo(100, 'Maximum repetitions of a request; default of undici: 5'),
        minDelayMs: optionalMs('Delay before the first repetition; default of undici: 500'),
        maxDelayMs: optionalMs('Longest delay before a repetition; default of undici: 30000'),
        delayFactor: within(1, 100)
          .optional()
          .describe('Factor by which each further delay is longer; default of undici: 2'),
        statuses: z
          .array(whole(300, 599))
          .min(1)
          .optional()
          .describe('Statuses to retry; default of undici: 500, 502, 503, 504 and 429'),
      })
      .optional()
      .describe('Repeats failed requests: the user sees one request, and the server each attempt'),
    dns: z
      .strictObject({ maxTtlMs: optionalMs('Time for which an address is cached; default of undici: 10000') })
      .optional()
      .describe(
        "Resolves the server's name once for many connections, and caches its addresses; for a target.url with a host name",
      ),
    cache: z
      .strictObject({
        maxBytes: optionalCountTo(
          MAX_BYTES,
          'Maximum bytes of all stored bodies; default of undici: 100 MiB',
        ),
        maxEntries: optionalCountTo(1_000_000, 'Maximum number of stored responses; default of undici: 1024'),
        maxEntryBytes: optionalCountTo(MAX_BYTES, 'Longest body to store; default of undici: 5 MiB'),
        freshMs: optionalMs(
          'Time for which to store a response that does not state its own; default: such a response is not stored',
        ),
      })
      .optional()
      .describe(
        'Answers GET requests from memory if the response of an earlier one may be reused; no request is then sent',
      ),
  })
  .refine(one => Object.values(one).some(member => member !== undefined), 'needs one of retry, dns, cache')
  .describe(
    "undici's own interceptors, applied in the order cache, retry, dns. conntax counts the attempts below them",
  );
export type Interceptors = z.infer<typeof Interceptors>;

/** From the outside in: retry, breaker, bulkhead, timeout. */
export const Resilience = z
  .strictObject({
    retry: z
      .strictObject({
        maxRetries: whole(1, 100).default(3).describe('Maximum repetitions of a request'),
        minDelayMs: duration()
          .default(100)
          .describe('Delay before the first repetition; each further one is twice as long'),
        maxDelayMs: duration().default(30_000).describe('Longest delay before a repetition'),
      })
      .refine(({ minDelayMs, maxDelayMs }) => minDelayMs <= maxDelayMs, {
        path: ['maxDelayMs'],
        error: 'must be at least minDelayMs',
      })
      .optional()
      .describe('Repeats failed attempts, but not those that the breaker or the bulkhead has rejected'),
    breaker: z
      .strictObject({
        consecutiveFailures: whole(1, 10_000)
          .default(5)
          .describe('Number of consecutive failed attempts after which the breaker opens'),
        openMs: duration()
          .default(1_000)
          .describe('Time for which it rejects all attempts, before it lets one through'),
      })
      .optional()
      .describe(
        'Circuit breaker: after consecutive failures, it rejects attempts for a time without sending them (breakerOpen)',
      ),
    bulkhead: z
      .strictObject({
        maxConcurrent: whole(1, 100_000).describe('Maximum attempts in flight'),
        maxQueued: whole(0, 1_000_000)
          .default(0)
          .describe('Maximum waiting attempts; further ones are rejected (bulkheadFull)'),
      })
      .optional()
      .describe(
        'Limits the attempts in flight, and rejects further ones without sending them (bulkheadFull)',
      ),
    timeout: z
      .strictObject({ attemptMs: duration().describe('Time limit of one attempt, to the end of its body') })
      .optional()
      .describe('Abandons each attempt that takes too long (timeoutAttempt)'),
  })
  .refine(
    one => Object.values(one).some(member => member !== undefined),
    'needs one of retry, breaker, bulkhead, timeout',
  )
  .describe(
    'Policies around the client library, by cockatiel, applied in the order retry, breaker, bulkhead, timeout. Each process of a client has its own',
  );
export type Resilience = z.infer<typeof Resilience>;

const optionalCount = (least: number, about: string) => whole(least, 10_000).optional().describe(about);
const optionalLimit = (about: string) =>
  z
    .union([whole(1, MAX_AT_ONCE), z.literal('unlimited')])
    .optional()
    .describe(about);

export const Pool = z.strictObject({
  maxConnections: optionalLimit('Maximum open connections'),
  maxTotalConnections: optionalLimit('Maximum open connections, to all hosts together'),
  maxIdleConnections: optionalCount(0, 'Maximum idle connections; others are closed after their request'),
  idleTimeoutMs: optionalMs('Time after which the client closes an idle connection'),
  idleTimeoutBufferMs: whole(0, LONGEST_DURATION_MS)
    .optional()
    .describe("Safety margin: close idle connections this long before the server's announced timeout"),
  maxLifetimeMs: optionalMs('Maximum age of a connection'),
  pipelining: whole(1, 100).optional().describe('Maximum requests in flight on one connection'),
  maxConcurrentStreams: optionalCount(1, 'Maximum requests in flight on one HTTP/2 connection'),
  scheduling: z
    .enum(['lifo', 'fifo', 'round-robin'])
    .optional()
    .describe(
      'Which idle connection is used next: lifo, the last used; fifo, the one idle longest; round-robin, each in turn (RoundRobinPool of undici)',
    ),
  closing: z
    .enum(['client', 'server', 'reset'])
    .optional()
    .describe(
      'Who closes a connection after its last response: client, the client at once; server, the client waits for the server; reset, the client at once, by a TCP reset',
    ),
  tcpKeepAliveMs: optionalMs('Idle time before the first TCP keep-alive probe'),
  tlsSessions: z
    .enum(['none', 'library', 'pinned'])
    .optional()
    .describe(
      "TLS resumption: none, never; library, from the library's own cache; pinned, from a session that garbage collection cannot remove",
    ),
  tlsContext: z
    .enum(['shared', 'per-connection'])
    .optional()
    .describe('TLS context. shared: created once for all connections; per-connection: created for each'),
});

/**
 * The configuration of a client. An absent pool or timeout setting means the library's own default. A given setting
 * must be supported by the transport, otherwise the scenario is refused.
 */
export const Client = z.strictObject({
  transport: text()
    .default('undici')
    .describe(
      'A client library or load tool by name, or the path of your own module, such as ./my-client.ts',
    ),
  api: z
    .string()
    .optional()
    .describe("Which of the library's interfaces to use (undici: request, dispatch, fetch)"),
  modulePath: z
    .string()
    .optional()
    .describe('Absolute path of the module that transport names; filled in by conntax, never by an author'),
  options: z.record(z.string(), z.json()).optional().describe('Passed unchanged to your own module'),
  ifInstalled: z
    .boolean()
    .default(false)
    .describe(
      'Whether to skip the client if its program is not installed, or cannot read the answers of an external server',
    ),
  protocol: z
    .enum(['http1', 'h2'])
    .default('http1')
    .describe('Protocol of the client; h2 only if the target offers it'),
  requestsPerConnection: z
    .union([whole(1, 1_000_000), z.literal('unlimited')])
    .default('unlimited')
    .describe(
      '1: a new connection for each request; n: a new connection after n requests; unlimited: keep-alive',
    ),
  pool: Pool.default({}),
  timeouts: z
    .strictObject({
      connectMs: optionalMs('Time limit for opening a connection'),
      headersMs: optionalMs('Time limit from sending the request to the response header'),
      bodyMs: optionalMs('Time limit between two chunks of the body'),
      totalMs: optionalMs(
        'Time limit for the whole exchange, including the wait for a connection; enforced by conntax itself',
      ),
    })
    .default({}),
  body: z
    .enum(['read', 'dump', 'cancel', 'ignore'])
    .default('read')
    .describe(
      'What the client does with the body of a response. read: reads it to its end; dump: discards it; cancel: cancels it, which may close the connection; ignore: neither reads nor cancels it, like a program that leaks',
    ),
  interceptors: Interceptors.optional(),
  resilience: Resilience.optional(),
});
export type Client = z.infer<typeof Client>;

/** The dotted paths of all client settings that a transport may support. */
export const CLIENT_SETTINGS: readonly string[] = Object.entries(Client.shape)
  .filter(([name]) => !['transport', 'modulePath', 'ifInstalled'].includes(name))
  .flatMap(([name, schema]) => {
    const inner = 'unwrap' in schema ? schema.unwrap() : schema;
    return 'shape' in inner ? Object.keys(inner.shape).map(key => `${name}.${key}`) : [name];
  });

/** Whether a transport is the path of a module, such as `./my-client.ts`, instead of a registered name. */
export function isModulePath(transport: string): boolean {
  return /[\\/]|\.[cm]?[jt]s$/.test(transport);
}
