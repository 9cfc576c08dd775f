// Describes targets: what a scenario states of one, the faults and the link before it, and what an external server was found to be.
import { win32 } from 'node:path';
import { asOwnTarget } from '../../results/connections.ts';
import { joinWords } from '../../results/figures.ts';
import {
  type CellResult,
  closingReason,
  type ForeignServer,
  foundServers,
  isUnixSocket,
} from '../../results/model/run.ts';
import { externalUrls, originShares } from '../../scenarios/model/facts.ts';
import { isExpectedStatus } from '../../scenarios/model/request-facts.ts';
import {
  type Behaviour,
  type Fault,
  isBuiltIn,
  isExternal,
  type Link,
  meanRoundTripMs,
  type Target,
} from '../../scenarios/model/target.ts';
import type { Fact } from '../model.ts';
import { formatCount, formatPercent, formatQuantity, formatSeconds } from './numbers.ts';
import { compact } from './text.ts';

export function describeTarget(target: Target): string {
  const { behaviour, protocol, tls, tlsKey, maxConcurrentStreams, framing, backlog } = target;
  if (isExternal(target)) return describeExternalTarget(target);
  if (target.command !== undefined) return describeStartedTarget(target);
  const spoken =
    protocol === 'h2'
      ? `HTTP/2 (at most ${formatCount(maxConcurrentStreams)} streams per connection) and HTTP/1.1`
      : 'HTTP/1.1';
  const secured = tls === 'none' ? 'without TLS' : `over TLS ${tls} with an ${KEYS[tlsKey]} key`;
  if (target.accepts === false) return `${spoken} ${secured}, and no connection is ever established`;
  const framed = framing === 'chunked' ? ', bodies in chunks' : '';
  return `${spoken} ${secured}, ${describeBehaviour(behaviour)}${framed}${backlog === undefined ? '' : `, accept queue of ${formatCount(backlog)}`}${describeBackends(target)}${describeOrigins(target)}`;
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
    ([key, value]) =>
      `${key} ${Number.isInteger(value) ? formatCount(value as number) : JSON.stringify(value)}`,
  );
  return settings.length === 0 ? `behaviour ${name}` : `behaviour ${name} (${settings.join(', ')})`;
}

export function describeTargetPolicy(target: Target): string {
  if (!isBuiltIn(target)) return describeDeclaredPolicy(target);
  const own = asOwnTarget(target);
  if (own.connectionClose) return 'every response carries Connection: close';
  if (own.framing === 'close') return 'every body ends with its connection';
  return wordPolicy(own, formatSeconds).join(', ');
}

/** How long idle connections are kept, how many requests they may carry, and the header; null for what is not declared. */
function wordPolicy(
  {
    keepAliveTimeoutMs: idleMs,
    maxRequestsPerSocket: most,
    keepAliveHint,
  }: Pick<Target, 'keepAliveTimeoutMs' | 'maxRequestsPerSocket' | 'keepAliveHint'>,
  duration: (ms: number) => string,
): (string | null)[] {
  const idle = idleMs === 0 ? 'indefinitely' : `for ${duration(idleMs ?? 0)}`;
  const carried = most === 0 ? 'unlimited requests' : `at most ${formatQuantity(most ?? 0, 'request')}`;
  return [
    idleMs === null ? null : `idle connections kept ${idle}`,
    most === null ? null : `${carried} per connection`,
    keepAliveHint === null ? null : keepAliveHint ? 'sends a Keep-Alive header' : 'no Keep-Alive header',
  ];
}

/** `status 503`, `connection closed within the body`. */
export function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case 'status':
      return `status ${fault.status}`;
    case 'close':
      return 'connection closed without an answer';
    case 'closeInBody':
      return 'connection closed within the body';
    case 'reset':
      return 'connection reset';
    case 'noAnswer':
      return 'no answer';
    case 'slowBytes':
      return `body sent byte by byte over ${formatCount(fault.overMs)} ms`;
    case 'connectionClose':
      return 'answer with Connection: close';
    default:
      return fault satisfies never;
  }
}

/** `of all requests, 1 % status 503, 0.5 % no answer`. */
export function describeFaults(faults: readonly Fault[]): string {
  const shares = faults.map(fault => {
    const { ratio, during } = fault;
    const time =
      during && ` (from ${formatCount(during.fromMs)} to ${formatCount(during.toMs)} ms of each window)`;
    return `${formatPercent(ratio)} ${describeFault(fault)}${time ?? ''}`;
  });
  return `of all requests, drawn with the seed: ${shares.join(', ')}`;
}

