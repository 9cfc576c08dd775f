// In: a cell. Out: what was held the same for all arms, and how each client was set, in words.
import { asOwnTarget } from '../../results/connections.ts';
import { type CellResult, closingReason, type ForeignServer } from '../../results/model/run.ts';
import { type Client, isModulePath } from '../../scenarios/model/client.ts';
import { own } from '../../scenarios/model/own.ts';
import type { Scenario, Timing } from '../../scenarios/model/scenario.ts';
import {
  type Behaviour,
  DEFAULT_EXPECTED,
  isExpectedStatus,
  type Target,
} from '../../scenarios/model/target.ts';
import type { CellView } from '../cell-view.ts';
import type { Fact } from '../model.ts';
import { linkText } from './link.ts';
import { loadText } from './load.ts';
import { countText } from './numbers.ts';

// From what a server was found to be, and what the scenario states of it. Out: what of it a reader has to know, a sentence each.

/** Where the answer before the run was no good one, or contradicts a statement. */
export function foreignRemarks(server: ForeignServer, target: Target): string[] {
  return [
    ...statusRemarks(server, target),
    ...interimRemarks(server),
    ...closeRemarks(server, target),
    ...hintRemarks(server, target),
  ].map(remark => `${server.url} ${remark}`);
}

function statusRemarks({ status }: ForeignServer, { expectStatus }: Target): string[] {
  return isExpectedStatus(expectStatus, status)
    ? []
    : [
        `answered ${status} before the run: each such answer counts as a failed request (bad status), unless target.expectStatus has it`,
      ];
}

function interimRemarks({ interimStatuses }: ForeignServer): string[] {
  return interimStatuses.length === 0
    ? []
    : [
        `sends an interim answer (${interimStatuses.join(', ')}) before its answer: no client counts it, and times go to the final one`,
      ];
}

function closeRemarks(server: ForeignServer, { connectionClose }: Target): string[] {
  const reason = closingReason(server);
  if (reason !== undefined && connectionClose !== true) {
    return [`${reason}, so every request needs a new connection: target.connectionClose: true states that`];
  }
  return reason === undefined && connectionClose === true
    ? ['answers without Connection: close, which target.connectionClose says of it']
    : [];
}

function hintRemarks(
  { keepAliveHeader }: ForeignServer,
  { keepAliveHint, keepAliveTimeoutMs }: Target,
): string[] {
  if (keepAliveHeader === null) {
    return keepAliveHint === true
      ? ['answers without a Keep-Alive header, which target.keepAliveHint says of it']
      : [];
  }
  if (keepAliveHint === false) {
    return [`answers with Keep-Alive: ${keepAliveHeader}, which target.keepAliveHint: false denies`];
  }
  const seconds = /(?:^|[,\s])timeout=(\d+)/i.exec(keepAliveHeader)?.[1];
  return seconds !== undefined && keepAliveTimeoutMs !== null && Number(seconds) * 1_000 > keepAliveTimeoutMs
    ? [`announces Keep-Alive: ${keepAliveHeader}, but target.keepAliveTimeoutMs says ${keepAliveTimeoutMs}`]
    : [];
}

// From a server that conntax did not start: what the scenario states of it, and what it was found to be. Out: both in words.

/** Of a target with a url. */
function foreignTargetText({ url, protocol }: Target): string {
  return `${url}, a server that conntax did not start${protocol === 'h2' ? ', said to offer HTTP/2' : ''}`;
}

/** What the scenario says that the server does with connections; what it does not say is named as well. */
function statedPolicyText(target: Target): string {
  const { connectionClose, keepAliveTimeoutMs, maxRequestsPerSocket, keepAliveHint } = target;
  const known: string[] = [];
  const unknown: string[] = [];
  if (connectionClose === null) unknown.push('whether answers carry Connection: close');
  else if (connectionClose) return 'as the scenario says of it, every answer carries Connection: close';
  if (keepAliveTimeoutMs === null) unknown.push('how long idle connections are kept');
  else if (keepAliveTimeoutMs === 0) known.push('idle connections are kept for ever');
  else known.push(`idle connections are kept ${countText(keepAliveTimeoutMs)} ms`);
  if (maxRequestsPerSocket === null) unknown.push('how many requests each may carry');
  else if (maxRequestsPerSocket === 0) known.push('any number of requests on each');
  else known.push(requestsOnEachText(maxRequestsPerSocket));
  if (keepAliveHint === null) unknown.push('whether a Keep-Alive header says so');
  else known.push(keepAliveHint ? 'a Keep-Alive header says so' : 'no Keep-Alive header');
  return [
    ...(known.length === 0 ? [] : [`as the scenario says of it, ${known.join(', ')}`]),
    ...(unknown.length === 0 ? [] : [`not stated: ${unknown.join(', ')}`]),
  ].join('; ');
}

