// In: what a scenario author may write of a client. Out: one arm's settings, resolved, with every default filled in.
import { z } from 'zod';
import { MOST_AT_ONCE } from './load.ts';

const optionalMs = (about: string) => z.int().min(1).max(3_600_000).optional().describe(about);
const optionalCount = (least: number, about: string) =>
  z.int().min(least).max(10_000).optional().describe(about);
const optionalLimit = (about: string) =>
  z
    .union([z.int().min(1).max(MOST_AT_ONCE), z.literal('unlimited')])
    .optional()
    .describe(about);

export const Pool = z.strictObject({
  maxConnections: optionalLimit('Connections open at once'),
  maxTotalConnections: optionalLimit('Connections open at once, to all hosts together'),
  maxIdleConnections: optionalCount(0, 'Idle connections kept; what is above is closed after its request'),
  idleTimeoutMs: optionalMs('How long the client keeps an idle connection'),
  idleTimeoutBufferMs: z
    .int()
    .min(0)
    .max(3_600_000)
    .optional()
    .describe("So much before the end of the server's Keep-Alive hint an idle connection is given up"),
  maxLifetimeMs: optionalMs('A connection is used for so long after it was opened, then a new one'),
  pipelining: z.int().min(1).max(100).optional().describe('Requests in flight on one connection'),
  maxConcurrentStreams: optionalCount(1, 'Requests in flight on one HTTP/2 connection'),
  scheduling: z
    .enum(['lifo', 'fifo'])
    .optional()
    .describe('Which idle connection is taken: the one used last, or the one idle longest'),
  tcpKeepAliveMs: optionalMs('First TCP keep-alive probe on an idle connection'),
  tlsSessions: z
    .enum(['none', 'library', 'pinned'])
    .optional()
    .describe("TLS resumption: never, as the library caches, or from a session that can't be lost to GC"),
});

/**
 * One arm: how a client is configured. A pool or timeout setting that is left out is the library's own default; one
 * that is given must be honoured by the transport, else the scenario is refused.
 */
export const Client = z.strictObject({
  transport: z
    .string()
    .min(1)
    .default('undici')
    .describe(
      'A client library from the registry, or the path of a module of your own, such as ./my-client.ts',
    ),
  api: z
    .string()
    .optional()
    .describe("Which of the library's interfaces to use (undici: request, dispatch, fetch)"),
  modulePath: z
    .string()
    .optional()
    .describe(
      'Where the module was found that transport names by a path; said by conntax, never by an author',
    ),
  options: z.record(z.string(), z.json()).optional().describe('Given to a module of your own as they are'),
  ifInstalled: z
    .boolean()
    .default(false)
    .describe(
      'Whether the arm is left out where the program that it needs is not installed, or cannot read what a server of a url answers',
    ),
  protocol: z
    .enum(['http1', 'h2'])
    .default('http1')
    .describe('What the client speaks; h2 only where the target offers it'),
  requestsPerConnection: z
    .union([z.int().min(1).max(1_000_000), z.literal('unlimited')])
    .default('unlimited')
    .describe('1: a new connection for each request; n: n requests, then a new one; unlimited: keep-alive'),
  pool: Pool.default({}),
  timeouts: z
    .strictObject({
      connectMs: optionalMs('Until the connection is open'),
      headersMs: optionalMs('From the request sent to its response header'),
      bodyMs: optionalMs('Between two pieces of the body'),
      totalMs: optionalMs(
        'The whole exchange, waiting for a connection included; kept by the harness itself',
      ),
    })
    .default({}),
  body: z
    .enum(['read', 'dump'])
    .default('read')
    .describe('read: the whole body is read; dump: it is discarded'),
});
export type Client = z.infer<typeof Client>;

/** Every setting of a client by its dotted path, but for the transport itself and whether its arm may be left out. */
export const CLIENT_SETTINGS: readonly string[] = Object.entries(Client.shape)
  .filter(([name]) => !['transport', 'modulePath', 'ifInstalled'].includes(name))
  .flatMap(([name, schema]) => {
    const inner = 'unwrap' in schema ? schema.unwrap() : schema;
    return 'shape' in inner ? Object.keys(inner.shape).map(key => `${name}.${key}`) : [name];
  });

/** Connections that a pool may have open at once, to a single target; Infinity where neither limit says. */
export function connectionLimit({ maxConnections, maxTotalConnections }: z.infer<typeof Pool>): number {
  return Math.min(
    ...[maxConnections, maxTotalConnections].map(limit =>
      typeof limit === 'number' ? limit : Number.POSITIVE_INFINITY,
    ),
  );
}

/** Whether a transport is named by the path of a module, as in `./my-client.ts`, and not by its name in the registry. */
export function isModulePath(transport: string): boolean {
  return /[\\/]|\.[cm]?[jt]s$/.test(transport);
}
