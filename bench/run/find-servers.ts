// Finds the external servers of a plan: resolves their hosts, checks that load is allowed there, and asks each before the run.
import dns from 'node:dns';
import { addAbortListener } from 'node:events';
import { STATUS_CODES } from 'node:http';
import { isIP } from 'node:net';
import { errorMessage, MeasureError, UsageError } from '../../results/errors.ts';
import type { ForeignServer } from '../../results/model/run.ts';
import { externalUrls, hostAndPort, hostOf } from '../../scenarios/model/facts.ts';
import { isExpectedStatus } from '../../scenarios/model/request-facts.ts';
import type { Scenario } from '../../scenarios/model/scenario.ts';
import { isExternal, type Target } from '../../scenarios/model/target.ts';
import type { Endpoint } from '../../servers/protocol.ts';
import { proxyAt, proxyOrigin, proxySecrets } from '../clients/proxy.ts';
import { prepareRequests, redact } from '../clients/request.ts';
import type { PreparedRequest, PreparedRequests } from '../contracts.ts';
import { refusalBehindProxy, refusalOf, type UrlSetting } from '../plan/allowed-hosts.ts';
import { askServer, describeAnswerFailure, isAnswered } from './external-server.ts';
import { describeProxyAnswer, isProxyRefusal, namedUrl, ProxyError, type Reach, readReach } from './reach.ts';

/** An external server of the plan that load may be sent to, with the addresses of its host. */
export interface LocatedServer {
  url: string;
  reach: Reach;
  /** Addresses of its host, or of the proxy's; or the path of its Unix socket. */
  addresses: readonly string[];
  requests: PreparedRequests;
}

/** The external server of some cells, or all of several. */
export interface LocatedTarget {
  servers: readonly LocatedServer[];
  cells: readonly { id: string; target: Target; hasUserModules: boolean }[];
}

/** What a server answered to one of a scenario's requests. */
interface FoundAnswer {
  /** Name of the request, where there are several. */
  name: string | undefined;
  /** `http://127.0.0.1:3000/health`, `POST http://127.0.0.1:3000/orders`: what was asked, without secrets. */
  asked: string;
  facts: ForeignServer;
}

/** A server that has answered, and its properties. */
interface FoundServer {
  /** By its answer to the first request. */
  facts: ForeignServer;
  /** To each request, in their order. */
  answers: readonly FoundAnswer[];
  reach: Reach;
  /** What it was asked first. */
  request: PreparedRequest;
}

/** The server of a cell, or each of several, and where load goes to. */
export interface FoundTarget {
  servers: readonly [FoundServer, ...FoundServer[]];
  endpoint: Endpoint;
  /** Requests that were answered beside the load, so far. Cells of the same servers share it. */
  asked: { beforeRun: number; betweenReplicates: number };
}

/** Resolves a host to all of its addresses; an address resolves to itself. */
type Resolve = (host: string) => Promise<readonly string[]>;

const ANSWER_TIMEOUT_MS = 10_000;

function unreachable(message: string, cause?: unknown): MeasureError {
  return new MeasureError('unreachable', message, cause === undefined ? {} : { cause });
}

/** Settings of a target by which one URL may lead to several servers, or in several ways. */
const REACH = [
  'caFile',
  'certFile',
  'keyFile',
  'passphrase',
  'insecure',
  'serverName',
  'socketPath',
  'proxy',
] as const satisfies readonly (keyof Target)[];

/** What is read of a plan here. */
interface Located {
  cells: readonly { id: string; scenario: Pick<Scenario, 'target' | 'clients' | 'request' | 'requests'> }[];
}

/** Whether clients are users' own, which may send other requests, and follow redirects. */
export function runsUserModules(clients: Scenario['clients']): boolean {
  return Object.values(clients).some(({ modulePath }) => modulePath !== undefined);
}

/**
 * Resolves the host of every external server of the plan, without sending it anything.
 * @throws UsageError when load may not be sent to one of them, a file of theirs cannot be used, or two of several are the same; MeasureError when a host cannot be resolved
 */