/** What limits the figures of a cell whose server is not ours; none where it is. */
export function foreignCaveats({ server, scenario: { target } }: CellResult): string[] {
  if (server === null) return [];
  return [
    ...foreignRemarks(server, target),
    `conntax did not start ${server.url}: it is pinned to no core by us, was warmed up by the arms' own load only, and its CPU, its handshakes and the requests that it saw are not known.`,
    ...(server.isLoopback
      ? []
      : [
          'The server is another machine: the network, and whoever else it serves, are in every figure, and what it accepted is not known.',
        ]),
  ];
}

/** What the request before the run found. */
function foundFacts(server: ForeignServer | null): Fact[] {
  return server === null ? [] : [{ label: 'Found before the run', value: foundText(server) }];
}

/** `status 200 over HTTP/1.1, TLSv1.3 (offers h2), Server: nginx/1.22.1, at 127.0.0.1 (loopback)`. */
export function foundText(server: ForeignServer): string {
  const { status, httpVersion, tlsVersion, alpn, software, address, isLoopback } = server;
  return [
    `status ${status} over HTTP/${httpVersion}`,
    ...(tlsVersion === null ? [] : [`${tlsVersion}${alpn === 'h2' ? ' (HTTP/2 is offered)' : ''}`]),
    ...(software === null ? [] : [`Server: ${software}`]),
    `at ${address}${isLoopback ? ' (loopback)' : ', another machine'}`,
  ].join(', ');
}

/** Of a connection that may carry so many. */
function requestsOnEachText(most: number): string {
  return `at most ${countText(most)} request${most === 1 ? '' : 's'} on each`;
}

// From a client. Out: how it treats connections, in words.

/** The article's name for it: `short`, `persistent`, or `5 requests per connection`; `persistent, HTTP/2`. */
export function modeText(client: Client | undefined): string {
  if (client === undefined) return 'unknown';
  const { requestsPerConnection: requests, transport, protocol } = client;
  if (requests === 'unlimited') {
    // What a module of the user's does with its connections is its own affair.
    if (isModulePath(transport)) return transport;
    return protocol === 'h2' ? 'persistent, HTTP/2' : 'persistent';
  }
  return requests === 1 ? 'short' : `${requests} requests per connection`;
}

/** As the subject of a sentence: `short connections`, `persistent HTTP/2 connections`, `connections of 5 requests`. */
export function modeSubject(client: Client): string {
  const { requestsPerConnection: requests, transport, protocol } = client;
  if (requests === 'unlimited' && isModulePath(transport)) return `connections of ${transport}`;
  if (protocol === 'h2') return 'persistent HTTP/2 connections';
  return typeof requests === 'number' && requests > 1
    ? `connections of ${requests} requests`
    : `${modeText(client)} connections`;
}

/** The settings that were given, as a phrase: what is not named is the library's default. */
export function clientText(client: Client): string {
  const { transport, api, protocol, requestsPerConnection, pool, timeouts, body, options } = client;
  const settings = [
    protocol === 'h2' ? 'HTTP/2' : '',
    requestsPerConnection === 'unlimited'
      ? isModulePath(transport)
        ? 'connections kept as the module does'
        : 'keep-alive'
      : requestsPerConnection === 1
        ? 'a new connection for each request'
        : `${requestsPerConnection} requests per connection`,
    ...poolTexts(pool),
    ...Object.entries(timeouts).map(([phase, ms]) =>
      ms === undefined ? '' : `${phase.replace(/Ms$/, '')} timeout ${ms} ms`,
    ),
    body === 'read' ? 'body read' : 'body discarded',
    options === undefined ? '' : `options ${JSON.stringify(options)}`,
  ];
  const library = api === undefined ? transport : `${transport} ${api}`;
  return `${library}: ${settings.filter(setting => setting !== '').join(', ')}`;
}

type Pool = Client['pool'];

const TLS_SESSIONS = {
  none: 'no TLS resumption',
  library: 'TLS sessions as the library caches them',
  pinned: 'TLS sessions always resumed',
} as const;

/** Every setting of a pool, so that none is left untold. */
const POOL_TEXTS: { [Name in keyof Required<Pool>]: (value: NonNullable<Pool[Name]>) => string } = {
  maxConnections: most =>
    most === 'unlimited' ? 'no limit on connections' : `at most ${most} connection${most === 1 ? '' : 's'}`,
  maxTotalConnections: most =>
    most === 'unlimited'
      ? 'no limit on connections to all hosts'
      : `at most ${most} connection${most === 1 ? '' : 's'} to all hosts`,
  maxIdleConnections: most => `at most ${most} idle connection${most === 1 ? '' : 's'}`,
  idleTimeoutMs: ms => `idle connections kept ${ms} ms`,
  idleTimeoutBufferMs: ms => `given up ${ms} ms before the server's keep-alive hint`,
  maxLifetimeMs: ms => `no connection used for longer than ${ms} ms`,
  pipelining: depth => (depth === 1 ? 'no pipelining' : `${depth} requests pipelined`),
  maxConcurrentStreams: most => `at most ${most} streams on each`,
  scheduling: order =>
    order === 'lifo' ? 'the connection used last first' : 'the connection idle longest first',
  tcpKeepAliveMs: ms => `TCP keep-alive after ${ms} ms`,
  tlsSessions: mode => TLS_SESSIONS[mode],
};

