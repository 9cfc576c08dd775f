// The schema of the server side: the target with the faults that it injects, and the link between client and target.

import { z } from 'zod';
import { DEFAULT_EXPECTED, STATUS_CLASSES } from './request-facts.ts';
import { duration, LONGEST_DURATION_MS, positiveUpTo, text, VariableName, whole, within } from './values.ts';

/**
 * Length of the accept queue of the target; the kernel limits it to net.core.somaxconn. Node's default of 511 drops SYNs when
 * a thousand clients connect at once, which then take one second to connect.
 */
export const DEFAULT_BACKLOG = 4096;

const ratio = positiveUpTo(1).describe(
  'Share of requests with this fault, drawn with the seed of the run (0.01 = 1 %)',
);

/** A part of each measured window. */
const During = z
  .strictObject({
    fromMs: whole(0, LONGEST_DURATION_MS).describe('Its start, from the start of the measured window'),
    toMs: duration().describe('Its end, from the start of the measured window'),
  })
  .refine(({ fromMs, toMs }) => fromMs < toMs, { path: ['toMs'], error: 'must be more than fromMs' });

const when = {
  ratio,
  during: During.optional().describe(
    'Part of each measured window in which the fault occurs (timing.slicing: whole); default: always',
  ),
};

const FaultKinds = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z
      .literal('status')
      .describe('The answer has an error status, after the same time and with the same body'),
    status: whole(400, 599).default(503).describe('The status, 4xx or 5xx'),
    ...when,
  }),
  z.strictObject({
    kind: z.literal('close').describe('The connection is closed instead of an answer'),
    ...when,
  }),
  z.strictObject({
    kind: z.literal('closeInBody').describe('The connection is closed in the middle of the body'),
    ...when,
  }),
  z.strictObject({
    kind: z.literal('reset').describe('The connection is reset (TCP RST) instead of an answer'),
    ...when,
  }),
  z.strictObject({
    kind: z.literal('noAnswer').describe('Nothing is answered, and the connection stays open'),
    ...when,
  }),
  z.strictObject({
    kind: z.literal('slowBytes').describe('The header is sent as usual, then the body byte by byte'),
    overMs: whole(1, 60_000).default(1_000).describe('Time over which the body is spread evenly'),
    ...when,
  }),
  z.strictObject({
    kind: z
      .literal('connectionClose')
      .describe('The answer is good, but says Connection: close, and the connection is closed after it'),
    ...when,
  }),
]);
export type Fault = z.infer<typeof FaultKinds>;
export type FaultKind = Fault['kind'];

/** Rounding errors of a sum of shares, such as 0.7 + 0.2 + 0.1. */
const ROUNDING = 1e-9;

/** Whether a request that arrives at this time after the start of the measured window meets a fault; NaN: not in one. */
export function isDue({ during }: Pick<Fault, 'during'>, sinceStartMs: number): boolean {
  return during === undefined || (sinceStartMs >= during.fromMs && sinceStartMs < during.toMs);
}

/** The most that the shares of faults add up to at any time. */
function mostAtOnce(faults: readonly Fault[]): number {
  const startsMs = [0, ...faults.flatMap(({ during }) => during?.fromMs ?? [])];
  const sumAt = (atMs: number): number =>
    faults.reduce((sum, fault) => sum + (isDue(fault, atMs) ? fault.ratio : 0), 0);
  return Math.max(...startsMs.map(sumAt));
}

/** A request meets at most one of them, so at any time their shares add up to at most 1. */
export const Faults = z
  .array(FaultKinds)
  .max(20)
  .refine(faults => mostAtOnce(faults) <= 1 + ROUNDING, {
    error: 'a request meets at most one fault, so the ratios must add up to at most 1',
  });

export type Faults = z.infer<typeof Faults>;

/** Kinds after whose answer, or attempt of one, the target closes the connection. */
const CLOSING: readonly FaultKind[] = ['close', 'closeInBody', 'reset', 'connectionClose'];

export function closesConnection({ kind }: Pick<Fault, 'kind'>): boolean {
  return CLOSING.includes(kind);
}

/** Whether the fault happens within the body of an answer, so that there must be one. */
export function needsBody({ kind }: Pick<Fault, 'kind'>): boolean {
  return kind === 'closeInBody' || kind === 'slowBytes';
}

