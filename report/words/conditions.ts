// Describes the conditions of a cell: what all arms shared, how each client was configured, and what an external server was found to be.
import { win32 } from 'node:path';
import { asOwnTarget } from '../../results/connections.ts';
import {
  type CellResult,
  closingReason,
  type ForeignServer,
  foundServers,
  isUnixSocket,
} from '../../results/model/run.ts';
import { type Client, isModulePath } from '../../scenarios/model/client.ts';
import { externalUrls, originShares, own } from '../../scenarios/model/facts.ts';
import { describeRequest, type NamedRequest } from '../../scenarios/model/request.ts';
import { DEFAULT_EXPECTED, isExpectedStatus } from '../../scenarios/model/request-facts.ts';
import type { Limits, Scenario, Timing } from '../../scenarios/model/scenario.ts';
import { type Behaviour, isBuiltIn, isExternal, type Target } from '../../scenarios/model/target.ts';
import type { CellView } from '../cell-view.ts';
import type { Fact } from '../model.ts';
import { describeFaults } from './faults.ts';
import { describeLink } from './link.ts';
import { describeLoad, formatRate, listed } from './load.ts';
import { formatCount, formatPercent } from './numbers.ts';
import { describeInterceptors, describeResilience } from './resending.ts';

/** What a reader must know about an external server: a bad response before the run, or one that contradicts the scenario. */
export function foreignRemarks(server: ForeignServer, target: Target): string[] {
  return remarksOn(server, target).map(remark => `${serverName(server, target)} ${remark}`);
}

function remarksOn(server: ForeignServer, target: Target): string[] {
  return [
    ...trustRemarks(server),
    ...statusRemarks(server, target),
    ...interimRemarks(server),
    ...closeRemarks(server, target),
    ...hintRemarks(server, target),
  ];
}

/** A server that conntax starts has another port each time. */
function serverName({ url }: ForeignServer, { command }: Target): string {
  return command === undefined ? url : `The server of ${quoted(command)}`;
}

function quoted(command: string): string {
  return `"${command}"`;
}

function trustRemarks({ isUnverified }: ForeignServer): string[] {
  return isUnverified
    ? [
        'was not verified: target.insecure accepts any certificate, so the figures may be those of another server',
      ]
    : [];
}

function statusRemarks({ status }: ForeignServer, { expectStatus }: Target): string[] {
  return isExpectedStatus(expectStatus, status)
    ? []
    : [
        `responded with status ${status} before the run; each such response counts as a failed request (bad status) unless target.expectStatus lists it`,
      ];
}

function interimRemarks({ interimStatuses }: ForeignServer): string[] {
  return interimStatuses.length === 0
    ? []
    : [
        `sends an interim response (${interimStatuses.join(', ')}) first; no client counts it, and times run to the final response`,
      ];
}

function closeRemarks(server: ForeignServer, { connectionClose }: Target): string[] {
  const reason = closingReason(server);
  if (reason !== undefined && connectionClose !== true) {
    return [
      `${reason}, so every request needs a new connection, and there is nothing to reuse; a scenario declares it with target.connectionClose: true`,
    ];
  }
  return reason === undefined && connectionClose === true
    ? ['responds without Connection: close, which contradicts target.connectionClose: true']
    : [];
}

function hintRemarks(
  { keepAliveHeader }: ForeignServer,
  { keepAliveHint, keepAliveTimeoutMs }: Target,
): string[] {
  if (keepAliveHeader === null) {
    return keepAliveHint === true
      ? ['responds without a Keep-Alive header, which contradicts target.keepAliveHint: true']
      : [];
  }
  if (keepAliveHint === false) {
    return [`responds with Keep-Alive: ${keepAliveHeader}, which contradicts target.keepAliveHint: false`];
  }
  const seconds = /(?:^|[,\s])timeout=(\d+)/i.exec(keepAliveHeader)?.[1];
  return seconds !== undefined && keepAliveTimeoutMs !== null && Number(seconds) * 1_000 > keepAliveTimeoutMs
    ? [`announces Keep-Alive: ${keepAliveHeader}, but target.keepAliveTimeoutMs is ${keepAliveTimeoutMs}`]
    : [];
}