function poolTexts(pool: Pool): string[] {
  return Object.entries(POOL_TEXTS).map(([name, tell]) => {
    const value = pool[name as keyof Pool];
    return value === undefined ? '' : (tell as (value: unknown) => string)(value);
  });
}

/** Target, load and timing: the same for all arms. */
export function sharedConditions({ target, link, load, timing, phases }: Scenario): Fact[] {
  return [
    { label: 'Target', value: targetText(target) },
    { label: 'Connection policy of the target', value: policyText(target) },
    ...(link === undefined ? [] : [{ label: 'Link', value: linkText(link) }]),
    ...expectedFacts(target),
    { label: 'Load', value: loadText(load) },
    { label: 'Timing', value: timingText(timing) },
    ...(phases ? [] : [{ label: 'Phases', value: 'not recorded' }]),
  ];
}

export function conditionsOf({ result, arms }: CellView): Fact[] {
  return [
    ...sharedConditions(result.scenario),
    ...Object.entries(result.targetCode).map(([arm, code]) => ({
      label: `Target of ${arm}`,
      value: `code of ${code}`,
    })),
    ...foundFacts(result.server),
    ...nicenessFacts(arms),
    ...arms.map(({ name, isBaseline, client }) => ({
      label: `Client ${name}${isBaseline ? ' (baseline)' : ''}`,
      value:
        client === undefined
          ? 'its settings are not in the stored run'
          : clientText(client) + codeText(own(result.code, name)),
    })),
  ];
}

/** That the load stands back behind the relay changes who gets a core, so it is told. */
function nicenessFacts(arms: CellView['arms']): Fact[] {
  const readings = arms.flatMap(({ trials }) => trials.flatMap(({ measurement }) => measurement.link ?? []));
  const [first] = readings;
  if (first === undefined || first.loadNiceness === 0) return [];
  const value = `target and clients at niceness ${first.loadNiceness}, so that the relay gets a core when it needs one`;
  return [{ label: 'Priority', value }];
}

function codeText(code: string | undefined): string {
  return code === undefined ? '' : `; code of ${code}`;
}

/** Only where the scenario says something else than most do. */
function expectedFacts({ expectStatus }: Target): Fact[] {
  if (expectStatus.join() === DEFAULT_EXPECTED.join()) return [];
  return [{ label: 'Statuses of good answers', value: expectStatus.join(', ') }];
}

function targetText(target: Target): string {
  const { url, behaviour, protocol, tls, tlsKey, maxConcurrentStreams } = target;
  if (url !== undefined) return foreignTargetText(target);
  const spoken =
    protocol === 'h2'
      ? `HTTP/2 (at most ${countText(maxConcurrentStreams)} streams on a connection) and HTTP/1.1`
      : 'HTTP/1.1';
  const secured = tls === 'none' ? 'without TLS' : `over TLS ${tls} with an ${KEYS[tlsKey]} key`;
  return `${spoken} ${secured}, ${behaviourText(behaviour)}`;
}

const KEYS = { ec: 'EC P-256', rsa: 'RSA 2048' } as const;

/** Plug-ins name their own options, so they are told as they stand: `fixed (bytes 1,024)`. */
function behaviourText({ name, ...options }: Behaviour): string {
  const told = Object.entries(options).map(
    ([key, value]) => `${key} ${typeof value === 'number' ? countOrRaw(value) : JSON.stringify(value)}`,
  );
  return told.length === 0 ? `behaviour ${name}` : `behaviour ${name} (${told.join(', ')})`;
}

function countOrRaw(value: number): string {
  return Number.isInteger(value) ? countText(value) : String(value);
}

function policyText(target: Target): string {
  if (target.url !== undefined) return statedPolicyText(target);
  const { keepAliveTimeoutMs, maxRequestsPerSocket, keepAliveHint, connectionClose } = asOwnTarget(target);
  if (connectionClose) return 'every answer carries Connection: close';
  return [
    keepAliveTimeoutMs === 0
      ? 'idle connections kept for ever'
      : `idle connections kept ${secondsText(keepAliveTimeoutMs)}`,
    maxRequestsPerSocket === 0 ? 'any number of requests on each' : requestsOnEachText(maxRequestsPerSocket),
    keepAliveHint ? 'says so in a Keep-Alive header' : 'no Keep-Alive header',
  ].join(', ');
}

function timingText(timing: Timing): string {
  const slices =
    timing.slicing === 'whole'
      ? 'in one piece'
      : `in slices of at least ${timing.sliceMs} ms and ${timing.sliceResponses} mean response times, arms in shuffled turns`;
  return [
    'a fresh generator process for each arm and replicate',
    `${secondsText(timing.warmupMinMs)} to ${secondsText(timing.warmupMaxMs)} of load as warm-up`,
    `${secondsText(timing.measureMs)} measured ${slices}`,
  ].join('; ');
}

/** `60 s`, `1.5 s`. */
export function secondsText(ms: number): string {
  return `${Number((ms / 1000).toPrecision(3)).toLocaleString('en-US')} s`;
}
