// The schema of the server side: the target, and the link between client and target.
import { z } from 'zod';
import { Faults } from './fault.ts';
import { VariableName } from './request.ts';
import { DEFAULT_EXPECTED, STATUS_CLASSES } from './request-facts.ts';

const ExpectedStatusSchema = z.union([z.int().min(200).max(599), z.enum(STATUS_CLASSES)]);

/** What the target answers: a plug-in of servers/behaviours and its own options. */
export const Behaviour = z.looseObject({
  name: z.string().describe('A server behaviour from the registry: fixed, delay, mixed, stream, stall'),
});
export type Behaviour = z.infer<typeof Behaviour>;

const MOST_BACKENDS = 64;
const backendCount = () => z.int().min(1).max(MOST_BACKENDS);

/** Backends of which some are added while clients are measured. */
export const GrowingBackends = z
  .strictObject({
    from: backendCount().describe('Number of backends at the start of a slice'),
    to: backendCount().describe('Number of backends later'),
    afterMs: z
      .int()
      .min(0)
      .max(3_600_000)
      .describe('Time from the start of the window until the others are added'),
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
export const MOST_ORIGINS = 50;

/** How often an origin is drawn, relative to the others. */
const weight = () => z.number().gt(0).max(1_000);

/** How conntax learns the port of a server that it starts by a command. */
export const PORT_SOURCES = ['env', 'output'] as const;

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The settings of a server that a command starts. */
const CommandSettings = z.strictObject({
  command: z
    .string()
    .regex(/\S/, 'a command line')
    .optional()
    .describe(
      'Command line that starts your own server on this machine, over plain HTTP; sh runs it in a separate process group',
    ),
  cwd: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Folder in which the command runs, relative to the folder of the scenario file; default: that folder',
    ),
  env: z
    .record(z.string().regex(VARIABLE, 'the name of an environment variable'), z.string())
    .optional()
    .describe('Environment variables for the command, in addition to those of conntax'),
  portFrom: z
    .enum(PORT_SOURCES)
    .optional()
    .describe(
      'env: conntax chooses a free port and passes it in portEnv; output: the server chooses a port (portEnv is 0) and prints it, such as http://127.0.0.1:3000 or port 3000; default: env',
    ),
  portEnv: z
    .string()
    .regex(VARIABLE, 'the name of an environment variable')
    .optional()
    .describe('Environment variable that passes the port to the command; default: PORT'),
  ready: z
    .string()
    .regex(/^\/[\x21-\x7e]*$/, "a path from the root, such as '/health'")
    .optional()
    .describe(
      "Path that answers with a status below 400 when the server is ready; default: any answer to '/'",
    ),
  readyTimeoutMs: z
    .int()
    .min(100)
    .max(600_000)
    .optional()
    .describe('Time after which a server that is not ready counts as failed; default: 30000'),
});

/** Of a server that a command starts, besides the command itself. */
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
    .max(MOST_ORIGINS)
    .optional()
    .describe(
      'Several external servers instead of url, each at its own origin. The seed decides which server each request goes to: all equally often, or by { url, weight }. The settings below then describe each server',
    ),
  ...CommandSettings.shape,
  caFile: z
    .string()
    .min(1)
    .optional()
    .describe(
      "PEM file of the authority that signed the certificate of url; default: the system's authorities",
    ),
  certFile: z
    .string()
    .min(1)
    .optional()
    .describe('PEM file of the certificate that clients send to the server (mutual TLS)'),
  keyFile: z
    .string()
    .min(1)
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
  socketPath: z
    .string()
    .min(1)
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
    .union([z.int().min(1).max(MOST_ORIGINS), z.array(weight()).min(1).max(MOST_ORIGINS)])
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
  maxConcurrentStreams: z
    .int()
    .min(1)
    .max(10_000)
    .default(100)
    .describe('Maximum requests in flight that the server allows on an HTTP/2 connection'),
  keepAliveTimeoutMs: z
    .int()
    .min(0)
    .max(600_000)
    .nullable()
    .default(72_000)
    .describe('Time after which the server closes an idle connection (0: never)'),
  maxRequestsPerSocket: z
    .int()
    .min(0)
    .max(1_000_000)
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
  backlog: z
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .describe(
      'Length of the accept queue. While the server accepts no connections, this number plus one can wait; the kernel drops any further SYN, and clients send it again after 1 s. Default: 4096',
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
  roundTripMs: z
    .number()
    .min(0)
    .max(2_000)
    .default(0)
    .describe('Round-trip time: half is added in each direction, and all of it when a connection is opened'),
  jitterMs: z
    .number()
    .min(0)
    .max(1_000)
    .default(0)
    .describe('Maximum additional delay in each direction, drawn uniformly; order is kept'),
  bytesPerSec: z
    .union([z.int().min(1_000).max(100_000_000_000), z.literal('unlimited')])
    .default('unlimited')
    .describe('Throughput of each connection in each direction'),
  silentAfterIdleMs: z
    .int()
    .min(10)
    .max(3_600_000)
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
export const MOST_ROUND_TRIPS = REQUEST_ROUND_TRIPS + openingRoundTrips('1.2', 'full');

/** Each direction adds up to jitterMs, drawn uniformly: half of it on average. */
export function meanRoundTripMs({ roundTripMs, jitterMs }: Link): number {
  return roundTripMs + jitterMs;
}

export function longestRoundTripMs({ roundTripMs, jitterMs }: Link): number {
  return roundTripMs + 2 * jitterMs;
}