/** Of versions that are compared, each has a folder of its own, from which a path begins; that of a scenario is absolute. */
function commandPlace(cwd: string): string {
  if (win32.isAbsolute(cwd)) return cwd; // on other systems too
  return cwd === '.' ? 'the folder of each version' : `${cwd} in the folder of each version`;
}

/** Describes a target with a command. */
function describeStartedTarget({
  command = '',
  cwd,
  portFrom = 'env',
  portEnv = 'PORT',
  ready,
}: Target): string {
  return [
    `started by ${quoted(command)}${cwd === undefined ? '' : ` in ${commandPlace(cwd)}`}`,
    portFrom === 'env' ? `port given in ${portEnv}` : 'port read from its output',
    ...(ready === undefined ? [] : [`ready when ${ready} answers`]),
  ].join(', ');
}

/** Describes a target with a url, or urls. */
function describeExternalTarget(target: Target): string {
  const { url, protocol, serverName, socketPath, certFile, insecure, proxy } = target;
  return [
    url === undefined ? describeExternalOrigins(target) : `external server at ${url}`,
    ...(socketPath === undefined ? [] : [`by the Unix socket ${socketPath}`]),
    ...(proxy === undefined
      ? []
      : [`through the HTTP proxy ${typeof proxy === 'string' ? proxy : `in the variable ${proxy.env}`}`]),
    ...(serverName === undefined ? [] : [`by the name ${serverName}`]),
    ...(certFile === undefined ? [] : ['with a client certificate']),
    ...(insecure === true ? ['its certificate NOT verified'] : []),
    ...(protocol === 'h2' ? ['declared to offer HTTP/2'] : []),
  ].join(', ');
}

/** `external servers at http://127.0.0.1:3001/ (75 % of the requests) and http://127.0.0.1:3002/ (25 %)`. */
function describeExternalOrigins(target: Target): string {
  const parts = sharesInPercent(target);
  const places = externalUrls(target).map(
    (url, index) => `${url} (${parts[index]}${index === 0 ? ' of the requests' : ''})`,
  );
  return `external servers at ${listed(places)}`;
}

/** The connection policy that the scenario declares for an external server, and which parts it leaves open. */
function describeDeclaredPolicy(target: Target): string {
  const { connectionClose, keepAliveTimeoutMs, maxRequestsPerSocket, keepAliveHint } = target;
  const known: string[] = [];
  const unknown: string[] = [];
  if (connectionClose === null) unknown.push('whether responses carry Connection: close');
  else if (connectionClose) return 'declared by the scenario: every response carries Connection: close';
  if (keepAliveTimeoutMs === null) unknown.push('how long idle connections are kept');
  else if (keepAliveTimeoutMs === 0) known.push('idle connections kept indefinitely');
  else known.push(`idle connections kept for ${formatCount(keepAliveTimeoutMs)} ms`);
  if (maxRequestsPerSocket === null) unknown.push('how many requests a connection may carry');
  else if (maxRequestsPerSocket === 0) known.push('unlimited requests per connection');
  else known.push(describeRequestLimit(maxRequestsPerSocket));
  if (keepAliveHint === null) unknown.push('whether it sends a Keep-Alive header');
  else known.push(keepAliveHint ? 'sends a Keep-Alive header' : 'no Keep-Alive header');
  return [
    ...(known.length === 0 ? [] : [`declared by the scenario: ${known.join(', ')}`]),
    ...(unknown.length === 0 ? [] : [`not declared: ${unknown.join(', ')}`]),
  ].join('; ');
}