/** `emulated by a relay on this machine: round trip 21 ms, jitter of up to 2 ms each way (23 ms on average), 1,000,000 bytes/s for each connection and direction`. */
export function describeLink(link: Link): string {
  const { roundTripMs, jitterMs, bytesPerSec, silentAfterIdleMs } = link;
  return compact([
    `emulated by a relay on this machine: round trip ${roundTripMs} ms`,
    jitterMs === 0
      ? 'no jitter'
      : `jitter of up to ${jitterMs} ms each way (${Number(meanRoundTripMs(link).toPrecision(6))} ms on average)`,
    bytesPerSec === 'unlimited'
      ? 'unlimited throughput'
      : `${formatCount(bytesPerSec)} bytes/s for each connection and direction`,
    silentAfterIdleMs !== undefined &&
      `connections idle for ${formatCount(silentAfterIdleMs)} ms are forgotten without a word`,
  ]).join(', ');
}

/** What an emulated link lacks compared with a real network. */
export const LINK_LIMITS =
  'the network between them is emulated: it drops no packets, and a new connection sends as much at once as an established one (no slow start), so new connections cost even more on a real network';

/** What a reader must know about an external server: a bad response before the run, or one that contradicts the scenario. */
export function serverRemarks(server: ForeignServer, target: Target): string[] {
  return remarksOn(server, target).map(remark => `${serverName(server, target)} ${remark}`);
}

function remarksOn(server: ForeignServer, target: Target): string[] {
  const { isUnverified, status, interimStatuses } = server;
  return compact([
    isUnverified &&
      'was not verified: target.insecure accepts any certificate, so the figures may be those of another server',
    !isExpectedStatus(target.expectStatus, status) &&
      `responded with status ${status} before the run; each such response counts as a failed request (bad status) unless target.expectStatus lists it`,
    interimStatuses.length > 0 &&
      `sends an interim response (${interimStatuses.join(', ')}) first; no client counts it, and times run to the final response`,
    closeRemark(server, target),
    hintRemark(server, target),
  ]);
}

/** A server that conntax starts has another port each time. */
function serverName({ url }: ForeignServer, { command }: Target): string {
  return command === undefined ? url : `The server of "${command}"`;
}

function closeRemark(server: ForeignServer, { connectionClose }: Target): string | null {
  const reason = closingReason(server);
  if (reason !== undefined && connectionClose !== true)
    return `${reason}, so every request needs a new connection, and there is nothing to reuse; a scenario declares it with target.connectionClose: true`;
  return reason === undefined && connectionClose === true
    ? 'responds without Connection: close, which contradicts target.connectionClose: true'
    : null;
}

function hintRemark(
  { keepAliveHeader }: ForeignServer,
  { keepAliveHint, keepAliveTimeoutMs }: Target,
): string | null {
  if (keepAliveHeader === null)
    return keepAliveHint === true
      ? 'responds without a Keep-Alive header, which contradicts target.keepAliveHint: true'
      : null;
  if (keepAliveHint === false)
    return `responds with Keep-Alive: ${keepAliveHeader}, which contradicts target.keepAliveHint: false`;
  const seconds = /(?:^|[,\s])timeout=(\d+)/i.exec(keepAliveHeader)?.[1];
  return seconds !== undefined && keepAliveTimeoutMs !== null && Number(seconds) * 1_000 > keepAliveTimeoutMs
    ? `announces Keep-Alive: ${keepAliveHeader}, but target.keepAliveTimeoutMs is ${keepAliveTimeoutMs}`
    : null;
}

/** Where a command runs: each version that is compared has a folder of its own, from which a path begins; that of a scenario is absolute. */
function commandPlace(cwd: string): string {
  if (win32.isAbsolute(cwd)) return cwd; // on other systems too
  return cwd === '.' ? 'the folder of each version' : `${cwd} in the folder of each version`;
}

function describeStartedTarget({
  command = '',
  cwd,
  portFrom = 'env',
  portEnv = 'PORT',
  ready,
}: Target): string {
  return compact([
    `started by "${command}"${cwd === undefined ? '' : ` in ${commandPlace(cwd)}`}`,
    portFrom === 'env' ? `port given in ${portEnv}` : 'port read from its output',
    ready !== undefined && `ready when ${ready} answers`,
  ]).join(', ');
}

function describeExternalTarget(target: Target): string {
  const { url, protocol, serverName, socketPath, certFile, insecure, proxy } = target;
  return compact([
    url === undefined ? describeExternalOrigins(target) : `external server at ${url}`,
    socketPath !== undefined && `by the Unix socket ${socketPath}`,
    proxy !== undefined &&
      `through the HTTP proxy ${typeof proxy === 'string' ? proxy : `in the variable ${proxy.env}`}`,
    serverName !== undefined && `by the name ${serverName}`,
    certFile !== undefined && 'with a client certificate',
    insecure === true && 'its certificate NOT verified',
    protocol === 'h2' && 'declared to offer HTTP/2',
  ]).join(', ');
}