export async function locateServers(
  plan: Located,
  allowedHosts: readonly string[],
  resolve: Resolve = lookUp,
  signal?: AbortSignal,
): Promise<LocatedTarget[]> {
  const cells = plan.cells.flatMap(({ id, scenario: { target, clients, request, requests } }) => {
    if (!isExternal(target)) return [];
    return [{ id, target, hasUserModules: runsUserModules(clients), request, requests }];
  });
  const groups = Map.groupBy(cells, ({ target, request, requests }) =>
    JSON.stringify([
      externalUrls(target),
      request,
      requests,
      ...REACH.map(setting => target[setting] ?? null),
    ]),
  );
  const located: LocatedTarget[] = [];
  const refusals: string[] = [];
  for (const [first, ...others] of groups.values()) {
    const { target } = first!;
    const setting: UrlSetting = target.urls === undefined ? 'target.url' : 'target.urls';
    const reach = readReach(target, process.env);
    const servers: LocatedServer[] = [];
    for (const url of externalUrls(target)) {
      const destination = { setting, url, reach };
      const { addresses, refused } = await addressesTo(destination, { allowedHosts, resolve, signal });
      refusals.push(...refused);
      const { pathname, search } = new URL(url);
      const requests = prepareRequests(first!, `${pathname}${search}`, process.env);
      servers.push({ url, reach, addresses, requests });
    }
    refusals.push(...sameServers(servers));
    located.push({ servers, cells: [first!, ...others] });
  }
  if (refusals.length > 0) throw new UsageError(refusals.join('\n'));
  return located;
}

/** For a client that dials by itself, connections to two names of one server could not be told apart. */
function sameServers(servers: readonly LocatedServer[]): string[] {
  const byPlace = new Map<string, string>();
  return servers.flatMap(({ url, addresses }) => {
    const places = addresses.map(address => `${address} port ${hostAndPort(url).port}`);
    const known = places.find(place => byPlace.has(place));
    if (known !== undefined) {
      return `target.urls: ${url} is the same server as ${byPlace.get(known)}: both are ${known}; expected: one URL per server, and several paths of one as requests`;
    }
    for (const place of places) byPlace.set(place, url);
    return [];
  });
}

interface Permission {
  allowedHosts: readonly string[];
  resolve: Resolve;
  signal: AbortSignal | undefined;
}

/** Where connections to a server go, and why load may not be sent there. @throws MeasureError when a host cannot be resolved */
async function addressesTo(
  { setting, url, reach: { socketPath, proxy } }: { setting: UrlSetting; url: string; reach: Reach },
  { allowedHosts, resolve, signal }: Permission,
): Promise<{ addresses: readonly string[]; refused: string[] }> {
  if (socketPath !== undefined) return { addresses: [socketPath], refused: [] };
  const first =
    proxy === undefined ? { setting, url } : ({ setting: 'target.proxy', url: proxyOrigin(proxy) } as const);
  const addresses = await addressesOf(first, resolve, signal);
  const refused = [
    refusalOf({ ...first, addresses }, allowedHosts),
    proxy === undefined ? undefined : refusalBehindProxy(url, allowedHosts),
  ];
  return { addresses, refused: refused.filter(text => text !== undefined) };
}

async function addressesOf(
  { setting, url }: { setting: string; url: string },
  resolve: Resolve,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  try {
    return await orAborted(resolve(hostOf(url)), signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw unreachable(`${setting} ${url}: cannot resolve its host: ${errorMessage(error)}`, error);
  }
}

/** A look-up cannot be cancelled, but the wait for it can end. */
async function orAborted<Result>(work: Promise<Result>, signal?: AbortSignal): Promise<Result> {
  if (signal === undefined) return work;
  const { promise, reject } = Promise.withResolvers<never>();
  using _ = addAbortListener(signal, () => reject(signal.reason));
  return await Promise.race([work, promise]);
}

async function lookUp(host: string): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  return (await dns.promises.lookup(host, { all: true })).map(({ address }) => address);
}

/**
 * Sends each server its requests once, trying its addresses until one answers: all load then goes to that address.
 * @returns the servers by cell
 * @throws MeasureError when a server does not answer, or cannot be measured; the reason of the signal
 */
export async function findServers(
  located: readonly LocatedTarget[],
  signal?: AbortSignal,
): Promise<Map<string, FoundTarget>> {
  const found = new Map<string, FoundTarget>();
  for (const target of located) {
    const answered = await askAll(target, signal);
    for (const { id } of target.cells) found.set(id, answered);
  }
  return found;
}

async function askAll({ servers, cells }: LocatedTarget, signal?: AbortSignal): Promise<FoundTarget> {
  const found: FoundServer[] = [];
  const places: Endpoint[] = [];
  for (const server of servers) {
    const answered = await askOne(server, cells, siblingOf(server, found), signal);
    requireHttp2(answered.facts, cells);
    found.push(answered);
    places.push(endpointOf(server, answered.facts));
  }
  const [first] = places as [Endpoint, ...Endpoint[]];
  const origins = places.map(({ origin, path, address }) => ({
    origin,
    path,
    ...(address === undefined ? {} : { address }),
  }));
  return {
    servers: found as [FoundServer, ...FoundServer[]],
    endpoint: places.length === 1 ? first : { ...first, origins },
    asked: {
      beforeRun: found.reduce((sum, { answers }) => sum + answers.length, 0),
      betweenReplicates: 0,
    },
  };
}