/** What limits the figures of a cell with an external server; empty otherwise. */
export function foreignCaveats(result: CellResult): string[] {
  const { target } = result.scenario;
  const servers = foundServers(result);
  const [server] = servers;
  if (server === undefined) return [];
  if (target.command !== undefined) {
    return [
      ...foreignRemarks(server, target),
      `${serverName(server, target)} runs on this machine, pinned as conntax's own would be. Its CPU time and memory are those of all its processes, by the kernel; its handshakes and the requests that reached it are unknown.`,
    ];
  }
  // An agent on the server's machine reads both (--server).
  const isCpuKnown = result.arms.some(({ targetCpuUsPerRequest }) => targetCpuUsPerRequest !== null);
  const areAcceptsKnown = result.arms.some(({ acceptedBy }) => acceptedBy === 'serverKernel');
  return [
    ...servers.flatMap(each => foreignRemarks(each, target)),
    ...otherRemarks(result),
    servers.length === 1
      ? `${server.url} is an external server: conntax did not pin it to a core, it was warmed up only by the clients' own load, and ${isCpuKnown ? '' : 'its CPU use, '}its handshakes and the requests that reached it are unknown.`
      : `${listed(servers.map(({ url }) => url))} are external servers: conntax did not pin them to cores, they were warmed up only by the clients' own load, and ${isCpuKnown ? '' : 'their CPU use, '}their handshakes, and the requests and connections that reached each of them are unknown.`,
    ...(isUnixSocket(server)
      ? [
          'It is reached by a Unix socket: there are no TCP connections for the kernel to count, so how many it accepted is unknown, and a connection costs no port.',
        ]
      : []),
    ...proxyCaveats(server),
    ...(server.proxy === null ? distanceCaveats(servers, areAcceptsKnown) : []),
  ];
}

/** What the answers to further requests add to those of the first: a server may close after some of them only. */
function otherRemarks(result: CellResult): string[] {
  const { target } = result.scenario;
  const known = new Set(foundServers(result).flatMap(each => remarksOn(each, target)));
  return result.otherAnswers.flatMap(({ asked, found }) =>
    remarksOn(found, target)
      .filter(remark => !known.has(remark))
      .map(remark => `By its answer to ${asked}: it ${remark}`),
  );
}

function distanceCaveats(servers: readonly ForeignServer[], areAcceptsKnown: boolean): string[] {
  const far = servers.filter(({ isLoopback }) => !isLoopback);
  if (far.length === 0) return [];
  return servers.length === 1
    ? [
        `The server runs on another machine: every figure includes the network and the other load on that server${areAcceptsKnown ? '' : ', and how many connections it accepted is unknown'}.`,
      ]
    : [
        `Not on this machine: ${listed(far.map(({ url }) => url))}. Every figure includes the network and the other load there${areAcceptsKnown ? '' : ', and how many connections were accepted is unknown'}.`,
      ];
}

/** What a reader has to know of connections that end at a proxy. */
function proxyCaveats({ proxy, url, isLoopback }: ForeignServer): string[] {
  if (proxy === null) return [];
  const opening = url.startsWith('https:')
    ? 'opening one includes asking the proxy for a tunnel (CONNECT)'
    : 'the proxy reuses its own connections to the server as it likes';
  return [
    `Connections are those to the HTTP proxy ${proxy}: ${opening}. How many it opened to the server is not counted.`,
    ...(isLoopback
      ? []
      : [
          'The proxy runs on another machine: every figure includes the network, and the other load on that proxy.',
        ]),
  ];
}

/** What the probe request before the run found. */
function foundFacts(result: CellResult): Fact[] {
  const servers = foundServers(result);
  return [
    ...servers.map(server => ({
      label: servers.length === 1 ? 'Found before the run' : `Found before the run at ${server.url}`,
      value: describeFound(server),
    })),
    ...result.otherAnswers.map(({ asked, found }) => ({
      label: `Found before the run by ${asked}`,
      value: describeFound(found),
    })),
  ];
}