/** What faults add to the mean service time, in ms, outside of the times that some of them have. */
export function meanFaultMs(faults: readonly Fault[]): number {
  return faults.reduce(
    (sum, fault) =>
      sum + (fault.kind === 'slowBytes' && fault.during === undefined ? fault.ratio * fault.overMs : 0),
    0,
  );
}

const ExpectedStatusSchema = z.union([whole(200, 599), z.enum(STATUS_CLASSES)]);

/** What the target answers: a plug-in of servers/behaviours and its own options. */
export const Behaviour = z.looseObject({
  name: z.string().describe('Name of a server behaviour'),
});
export type Behaviour = z.infer<typeof Behaviour>;

const MAX_BACKENDS = 64;
const backendCount = () => whole(1, MAX_BACKENDS);

/** Backends of which some are added while clients are measured. */
export const GrowingBackends = z
  .strictObject({
    from: backendCount().describe('Number of backends at the start of a slice'),
    to: backendCount().describe('Number of backends later'),
    afterMs: whole(0, LONGEST_DURATION_MS).describe(
      'Time from the start of the window until the others are added',
    ),
  })
  .refine(({ from, to }) => from < to, { path: ['to'], error: 'must be more than from' });

const Backends = z
  .union([backendCount(), GrowingBackends])
  .describe(
    'Servers behind the one address of the target, each with its own counters: each new connection goes to the next server, as with a TCP load balancer. { from, to, afterMs }: servers are added during each slice (timing.slicing: whole)',
  );

/** How many there are in the end. */
export function countBackends({ backends }: { backends: z.infer<typeof Backends> }): number {
  return typeof backends === 'number' ? backends : backends.to;
}

/** The longest path of a Unix socket on Linux, which adds a final zero. */
const LONGEST_SOCKET_PATH = 107;

/** Settings of how a server is reached, which only some clients can follow. */
export const REACH_SETTINGS = ['certFile', 'serverName', 'socketPath', 'proxy', 'origins', 'urls'] as const;

/** As many as a table of them can show. */
export const MAX_ORIGINS = 50;

/** How often an origin is drawn, relative to the others. */
const weight = () => positiveUpTo(1_000);

/** How conntax learns the port of a server that it starts by a command. */
export const PORT_SOURCES = ['env', 'output'] as const;

/** The settings of a server that a command starts. */
const CommandSettings = z.strictObject({
  command: z
    .string()
    .regex(/\S/, 'a command line')
    .optional()
    .describe(
      'Command line that starts your own server on this machine, over plain HTTP; sh runs it in a separate process group',
    ),
  cwd: text()
    .optional()
    .describe(
      'Folder in which the command runs, relative to the folder of the scenario file; default: that folder',
    ),
  env: z
    .record(VariableName, z.string())
    .optional()
    .describe('Environment variables for the command, in addition to those of conntax'),
  portFrom: z
    .enum(PORT_SOURCES)
    .optional()
    .describe(
      'env: conntax chooses a free port and passes it in portEnv; output: the server chooses a port (portEnv is 0) and prints it, such as http://127.0.0.1:3000 or port 3000; default: env',
    ),
  portEnv: VariableName.optional().describe(
    'Environment variable that passes the port to the command; default: PORT',
  ),
  ready: z
    .string()
    .regex(/^\/[\x21-\x7e]*$/, "a path from the root, such as '/health'")
    .optional()
    .describe(
      "Path that answers with a status below 400 when the server is ready; default: any answer to '/'",
    ),
  readyTimeoutMs: whole(100, 600_000)
    .optional()
    .describe('Time after which a server that is not ready counts as failed; default: 30000'),
});

/** Settings of a server that a command starts, besides the command itself. */
export const COMMAND_SETTINGS = Object.keys(CommandSettings.omit({ command: true }).shape) as Exclude<
  keyof z.infer<typeof CommandSettings>,
  'command'
>[];

const ExternalUrl = z.url({ protocol: /^https?$/ });

/** Where requests go to one of several external servers. */
const WeightedUrl = z.strictObject({
  url: ExternalUrl.describe('URL with path of an external server'),
  weight: weight()
    .default(1)
    .describe('Relative share of the requests: with weights 3 and 1, three quarters go to the first'),
});