/** A server by the same name that has answered: generators bind a name to one address, whatever the port. */
function siblingOf({ url }: LocatedServer, found: readonly FoundServer[]): ForeignServer | undefined {
  const host = hostOf(url);
  return isIP(host) === 0 ? found.find(({ facts }) => hostOf(facts.url) === host)?.facts : undefined;
}

/** @param sibling a server by the same name that has answered */
async function askOne(
  server: LocatedServer,
  cells: LocatedTarget['cells'],
  sibling: ForeignServer | undefined,
  signal?: AbortSignal,
): Promise<FoundServer> {
  const { reach, requests } = server;
  const answers: FoundAnswer[] = [];
  for (const request of requests) {
    const known = answers[0]?.facts ?? sibling;
    const addresses = known === undefined ? server.addresses : [known.address];
    const facts = await firstAnswer({ ...server, addresses, request, sibling }, signal);
    const name = requests.length === 1 ? undefined : request.name;
    const asked = describeQuestion(server.url, request);
    requireWanted(facts, cells, name === undefined ? asked : `${asked}, for ${name},`);
    requireProxied(facts, reach, cells, asked);
    answers.push({ name, asked, facts });
  }
  return { facts: answers[0]!.facts, answers, reach, request: requests[0] };
}

/** A request has a path of its own where the scenario states one. */
function describeQuestion(url: string, { method, path, secrets }: PreparedRequest): string {
  const asked = redact(new URL(url).origin + path, secrets);
  return method === 'GET' ? asked : `${method} ${asked}`;
}

/** @throws MeasureError where a cell states that the server offers HTTP/2, but it does not */
function requireHttp2({ url, alpn }: ForeignServer, cells: LocatedTarget['cells']): void {
  if (alpn === 'h2' || cells.every(({ target }) => target.protocol !== 'h2')) return;
  throw unreachable(
    `${url} does not offer HTTP/2, as target.protocol states: of h2 and http/1.1 it chose ${alpn ?? 'neither'}`,
  );
}

function endpointOf({ url, reach }: LocatedServer, { address }: ForeignServer): Endpoint {
  const { serverName, proxy, ...way } = reach;
  const named = namedUrl(url, reach);
  const isName = isIP(hostOf(named.href)) === 0 && reach.socketPath === undefined && proxy === undefined;
  return {
    origin: named.origin,
    path: `${named.pathname}${named.search}`,
    ...way,
    ...(proxy === undefined ? {} : { proxyUrl: proxyAt(proxy, address) }),
    ...(isName ? { address } : {}),
  };
}

/** A proxy answers in place of the server if it can't, or won't, ask it. @throws MeasureError for a status that none of the cells expects */
function requireProxied(
  { status, url }: ForeignServer,
  { proxy }: Reach,
  cells: LocatedTarget['cells'],
  asked: string,
): void {
  const isTunnelled = new URL(url).protocol === 'https:';
  if (proxy === undefined || isTunnelled || !isProxyRefusal(status)) return;
  if (cells.every(({ target }) => isExpectedStatus(target.expectStatus, status))) return;
  const answer = describeProxyAnswer(proxy, status, `a request for ${asked}`);
  throw unreachable(`${asked} cannot be measured: ${answer}`);
}

/**
 * An expected redirect is an ordinary answer, unless a user's module might follow it.
 * @throws MeasureError for a redirect that would lead the load elsewhere
 */
function requireWanted(
  { status, location }: ForeignServer,
  cells: LocatedTarget['cells'],
  asked: string,
): void {
  const isWanted = cells.every(
    ({ target, hasUserModules }) => !hasUserModules && isExpectedStatus(target.expectStatus, status),
  );
  if (status < 300 || status >= 400 || location === null || isWanted) return;
  throw unreachable(
    `${asked} is a redirect (${status}) to ${location}: a client that follows it would send its load there; expected: the URL that answers`,
  );
}

/** Statuses by which a server refuses a request itself, so that it would refuse all of the load. */
function isRefusal(status: number): boolean {
  return status >= 400 && status < 500;
}

