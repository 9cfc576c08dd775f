// The schema of a client: its settings, their ranges, defaults and descriptions.
import { z } from 'zod';
import { Interceptors } from './interceptors.ts';
import { MOST_AT_ONCE } from './load.ts';
import { Resilience } from './resilience.ts';

const optionalMs = (about: string) => z.int().min(1).max(3_600_000).optional().describe(about);
const optionalCount = (least: number, about: string) =>
  z.int().min(least).max(10_000).optional().describe(about);
const optionalLimit = (about: string) =>
  z
    .union([z.int().min(1).max(MOST_AT_ONCE), z.literal('unlimited')])
    .optional()
    .describe(about);

export const Pool = z.strictObject({
  maxConnections: optionalLimit('Maximum open connections'),
  maxTotalConnections: optionalLimit('Maximum open connections, to all hosts together'),
  maxIdleConnections: optionalCount(0, 'Maximum idle connections; others are closed after their request'),
  idleTimeoutMs: optionalMs('Time after which the client closes an idle connection'),
  idleTimeoutBufferMs: z
    .int()
    .min(0)
    .max(3_600_000)
    .optional()
    .describe("Safety margin: close idle connections this long before the server's announced timeout"),
  maxLifetimeMs: optionalMs('Maximum age of a connection'),
  pipelining: z.int().min(1).max(100).optional().describe('Maximum requests in flight on one connection'),
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
    .describe(
      'The TLS configuration in memory: shared: made once for all connections; per-connection: made again for each',
    ),
});

/**
 * The configuration of a client. An absent pool or timeout setting means the library's own default. A given setting
 * must be supported by the transport, otherwise the scenario is refused.
 */
export const Client = z.strictObject({
  transport: z
    .string()
    .min(1)
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
    .union([z.int().min(1).max(1_000_000), z.literal('unlimited')])
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
      'What is done with the body of a response: read: read to its end; dump: discarded; cancel: given up, which may close the connection; ignore: neither read nor given up, as by a program that leaks it',
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