/** The server under load, shared by all clients of a cell: conntax's own, external ones by `url` or `urls`, or one that a `command` starts. */
export const Target = z.strictObject({
  url: ExternalUrl.optional().describe(
    'URL, with path, of an external server; the settings below then describe that server',
  ),
  urls: z
    .array(z.union([ExternalUrl, WeightedUrl]))
    .min(2)
    .max(MAX_ORIGINS)
    .optional()
    .describe(
      'Several external servers instead of url, each at its own origin. The seed decides which server each request goes to: all equally often, or by { url, weight }. The settings below then describe each server',
    ),
  ...CommandSettings.shape,
  caFile: text()
    .optional()
    .describe(
      "PEM file of the authority that signed the certificate of url; default: the system's authorities",
    ),
  certFile: text()
    .optional()
    .describe('PEM file of the certificate that clients send to the server (mutual TLS)'),
  keyFile: text()
    .optional()
    .describe("PEM file of that certificate's private key; default: certFile, which then holds both"),
  passphrase: z
    .strictObject({ env: VariableName.describe('Its name') })
    .optional()
    .describe('Environment variable that holds the passphrase of an encrypted key'),
  insecure: z
    .boolean()
    .optional()
    .describe(
      'Whether to accept any certificate of the server, even an expired one or that of another server',
    ),
  serverName: z
    .string()
    .regex(/^(?![\d.]+$)[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?$/, 'a host name, and no address')
    .optional()
    .describe(
      'Name of the server in TLS (SNI), in its certificate and in the Host header, if it differs from the host of url; load still goes to the host of url',
    ),
  socketPath: text()
    .max(LONGEST_SOCKET_PATH)
    .optional()
    .describe('Unix socket to connect to, instead of the host and port of url'),
  proxy: z
    .union([
      z.url({ protocol: /^http$/ }),
      z.strictObject({
        env: VariableName.describe(
          'Environment variable that holds the URL, which may contain a user and a password',
        ),
      }),
    ])
    .optional()
    .describe(
      "HTTP proxy for requests to url, such as 'http://127.0.0.1:3128'. Clients open a tunnel (CONNECT) to an https server, and send the proxy their requests to an http server. For a URL with a password, name the environment variable that holds it: { env: 'PROXY_URL' }",
    ),
  origins: z
    .union([whole(1, MAX_ORIGINS), z.array(weight()).min(1).max(MAX_ORIGINS)])
    .optional()
    .describe(
      "Number of origins of conntax's own server (ports of one process), which receive requests equally often; or the relative share of each, as in [3, 1]. Default: 1",
    ),
  behaviour: Behaviour.default({ name: 'fixed' }),
  protocol: z
    .enum(['http1', 'h2'])
    .default('http1')
    .describe('h2: the server offers HTTP/2 as well as HTTP/1.1, over TLS'),
  tls: z.enum(['none', '1.2', '1.3']).default('none').describe('TLS version, or none for plain TCP'),
  tlsKey: z.enum(['ec', 'rsa']).default('ec').describe('Key of the certificate: EC P-256 or RSA 2048'),
  maxConcurrentStreams: whole(1, 10_000)
    .default(100)
    .describe('Maximum requests in flight that the server allows on an HTTP/2 connection'),
  keepAliveTimeoutMs: whole(0, 600_000)
    .nullable()
    .default(72_000)
    .describe('Time after which the server closes an idle connection (0: never)'),
  maxRequestsPerSocket: whole(0, 1_000_000)
    .nullable()
    .default(0)
    .describe('Number of requests after which the server closes a connection (0: no limit)'),
  keepAliveHint: z
    .boolean()
    .nullable()
    .default(true)
    .describe('Whether responses have a Keep-Alive: timeout=N header, which clients may obey'),
  connectionClose: z
    .boolean()
    .nullable()
    .default(false)
    .describe('Whether the server answers every request with Connection: close'),
  framing: z
    .enum(['length', 'chunked', 'close'])
    .optional()
    .describe(
      'What ends the body of a response over HTTP/1.1. length: its Content-Length; chunked: its last chunk; close: the end of the connection, which then carries one request. Default: length, and chunked for the behaviour stream, whose length is not known in advance',
    ),
  backlog: whole(1, 65_535)
    .optional()
    .describe(
      `Length of the accept queue. While the server accepts no connections, this number plus one can wait; the kernel drops any further SYN, and clients send it again after 1 s. Default: ${DEFAULT_BACKLOG}`,
    ),
  accepts: z
    .boolean()
    .optional()
    .describe(
      'false: the accept queue is full from the start, so no connection is ever established, as behind a firewall that drops packets. Default: true',
    ),
  backends: Backends.default(1),
  faults: Faults.default([]).describe(
    "Faults in a share of the target's answers; each request gets at most one",
  ),
  expectStatus: z
    .array(ExpectedStatusSchema)
    .min(1)
    .default([...DEFAULT_EXPECTED])
    .describe(
      'Statuses of successful responses, by number or class (2xx to 5xx); any other counts as failed',
    ),
});
export type Target = z.infer<typeof Target>;

/** Whether the server, or each of several, runs already: at a url, or at urls. */
export function isExternal({ url, urls }: Pick<Target, 'url' | 'urls'>): boolean {
  return url !== undefined || urls !== undefined;
}

/** Whether the server is conntax's own: neither external, nor started by a command. */
export function isBuiltIn(target: Pick<Target, 'url' | 'urls' | 'command'>): boolean {
  return !isExternal(target) && target.command === undefined;
}

/** Settings that describe a server which is not conntax's own; null: unknown. */
export const STATEMENTS = [
  'keepAliveTimeoutMs',
  'maxRequestsPerSocket',
  'keepAliveHint',
  'connectionClose',
] as const satisfies readonly (keyof Target)[];

/** Makes absent settings of any server but conntax's own unknown: the defaults describe that one only. */
export function withUnknowns<Raw>(raw: Raw): Raw {
  if (typeof raw !== 'object' || raw === null || isBuiltIn(raw)) return raw;
  const stated = Object.entries(raw).filter(([, value]) => value !== undefined);
  return {
    ...Object.fromEntries(STATEMENTS.map(name => [name, null])),
    ...Object.fromEntries(stated),
  } as Raw;
}

type Statement = (typeof STATEMENTS)[number];

/** conntax's own server, which follows its settings, so none is unknown. */
export type OwnTarget = Target & { [Name in Statement]: NonNullable<Target[Name]> };

/** A network between generator and target, emulated by a relay that all clients of a cell go through. */
export const Link = z.strictObject({
  roundTripMs: within(0, 2_000)
    .default(0)
    .describe('Round-trip time: half is added in each direction, and all of it when a connection is opened'),
  jitterMs: within(0, 1_000)
    .default(0)
    .describe('Maximum additional delay in each direction, drawn uniformly; order is kept'),
  bytesPerSec: z
    .union([whole(1_000, 100_000_000_000), z.literal('unlimited')])
    .default('unlimited')
    .describe('Throughput of each connection in each direction'),
  silentAfterIdleMs: whole(10, LONGEST_DURATION_MS)
    .optional()
    .describe(
      'Idle time after which a middlebox forgets a connection: all later bytes, closes and resets are lost, and neither side is notified. Default: never',
    ),
});
export type Link = z.infer<typeof Link>;

/** A request on an open connection takes one round trip. */
export const REQUEST_ROUND_TRIPS = 1;

/** SYN and its answer; the first bytes can leave with the last packet of the handshake. */
const TCP_ROUND_TRIPS = 1;

/**
 * Round trips of the TLS handshake before the request: TLS 1.3 (RFC 8446, 2) one, resumed or not, without early data;
 * TLS 1.2 (RFC 5246, 7.3) two, or one with a resumed session.
 */
const TLS_ROUND_TRIPS: Record<Target['tls'], { full: number; resumed: number }> = {
  none: { full: 0, resumed: 0 },
  '1.2': { full: 2, resumed: 1 },
  '1.3': { full: 1, resumed: 1 },
};

/** Round trips until a new connection can carry its first request. */
export function openingRoundTrips(tls: Target['tls'], handshake: 'full' | 'resumed'): number {
  return TCP_ROUND_TRIPS + TLS_ROUND_TRIPS[tls][handshake];
}

/** The most round trips of a request: one on a new connection. */
export const MAX_ROUND_TRIPS = REQUEST_ROUND_TRIPS + openingRoundTrips('1.2', 'full');

/** Each direction adds up to jitterMs, drawn uniformly: half of it on average. */
export function meanRoundTripMs({ roundTripMs, jitterMs }: Link): number {
  return roundTripMs + jitterMs;
}

export function longestRoundTripMs({ roundTripMs, jitterMs }: Link): number {
  return roundTripMs + 2 * jitterMs;
}