/** `external servers at http://127.0.0.1:3001/ (75 % of the requests) and http://127.0.0.1:3002/ (25 %)`. */
function describeExternalOrigins(target: Target): string {
  const parts = sharesInPercent(target);
  const places = externalUrls(target).map(
    (url, index) => `${url} (${parts[index]}${index === 0 ? ' of the requests' : ''})`,
  );
  return `external servers at ${joinWords(places)}`;
}

/** What a reader of a policy misses, in the order of `wordPolicy`. */
const UNDECLARED = [
  'how long idle connections are kept',
  'how many requests a connection may carry',
  'whether it sends a Keep-Alive header',
] as const;

/** The connection policy that the scenario declares for an external server, and which parts it leaves open. */
function describeDeclaredPolicy(target: Target): string {
  const { connectionClose } = target;
  if (connectionClose === true) return 'declared by the scenario: every response carries Connection: close';
  const phrases = wordPolicy(target, ms => `${formatCount(ms)} ms`);
  const known = compact(phrases);
  const unknown = compact([
    connectionClose === null && 'whether responses carry Connection: close',
    ...UNDECLARED.filter((_, index) => phrases[index] === null),
  ]);
  return compact([
    known.length > 0 && `declared by the scenario: ${known.join(', ')}`,
    unknown.length > 0 && `not declared: ${unknown.join(', ')}`,
  ]).join('; ');
}

/** What limits the figures of a cell with an external server; empty otherwise. */
export function serverCaveats(result: CellResult): string[] {
  const { target } = result.scenario;
  const servers = foundServers(result);
  const [server] = servers;
  if (server === undefined) return [];
  if (target.command !== undefined) {
    return [
      ...serverRemarks(server, target),
      `${serverName(server, target)} runs on this machine, pinned as conntax's own would be. Its CPU time and memory are those of all its processes, by the kernel; its handshakes and the requests that reached it are unknown.`,
    ];
  }
  // An agent on the server's machine reads both (--server).
  const isCpuKnown = result.arms.some(({ targetCpuUsPerRequest }) => targetCpuUsPerRequest !== null);
  const areAcceptsKnown = result.arms.some(({ acceptedBy }) => acceptedBy === 'serverKernel');
  return compact([
    ...servers.flatMap(each => serverRemarks(each, target)),
    ...otherRemarks(result),
    servers.length === 1
      ? `${server.url} is an external server: conntax did not pin it to a core, it was warmed up only by the clients' own load, and ${isCpuKnown ? '' : 'its CPU use, '}its handshakes and the requests that reached it are unknown.`
      : `${joinWords(servers.map(({ url }) => url))} are external servers: conntax did not pin them to cores, they were warmed up only by the clients' own load, and ${isCpuKnown ? '' : 'their CPU use, '}their handshakes, and the requests and connections that reached each of them are unknown.`,
    isUnixSocket(server) &&
      'It is reached by a Unix socket: there are no TCP connections for the kernel to count, so how many it accepted is unknown, and a connection costs no port.',
    ...proxyCaveats(server),
    server.proxy === null && distanceCaveat(servers, areAcceptsKnown),
  ]);
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

function distanceCaveat(servers: readonly ForeignServer[], areAcceptsKnown: boolean): string | null {
  const far = servers.filter(({ isLoopback }) => !isLoopback);
  if (far.length === 0) return null;
  return servers.length === 1
    ? `The server runs on another machine: every figure includes the network and the other load on that server${areAcceptsKnown ? '' : ', and how many connections it accepted is unknown'}.`
    : `Not on this machine: ${joinWords(far.map(({ url }) => url))}. Every figure includes the network and the other load there${areAcceptsKnown ? '' : ', and how many connections were accepted is unknown'}.`;
}

/** What a reader has to know of connections that end at a proxy. */
function proxyCaveats({ proxy, url, isLoopback }: ForeignServer): string[] {
  if (proxy === null) return [];
  const opening = url.startsWith('https:')
    ? 'opening one includes asking the proxy for a tunnel (CONNECT)'
    : 'the proxy reuses its own connections to the server as it likes';
  return compact([
    `Connections are those to the HTTP proxy ${proxy}: ${opening}. How many it opened to the server is not counted.`,
    !isLoopback &&
      'The proxy runs on another machine: every figure includes the network, and the other load on that proxy.',
  ]);
}

/** What the probe request before the run found. */
export function foundFacts(result: CellResult): Fact[] {
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
  return compact([
    `status ${status} over HTTP/${httpVersion}`,
    tlsVersion !== null && `${tlsVersion}${alpn === 'h2' ? ' (HTTP/2 is offered)' : ''}`,
    software !== null && `Server: ${software}`,
    isUnverified && 'certificate NOT verified',
    `${proxy === null ? '' : `through the proxy ${proxy} `}at ${address}${isUnixSocket(server) ? ' (Unix socket)' : isLoopback ? ' (loopback)' : ', another machine'}`,
  ]).join(', ');
}