const REFUSAL_HINTS: Readonly<Record<number, string>> = {
  401: 'request.headers.authorization with credentials that the server accepts',
  403: 'request.headers.authorization with credentials that the server accepts',
  404: 'another path',
  405: 'another method (request.method)',
  410: 'another path',
  415: 'request.headers.content-type with the type of the body',
};

/** Statuses by which servers refuse a body that was sent without its type. */
const REFUSED_BODIES = new Set([400, 415, 422]);

type Asking = Pick<Scenario, 'target' | 'clients' | 'expect' | 'request' | 'requests'>;

/** Whether a body goes without its type: no client adds one. */
export function lacksContentType({ request, requests }: Pick<Scenario, 'request' | 'requests'>): boolean {
  return (requests ?? (request === undefined ? [] : [request])).some(
    ({ body, bodyFile, headers }) =>
      (body !== undefined || bodyFile !== undefined) &&
      Object.keys(headers).every(name => name.toLowerCase() !== 'content-type'),
  );
}

function refusalHint(status: number, scenario: Asking): string {
  if (REFUSED_BODIES.has(status) && lacksContentType(scenario))
    return 'request.headers.content-type with the type of the body, such as application/json (none was sent)';
  return REFUSAL_HINTS[status] ?? (isRefusal(status) ? 'another request' : 'a server that works');
}

/**
 * A load of which every request is refused measures nothing, and may lock out whose credentials it has. Users' modules send
 * requests of their own, and a scenario may expect failures.
 * @param mustBeGood whether trouble of the server, which may pass, ends the run, too
 * @throws UsageError when a server refused all that it was asked before the load
 */
export function requireWelcome(
  scenario: Asking,
  { servers }: Pick<FoundTarget, 'servers'>,
  mustBeGood = false,
): void {
  const { target, clients, expect } = scenario;
  if (runsUserModules(clients)) return;
  if (expect.some(({ metric }) => metric === 'successRatio')) return;
  for (const { answers } of servers) {
    const [first] = answers;
    const isRefused = answers.every(
      ({ facts: { status } }) =>
        (mustBeGood || isRefusal(status)) && !isExpectedStatus(target.expectStatus, status),
    );
    if (first === undefined || !isRefused) continue;
    const { status } = first.facts;
    throw new UsageError(
      `${first.asked} responded with status ${status} (${STATUS_CODES[status] ?? 'unknown'}), and so it would to the load; none was sent. Expected: ${refusalHint(status, scenario)}, or target.expectStatus with ${status} if this is the response to measure`,
    );
  }
}

interface FirstQuestion extends Pick<LocatedServer, 'url' | 'reach' | 'addresses'> {
  request: PreparedRequest;
  sibling: ForeignServer | undefined;
}

async function firstAnswer(
  { url, reach, addresses, request, sibling }: FirstQuestion,
  signal?: AbortSignal,
): Promise<ForeignServer> {
  const failures: string[] = [];
  let verb = 'does not answer';
  for (const address of addresses) {
    try {
      return await askServer({ url, address, reach, request, timeoutMs: ANSWER_TIMEOUT_MS, signal });
    } catch (error) {
      signal?.throwIfAborted();
      failures.push(redact(describeAnswerFailure(error, url, reach), secretsOfWay(request, reach)));
      if (isAnswered(error) || error instanceof ProxyError) verb = 'cannot be measured';
    }
  }
  const causes =
    failures.join('; ') ||
    `${reach.proxy === undefined ? 'its host' : 'the host of its proxy'} has no address`;
  const bound =
    sibling === undefined
      ? ''
      : ` (its host is bound to ${sibling.address}, where ${sibling.url} answers; addresses in target.urls would tell them apart)`;
  throw unreachable(`${url} ${verb}: ${causes}${bound}`);
}

function secretsOfWay({ secrets }: PreparedRequest, { proxy }: Reach): string[] {
  return [...proxySecrets(proxy), ...secrets];
}

/**
 * Checks that a server, or each of several, still answers.
 * @throws MeasureError target-died
 */
export async function requireAnswer(
  { servers, asked }: Pick<FoundTarget, 'servers' | 'asked'>,
  signal?: AbortSignal,
): Promise<void> {
  for (const { facts, reach, request } of servers) {
    const { url, address } = facts;
    try {
      await askServer({ url, address, reach, request, timeoutMs: ANSWER_TIMEOUT_MS, signal });
      asked.betweenReplicates++;
    } catch (error) {
      throw new MeasureError(
        'target-died',
        `${url} no longer answers: ${redact(describeAnswerFailure(error, url, reach), secretsOfWay(request, reach))}`,
        { cause: error },
      );
    }
  }
}