/** `status 200 over HTTP/1.1, TLSv1.3 (offers h2), Server: nginx/1.22.1, at 127.0.0.1 (loopback)`. */
export function describeFound(server: ForeignServer): string {
  const { status, httpVersion, tlsVersion, alpn, software, address, proxy, isLoopback, isUnverified } =
    server;
  return [
    `status ${status} over HTTP/${httpVersion}`,
    ...(tlsVersion === null ? [] : [`${tlsVersion}${alpn === 'h2' ? ' (HTTP/2 is offered)' : ''}`]),
    ...(software === null ? [] : [`Server: ${software}`]),
    ...(isUnverified ? ['certificate NOT verified'] : []),
    `${proxy === null ? '' : `through the proxy ${proxy} `}at ${address}${isUnixSocket(server) ? ' (Unix socket)' : isLoopback ? ' (loopback)' : ', another machine'}`,
  ].join(', ');
}

function describeRequestLimit(most: number): string {
  return `at most ${formatCount(most)} request${most === 1 ? '' : 's'} per connection`;
}

/** The connection policy of a client by its short name: `short`, `persistent`, or `5 requests per connection`; `persistent, HTTP/2`. */
export function describePolicy(client: Client | undefined): string {
  if (client === undefined) return 'unknown';
  const { requestsPerConnection: requests, transport, protocol } = client;
  if (requests === 'unlimited') {
    // How a user's own module treats its connections is unknown.
    if (isModulePath(transport)) return transport;
    return protocol === 'h2' ? 'persistent, HTTP/2' : 'persistent';
  }
  return requests === 1 ? 'short' : `${requests} requests per connection`;
}

/** The same as the subject of a sentence: `short connections`, `persistent HTTP/2 connections`, `connections of 5 requests`. */
export function policySubject(client: Client): string {
  const { requestsPerConnection: requests, transport, protocol } = client;
  if (requests === 'unlimited' && isModulePath(transport)) return `connections of ${transport}`;
  if (protocol === 'h2') return 'persistent HTTP/2 connections';
  return typeof requests === 'number' && requests > 1
    ? `connections of ${requests} requests`
    : `${describePolicy(client)} connections`;
}

/** The settings that were given, as a phrase; anything else is the library's default. */
export function describeClient(client: Client): string {
  const settings = [
    client.protocol === 'h2' ? 'HTTP/2' : '',
    describeReuse(client),
    ...otherSettings(client).map(({ text }) => text),
  ];
  return `${nameLibrary(client)}: ${settings.filter(setting => setting !== '').join(', ')}`;
}

/** `undici`, `undici fetch`, `./my-client.ts`. */
export function nameLibrary({ transport, api }: Client): string {
  return api === undefined ? transport : `${transport} ${api}`;
}

function describeReuse({ requestsPerConnection, transport }: Client): string {
  if (requestsPerConnection === 'unlimited')
    return isModulePath(transport) ? 'connections managed by the module' : 'keep-alive';
  return requestsPerConnection === 1
    ? 'a new connection for each request'
    : `${requestsPerConnection} requests per connection`;
}

/** A setting of a client in words. */
export interface SettingPhrase {
  /** Its path: `pool.maxConnections`. */
  setting: string;
  text: string;
}

/** Those that were given, beside the library, the protocol and how many requests a connection carries. */
export function otherSettings(client: Client): SettingPhrase[] {
  const { pool, timeouts, body, options } = client;
  return [
    ...describePool(pool),
    ...Object.entries(timeouts).flatMap(([phase, ms]) =>
      ms === undefined
        ? []
        : [{ setting: `timeouts.${phase}`, text: `${phase.replace(/Ms$/, '')} timeout ${ms} ms` }],
    ),
    { setting: 'body', text: BODIES[body] },
    ...describeInterceptors(client).map(text => ({ setting: 'interceptors', text })),
    ...describeResilience(client).map(text => ({ setting: 'resilience', text })),
    ...(options === undefined ? [] : [{ setting: 'options', text: `options ${JSON.stringify(options)}` }]),
  ];
}

const BODIES: Record<Client['body'], string> = {
  read: 'body read',
  dump: 'body discarded',
  cancel: 'body given up',
  ignore: 'body neither read nor given up',
};

