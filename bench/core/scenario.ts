// In: what a scenario author may write. Out: the same, resolved, with every default filled in at one place.
import { z } from 'zod';

const positiveMs = (about: string) => z.int().min(1).max(3_600_000).describe(about);

/** What the target answers with: a plug-in of servers/behaviours and that plug-in's own options. */
export const Behaviour = z.looseObject({
  name: z.string().describe('A server behaviour from the registry: fixed, delay, stream'),
});
export type Behaviour = z.infer<typeof Behaviour>;

/** The local server that is driven, shared by all arms of a cell. */
export const Target = z.strictObject({
  behaviour: Behaviour.default({ name: 'fixed' }),
  protocol: z.enum(['http1']).default('http1').describe('Application protocol'),
  tls: z.enum(['none', '1.2', '1.3']).default('none').describe('TLS version, or none for plain TCP'),
  keepAliveTimeoutMs: z
    .int()
    .min(0)
    .max(600_000)
    .default(72_000)
    .describe('How long the server keeps an idle connection open; 0 means for ever'),
  maxRequestsPerSocket: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(0)
    .describe('The server closes a connection after so many requests; 0 means no limit'),
  keepAliveHint: z
    .boolean()
    .default(true)
    .describe('Whether responses carry Keep-Alive: timeout=N, which clients may obey'),
  connectionClose: z
    .boolean()
    .default(false)
    .describe('Whether the server answers every request with Connection: close'),
});
export type Target = z.infer<typeof Target>;

/** When requests are sent. Closed model: a fixed number of users, each waiting for its answer. */
export const Load = z.strictObject({
  model: z.literal('closed').default('closed'),
  concurrency: z.int().min(1).max(10_000).default(100).describe('Users that send one request at a time'),
  thinkMs: z
    .number()
    .min(0)
    .max(60_000)
    .default(0)
    .describe('Pause of a user between answer and next request'),
});
export type Load = z.infer<typeof Load>;

/** How long to measure, and how sure to be. */
export const Timing = z.strictObject({
  warmupMinMs: z
    .int()
    .min(0)
    .max(60_000)
    .default(1_000)
    .describe('Least load an arm gets before it is measured'),
  warmupMaxMs: z
    .int()
    .min(0)
    .max(120_000)
    .default(2_000)
    .describe('Most load an arm gets while it is not steady'),
  measureMs: positiveMs('Steady time measured per arm and replicate').default(1_500),
  slicing: z
    .enum(['alternate', 'whole'])
    .default('alternate')
    .describe('alternate: arms take turns in short slices; whole: one slice an arm and replicate'),
  sliceMs: z.int().min(20).max(60_000).default(100).describe('Shortest steady window of a slice'),
  sliceResponses: z
    .int()
    .min(1)
    .max(1_000)
    .default(20)
    .describe('A steady window is at least so many mean response times long'),
  minReplicates: z.int().min(1).max(100).default(3),
  maxReplicates: z.int().min(1).max(1_000).default(30),
  budgetMs: positiveMs('Time after which no further replicate of a cell is started').default(60_000),
  precision: z
    .number()
    .gt(0)
    .max(1)
    .default(0.05)
    .describe('Stop when the 95 % interval of every ratio of requests/s is within so much (0.05 = 5 %)'),
});
export type Timing = z.infer<typeof Timing>;

const optionalMs = (about: string) => z.int().min(1).max(3_600_000).optional().describe(about);

/**
 * One arm: how a client is configured. A pool or timeout setting that is left out is the library's own default; one
 * that is given must be honoured by the transport, else the scenario is refused.
 */
export const Client = z.strictObject({
  transport: z.string().default('undici').describe('A client library from the registry'),
  api: z
    .string()
    .optional()
    .describe("Which of the library's interfaces to use (undici: request, dispatch, fetch)"),
  requestsPerConnection: z
    .union([z.int().min(1).max(1_000_000), z.literal('unlimited')])
    .default('unlimited')
    .describe('1: a new connection for each request; n: n requests, then a new one; unlimited: keep-alive'),
  pool: z
    .strictObject({
      maxConnections: z
        .union([z.int().min(1).max(10_000), z.literal('unlimited')])
        .optional()
        .describe('Connections open at once'),
      idleTimeoutMs: optionalMs('How long the client keeps an idle connection'),
      pipelining: z.int().min(1).max(100).optional().describe('Requests in flight on one connection'),
      tlsSessions: z
        .enum(['none', 'library', 'pinned'])
        .optional()
        .describe("TLS resumption: never, as the library caches, or from a session that can't be lost to GC"),
    })
    .default({}),
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

/** One question: a cell (target, load) and the arms compared in it. */
export const Scenario = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/, 'lower-case letters, digits and dashes')
    .describe('Names the scenario on the command line and in reports'),
  question: z.string().min(1).describe('What a reader learns from the result'),
  tags: z.array(z.string().regex(/^[a-z0-9][a-z0-9-]*$/)).default([]),
  target: Target.prefault({}),
  load: Load.prefault({}),
  timing: Timing.prefault({}),
  clients: z
    .record(z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'lower-case letters, digits and dashes'), Client)
    .describe('The arms: at least one, by name'),
  baseline: z.string().describe('The arm that all others are compared with'),
});
export type Scenario = z.infer<typeof Scenario>;
export type ScenarioInput = z.input<typeof Scenario>;