type Pool = Client['pool'];

const TLS_SESSIONS = {
  none: 'no TLS resumption',
  library: 'TLS sessions cached by the library',
  pinned: 'TLS sessions always resumed',
} as const;

const CLOSINGS = {
  client: 'closed by the client',
  server: 'closed by the server',
  reset: 'closed by a reset',
} as const;

const TLS_CONTEXTS = {
  shared: 'one TLS context for all connections',
  'per-connection': 'a TLS context for each connection',
} as const;

/** Every setting of a pool, so that none goes unreported. */
const POOL_PHRASES: { [Name in keyof Required<Pool>]: (value: NonNullable<Pool[Name]>) => string } = {
  maxConnections: most =>
    most === 'unlimited' ? 'no limit on connections' : `at most ${most} connection${most === 1 ? '' : 's'}`,
  maxTotalConnections: most =>
    most === 'unlimited'
      ? 'no limit on connections to all hosts'
      : `at most ${most} connection${most === 1 ? '' : 's'} to all hosts`,
  maxIdleConnections: most => `at most ${most} idle connection${most === 1 ? '' : 's'}`,
  idleTimeoutMs: ms => `idle connections kept for ${ms} ms`,
  idleTimeoutBufferMs: ms => `closed ${ms} ms before the timeout that the server announces`,
  maxLifetimeMs: ms => `no connection used for longer than ${ms} ms`,
  pipelining: depth => (depth === 1 ? 'no pipelining' : `${depth} requests pipelined`),
  maxConcurrentStreams: most => `at most ${most} streams per connection`,
  scheduling: order =>
    order === 'lifo' ? 'most recently used connection first' : 'longest idle connection first',
  closing: mode => CLOSINGS[mode],
  tcpKeepAliveMs: ms => `TCP keep-alive after ${ms} ms`,
  tlsSessions: mode => TLS_SESSIONS[mode],
  tlsContext: mode => TLS_CONTEXTS[mode],
};

function describePool(pool: Pool): SettingPhrase[] {
  return Object.entries(POOL_PHRASES).flatMap(([name, describe]) => {
    const value = pool[name as keyof Pool];
    return value === undefined
      ? []
      : [{ setting: `pool.${name}`, text: (describe as (value: unknown) => string)(value) }];
  });
}

/** Target, link, load and timing, which all arms share. */
export function sharedConditions({
  target,
  link,
  request,
  requests,
  load,
  generators,
  limits,
  timing,
  phases,
}: Scenario): Fact[] {
  return [
    { label: 'Target', value: describeTarget(target) },
    { label: 'Connection policy of the target', value: describeTargetPolicy(target) },
    ...(target.faults.length === 0
      ? []
      : [{ label: 'Faults of the target', value: describeFaults(target.faults) }]),
    ...(link === undefined ? [] : [{ label: 'Link', value: describeLink(link) }]),
    ...expectedFacts(target),
    ...(request === undefined ? [] : [{ label: 'Request', value: describeRequest(request) }]),
    ...(requests === undefined ? [] : [{ label: 'Requests', value: describeRequests(requests) }]),
    { label: 'Load', value: describeLoad(load) },
    ...generatorFacts(generators),
    ...(limits === undefined ? [] : [{ label: 'Limits', value: describeLimits(limits) }]),
    { label: 'Timing', value: describeTiming(timing, generators) },
    ...(phases ? [] : [{ label: 'Phases', value: 'not recorded' }]),
  ];
}

/** Load and timing are those of the load generator, not of the scenario. */
function importedConditions({ scenario }: CellResult): Fact[] {
  const { load, generators = 1 } = scenario;
  const rate = load.model === 'open' ? `${formatRate(load.ratePerSec)} requests per second` : '';
  const stated: Readonly<Record<string, string>> = {
    Load: `${rate} asked of Artillery, by users that arrive and do their steps`,
    Generators: `${generators} workers of Artillery, each with a pool of its own; limits of clients are those of all of them together`,
    Timing:
      'one client after another, by the phases of Artillery, in the same processes; the first part of each turn is in no figure',
  };
  return sharedConditions(scenario).map(({ label, value }) => ({
    label,
    value: own(stated, label) ?? value,
  }));
}

/** `75 % read: GET /orders; 25 % POST /orders, a body of 20 bytes`. */
function describeRequests(requests: readonly NamedRequest[]): string {
  const total = requests.reduce((sum, { weight }) => sum + weight, 0);
  return requests
    .map(request => {
      const name = request.name === undefined ? '' : `${request.name}: `;
      return `${formatPercent(request.weight / total)} ${name}${describeRequest(request)}`;
    })
    .join('; ');
}

function describeLimits({ localPorts, openFiles, serverCpus, clientCpus }: Limits): string {
  const cpus = (count: number, who: string): string =>
    `${count} ${count === 1 ? 'CPU' : 'CPUs'} for ${who}, in a control group and not pinned to cores`;
  return [
    ...(localPorts === undefined
      ? []
      : [
          `${formatCount(localPorts)} local ports, each taken for the 60 s of TIME_WAIT, in a network namespace of its own`,
        ]),
    ...(openFiles === undefined ? [] : [`${formatCount(openFiles)} open files per client`]),
    ...(serverCpus === undefined ? [] : [cpus(serverCpus, 'the server')]),
    ...(clientCpus === undefined ? [] : [cpus(clientCpus, 'the clients')]),
  ].join('; ');
}

/** Only where there are several. */
function generatorFacts(generators: Scenario['generators'] = 1): Fact[] {
  if (generators === 1) return [];
  const count = generators === 'auto' ? 'one per spare core' : formatCount(generators);
  return [
    {
      label: 'Generators',
      value: `${count} per client, each with its share of the load and with a pool of its own`,
    },
  ];
}

export function conditionsOf({ result, arms }: CellView): Fact[] {
  return [
    ...(result.imported === undefined ? sharedConditions(result.scenario) : importedConditions(result)),
    ...Object.entries(result.targetCode).map(([arm, code]) => ({
      label: `Target of ${arm}`,
      value: `code of ${code}`,
    })),
    ...foundFacts(result),
    ...nicenessFacts(arms),
    ...arms.map(({ name, isBaseline, client }) => ({
      label: `Client ${name}${isBaseline ? ' (baseline)' : ''}`,
      value:
        client === undefined
          ? 'settings not in the stored run'
          : describeClient(client) + describeCode(own(result.code, name)),
    })),
  ];
}

/** Lower priority than the relay changes which process gets a core, so it is reported. */
function nicenessFacts(arms: CellView['arms']): Fact[] {
  const readings = arms.flatMap(({ trials }) => trials.flatMap(({ measurement }) => measurement.link ?? []));
  const [first] = readings;
  if (first === undefined || first.loadNiceness === 0) return [];
  const value = `target and clients at niceness ${first.loadNiceness}, so that the relay gets a core when it needs one`;
  return [{ label: 'Priority', value }];
}

function describeCode(code: string | undefined): string {
  return code === undefined ? '' : `; code of ${code}`;
}

/** Only where the scenario overrides the default. */
function expectedFacts({ expectStatus }: Target): Fact[] {
  if (expectStatus.join() === DEFAULT_EXPECTED.join()) return [];
  return [{ label: 'Statuses that count as success', value: expectStatus.join(', ') }];
}

function describeTarget(target: Target): string {
  const { behaviour, protocol, tls, tlsKey, maxConcurrentStreams, framing } = target;
  if (isExternal(target)) return describeExternalTarget(target);
  if (target.command !== undefined) return describeStartedTarget(target);
  const spoken =
    protocol === 'h2'
      ? `HTTP/2 (at most ${formatCount(maxConcurrentStreams)} streams per connection) and HTTP/1.1`
      : 'HTTP/1.1';
  const secured = tls === 'none' ? 'without TLS' : `over TLS ${tls} with an ${KEYS[tlsKey]} key`;
  if (target.accepts === false) return `${spoken} ${secured}, and no connection is ever established`;
  const framed = framing === 'chunked' ? ', bodies in chunks' : '';
  return `${spoken} ${secured}, ${describeBehaviour(behaviour)}${framed}${describeBacklog(target)}${describeBackends(target)}${describeOrigins(target)}`;
}

function describeBacklog({ backlog }: Target): string {
  return backlog === undefined ? '' : `, accept queue of ${formatCount(backlog)}`;
}

function describeBackends({ backends }: Target): string {
  if (backends === 1) return '';
  const [first, later] =
    typeof backends === 'number'
      ? [backends, '']
      : [backends.from, ` and after ${formatSeconds(backends.afterMs)} ${backends.to}`];
  return `, ${first}${later} backends that get new connections in turn`;
}

/** `, at 3 origins (50 %, 25 %, 25 % of the requests)`; empty for one. */
function describeOrigins(target: Target): string {
  const shares = originShares(target);
  if (shares.length === 1) return '';
  const isEven = shares.every(share => share === shares[0]);
  const parts = sharesInPercent(target).join(', ');
  return `, at ${shares.length} origins (${isEven ? 'each asked equally often' : `${parts} of the requests`})`;
}

function sharesInPercent(target: Target): string[] {
  const shares = originShares(target);
  const total = shares.reduce((sum, share) => sum + share, 0);
  return shares.map(share => formatPercent(share / total));
}

const KEYS = { ec: 'EC P-256', rsa: 'RSA 2048' } as const;

/** Plug-ins name their own options, so they are reported verbatim: `fixed (bytes 1,024)`. */
function describeBehaviour({ name, ...options }: Behaviour): string {
  const settings = Object.entries(options).map(
    ([key, value]) => `${key} ${typeof value === 'number' ? countOrRaw(value) : JSON.stringify(value)}`,
  );
  return settings.length === 0 ? `behaviour ${name}` : `behaviour ${name} (${settings.join(', ')})`;
}

function countOrRaw(value: number): string {
  return Number.isInteger(value) ? formatCount(value) : String(value);
}

function describeTargetPolicy(target: Target): string {
  if (!isBuiltIn(target)) return describeDeclaredPolicy(target);
  const own = asOwnTarget(target);
  const { keepAliveTimeoutMs, maxRequestsPerSocket, keepAliveHint, connectionClose, framing } = own;
  if (connectionClose) return 'every response carries Connection: close';
  if (framing === 'close') return 'every body ends with its connection';
  return [
    keepAliveTimeoutMs === 0
      ? 'idle connections kept indefinitely'
      : `idle connections kept for ${formatSeconds(keepAliveTimeoutMs)}`,
    maxRequestsPerSocket === 0
      ? 'unlimited requests per connection'
      : describeRequestLimit(maxRequestsPerSocket),
    keepAliveHint ? 'sends a Keep-Alive header' : 'no Keep-Alive header',
  ].join(', ');
}

function describeTiming(timing: Timing, generators: Scenario['generators'] = 1): string {
  const slices =
    timing.slicing === 'whole'
      ? 'without slicing'
      : `in slices of at least ${timing.sliceMs} ms and ${timing.sliceResponses} mean response times, clients interleaved in shuffled order`;
  return [
    `${generators === 1 ? 'a fresh generator process' : 'fresh generator processes'} per client and replicate`,
    `${formatSeconds(timing.warmupMinMs)} to ${formatSeconds(timing.warmupMaxMs)} of warm-up under load`,
    `${formatSeconds(timing.measureMs)} measured ${slices}`,
  ].join('; ');
}

const SECONDS = new Intl.NumberFormat('en-US');

/** `60 s`, `1.5 s`. */
export function formatSeconds(ms: number): string {
  return `${SECONDS.format(Number((ms / 1000).toPrecision(3)))} s`;
}
