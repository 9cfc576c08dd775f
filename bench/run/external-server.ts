// External servers (`target.url`): resolves their hosts, checks that load is allowed, and asks each once before the run.
import dns from 'node:dns';
import type { ClientRequest, IncomingMessage } from 'node:http';
import http from 'node:http';
import https from 'node:https';
import { isIP, isIPv6, type LookupFunction } from 'node:net';
import tls from 'node:tls';
import { errorMessage, MeasureError, UsageError } from '../../results/errors.ts';
import type { ForeignServer } from '../../results/model/run.ts';
import { isExpectedStatus } from '../../scenarios/model/statuses.ts';
import type { Target } from '../../scenarios/model/target.ts';
import type { Endpoint } from '../../servers/protocol.ts';
import { proxyAt, proxyOrigin, proxySecrets } from '../clients/proxy.ts';
import { framedHeaders, prepareRequests, redact } from '../clients/request.ts';
import { identityOptions } from '../clients/trust.ts';
import type { PreparedRequest, PreparedRequests } from '../contracts.ts';
import { hostOf, isLoopback, refusalBehindProxy, refusalOf } from '../plan/allowed-hosts.ts';
import type { Plan } from '../plan/plan.ts';
import { AnswerProgress } from './answer-progress.ts';
import {
  authorityOf,
  describeProxyAnswer,
  fromProxy,
  isProxyRefusal,
  openTunnel,
  ProxyError,
} from './proxy.ts';
import { namedUrl, type Reach, readReach } from './reach.ts';

const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** Error codes of a TLS handshake with a peer that does not speak TLS. */
const NOT_TLS = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_HTTP_REQUEST',
]);

/** Alerts of a server that refuses the client's certificate, or has none to look at. */
const REFUSED_IDENTITY =
  /ALERT_(?:CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_REVOKED|CERTIFICATE_EXPIRED|CERTIFICATE_UNKNOWN|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)$/;

/** The server answered, but cannot be measured. */
class AnswerError extends Error {
  override readonly name = 'AnswerError';
}

/** Whether the server answered at all, even if it cannot be measured. */
export function isAnswered(error: unknown): boolean {
  const code = String((error as NodeJS.ErrnoException | undefined)?.code ?? '');
  return (
    error instanceof AnswerError ||
    code.startsWith('HPE_') ||
    code.startsWith('CERT_') ||
    NOT_TLS.has(code) ||
    REFUSED_IDENTITY.test(code)
  );
}

/** Text from a server is printed, so control characters are removed. */
function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ');
}

export function describeAnswerFailure(error: unknown, url: string, reach: Reach = {}): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const message = oneLine(errorMessage(error)).trim();
  if (error instanceof ProxyError) return message;
  if (UNTRUSTED.has(code)) {
    return `its certificate is not signed by a trusted authority (${code}); target.caFile can name one`;
  }
  if (REFUSED_IDENTITY.test(code)) {
    return reach.identity === undefined
      ? `it refused the TLS handshake (${code}); a server that wants a certificate of its clients needs target.certFile and keyFile`
      : `it refused the certificate in target.certFile (${code}); expected: one that is signed by an authority which this server trusts`;
  }
  if (NOT_TLS.has(code)) {
    return `this port does not speak TLS; expected: ${url.replace(/^https:/, 'http:')}, or the port of https`;
  }
  switch (code) {
    case 'ECONNREFUSED':
      return `${message} (conntax does not start an external server: it must already be running)`;
    case 'ENOENT':
      return `${message} (this socket does not exist; conntax does not start an external server: it must already be running)`;
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `its certificate is for ${listCertificateNames(error)}, and not for ${namedUrl(url, reach).hostname}: use one of these names in target.url, or a host name as target.serverName`;
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return `its certificate is not valid now (${message}); expected: a new one on the server, or target.insecure: true, which accepts any`;
    case 'HPE_HEADER_OVERFLOW':
      return `it answered with a header of more than ${http.maxHeaderSize / 1_024} KiB, Node's limit. NODE_OPTIONS=--max-http-header-size=65536 raises it for conntax and its clients`;
    case 'ECONNRESET':
      return `it closed the connection before its answer was complete (${message})${identityHint(url, reach)}`;
    default:
      return code.startsWith('HPE_') ? `its answer is not HTTP/1.1 (${message})` : message;
  }
}

/** Some servers refuse a client's certificate without a word. */
function identityHint(url: string, { identity }: Reach): string {
  if (!url.startsWith('https:')) return '';
  return identity === undefined
    ? '; if it wants a certificate of its clients, expected: target.certFile and keyFile'
    : '; perhaps it refused the certificate in target.certFile; expected: one that is signed by an authority which it trusts';
}

interface Certificate {
  subjectaltname?: string;
  subject?: { CN?: string | string[] };
}

/** `localhost, 127.0.0.2`. */
function listCertificateNames(error: unknown): string {
  const { subjectaltname, subject } = (error as { cert?: Certificate }).cert ?? {};
  if (subjectaltname !== undefined && subjectaltname !== '') {
    return oneLine(subjectaltname.replaceAll(/(?:DNS|IP Address|URI):/g, ''));
  }
  return subject?.CN === undefined
    ? 'no name at all'
    : `no name but the common name ${oneLine(String(subject.CN))}, which clients ignore`;
}

/** A look-up that always returns one address, without asking a resolver. */
function fixedLookup(address: string): LookupFunction {
  const family = isIPv6(address) ? 6 : 4;
  return (_host, options, callback) => {
    // Asynchronously, like a real look-up.
    if (options.all === true) process.nextTick(callback, null, [{ address, family }]);
    else process.nextTick(callback, null, address, family);
  };
}

/** The authorities that the system and Node trust, as PEM: the default of clients of https servers. */
export function systemAuthorities(): string[] {
  return [...new Set([...tls.getCACertificates('default'), ...tls.getCACertificates('system')])];
}

/**
 * Makes this process resolve the endpoint's host to the checked address only: if the name later resolves to another machine,
 * load cannot go there, and no look-up adds to a latency. This binds every client library that dials through node:net.
 * Where certificates are not to be verified, Node's own switch applies to every client alike.
 * Without a caPem, an https endpoint is verified with the system's authorities. They become the process's default, because
 * a client that is given all of them would parse them again for each connection (14 ms).
 */
export function reachAsChecked({ origin, address, caPem, isUnverified }: Endpoint): void {
  const { hostname, protocol } = new URL(origin);
  if (address !== undefined) {
    const { lookup } = dns;
    const fixed = fixedLookup(address);
    const pinned = (host: string, ...rest: unknown[]): void => {
      const callback = rest.at(-1) as Parameters<LookupFunction>[2];
      const [options] = rest;
      if (host !== hostname) Reflect.apply(lookup, dns, [host, ...rest]);
      else fixed(host, typeof options === 'object' && options !== null ? options : {}, callback);
    };
    dns.lookup = Object.assign(pinned, { __promisify__: lookup.__promisify__ }) as typeof lookup;
  }
  if (isUnverified === true) process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  else if (protocol === 'https:' && caPem === undefined) tls.setDefaultCACertificates(systemAuthorities());
}

type TlsOffer = Pick<ForeignServer, 'tlsVersion' | 'alpn'>;

interface Peer {
  url: string;
  address: string;
  reach: Reach;
  trust: tls.ConnectionOptions;
}

function portOf({ protocol, port }: URL): number {
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}

/** Where a TLS connection begins. @throws ProxyError */
async function wayTo(
  { url, address, reach: { socketPath, proxy } }: Omit<Peer, 'trust'>,
  giveUp: AbortSignal,
): Promise<tls.ConnectionOptions> {
  if (socketPath !== undefined) return { path: socketPath };
  const named = new URL(url);
  if (proxy === undefined) return { host: address, port: portOf(named) };
  const tunnel = await openTunnel(proxyAt(proxy, address), authorityOf(named), giveUp);
  return { socket: tunnel };
}

/** The TLS version that the server chooses, and whether it offers HTTP/2. @throws Error of the handshake */
async function readOffer(
  { url, address, reach, trust }: Peer,
  giveUp: AbortSignal,
  progress?: AnswerProgress,
): Promise<TlsOffer> {
  const host = hostOf(namedUrl(url, reach).href);
  const way = await wayTo({ url, address, reach }, giveUp);
  const { promise, resolve, reject } = Promise.withResolvers<TlsOffer>();
  const socket = tls.connect({
    ...way,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ALPNProtocols: ['h2', 'http/1.1'],
    ...trust,
  });
  progress?.watchSocket(socket);
  const onAbort = (): void => void socket.destroy(new Error('abandoned'));
  giveUp.addEventListener('abort', onAbort, { once: true });
  socket.once('secureConnect', () =>
    resolve({ tlsVersion: socket.getProtocol(), alpn: socket.alpnProtocol || null }),
  );
  socket.once('error', reject);
  socket.once('close', () => reject(new Error('it closed the connection during the TLS handshake')));
  return promise.finally(() => {
    giveUp.removeEventListener('abort', onAbort);
    socket.destroy();
  });
}

/** Whether the port speaks TLS, with any certificate; checked where plain HTTP failed. */
async function speaksTls(peer: Omit<Peer, 'trust'>, giveUp: AbortSignal): Promise<boolean> {
  return readOffer({ ...peer, trust: { rejectUnauthorized: false } }, giveUp).then(
    () => true,
    // An alert is also TLS: the server may want a client certificate, for example.
    (error: Error) => /ERR_SSL_\w*ALERT/.test(String((error as NodeJS.ErrnoException).code)),
  );
}

const MOST_HEADER_CHARS = 200;
/** A TLS server answers a handshake soon; another may stay silent. */
const TLS_TIMEOUT_MS = 2_000;
const BAD_REQUEST = 400;

interface Question {
  url: string;
  address: string;
  /** Default: by its host and port, with the authorities of the system. */
  reach?: Reach;
  request: PreparedRequest;
  timeoutMs: number;
  /** Ends the request at once. */
  signal?: AbortSignal | undefined;
}

/**
 * Sends one HTTP/1.1 request and reads the whole answer. With TLS, another connection without a request finds out
 * whether the server offers HTTP/2. It always settles, at the latest after timeoutMs.
 * @throws Error of the system, of TLS, of HTTP, or a timeout; the reason of the signal
 */
export async function askServer(question: Question): Promise<ForeignServer> {
  const { url, address, reach = {}, timeoutMs, signal } = question;
  signal?.throwIfAborted();
  const deadline = new AbortController();
  // A timer of AbortSignal.timeout() would not keep the process alive.
  const timer = setTimeout(() => deadline.abort(), timeoutMs);
  const giveUp = signal === undefined ? deadline.signal : AbortSignal.any([signal, deadline.signal]);
  const isTls = new URL(url).protocol === 'https:';
  const progress = new AnswerProgress(isTls);
  try {
    const trust = isTls ? trustOptions(reach) : {};
    const offer = isTls
      ? await readOffer({ url, address, reach, trust }, giveUp, progress)
      : { tlsVersion: null, alpn: null };
    const answer = await ask(question, { trust, progress, signal: giveUp });
    if (!isTls && answer.status === BAD_REQUEST) await requirePlain(question);
    const where = {
      url,
      address,
      proxy: reach.proxy === undefined ? null : proxyOrigin(reach.proxy),
      isLoopback: reach.socketPath !== undefined || isLoopback(address),
    };
    return { ...where, ...answer, ...offer, isUnverified: reach.isUnverified === true };
  } catch (error) {
    signal?.throwIfAborted();
    if (deadline.signal.aborted) throw incompleteAnswer(progress, ` within ${timeoutMs / 1_000} s`, error);
    if (progress.hasBegun && (error as NodeJS.ErrnoException).code === 'ECONNRESET') {
      throw incompleteAnswer(progress, ' before it closed the connection', error);
    }
    if (isTls) throw error;
    if (reach.proxy !== undefined) throw fromProxy(error, reach.proxy);
    if (isConnected(error)) await requirePlain(question);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function incompleteAnswer(progress: AnswerProgress, within: string, cause?: unknown): Error {
  const Kind = progress.hasBegun ? AnswerError : Error;
  return new Kind(progress.describe(within), { cause });
}

function trustOptions(reach: Reach): tls.ConnectionOptions {
  return {
    ca: reach.caPem ?? systemAuthorities(),
    rejectUnauthorized: reach.isUnverified !== true,
    ...identityOptions(reach),
  };
}

/** Whether the connection was opened, so that the port can be checked for TLS. */
function isConnected(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).syscall !== 'connect' && !(error instanceof AnswerError);
}

/** A port that does not understand plain HTTP may speak TLS. */
async function requirePlain({ url, address, reach = {}, signal }: Question): Promise<void> {
  if (reach.proxy !== undefined) return;
  const deadline = AbortSignal.timeout(TLS_TIMEOUT_MS);
  const giveUp = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
  if (await speaksTls({ url, address, reach }, giveUp)) {
    throw new AnswerError(`this port speaks TLS; expected: ${url.replace(/^http:/, 'https:')}`);
  }
}

type Answer = Omit<
  ForeignServer,
  'url' | 'address' | 'proxy' | 'isLoopback' | 'tlsVersion' | 'alpn' | 'isUnverified'
>;

/** A header for printing: without control characters, and cut. */
function formatHeader(value: string | string[] | undefined): string | null {
  return value === undefined ? null : oneLine(String(value)).slice(0, MOST_HEADER_CHARS);
}

/** How the end of the body is marked. */
function framingOf({ statusCode, headers }: IncomingMessage): NonNullable<ForeignServer['framing']> {
  if (statusCode === 204 || statusCode === 304) return 'none';
  if (/\bchunked\b/i.test(headers['transfer-encoding'] ?? '')) return 'chunked';
  return headers['content-length'] === undefined ? 'close' : 'length';
}

function ask(
  question: Question,
  { trust, progress, signal }: { trust: object; progress: AnswerProgress; signal: AbortSignal },
): Promise<Answer> {
  const { url, address, reach = {}, request: asked } = question;
  const isTls = new URL(url).protocol === 'https:';
  const proxy = reach.proxy === undefined ? undefined : proxyAt(reach.proxy, address);
  const agentOptions = {
    // So that the answer shows whether the server keeps the connection open.
    keepAlive: true,
    ...(proxy === undefined ? {} : { proxyEnv: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } }),
  };
  const agent = isTls ? new https.Agent(agentOptions) : new http.Agent(agentOptions);
  const options = {
    agent,
    signal,
    lookup: fixedLookup(address),
    method: asked.method,
    path: asked.path,
    headers: framedHeaders(asked),
    ...(reach.socketPath === undefined ? {} : { socketPath: reach.socketPath }),
    ...trust,
  };
  const request = (isTls ? https : http).request(namedUrl(url, reach), options);
  progress.watchRequest(request);
  return readAnswer(request, asked.body, progress).finally(() => {
    request.destroy();
    agent.destroy();
  });
}

function readAnswer(
  request: ClientRequest,
  body: Buffer | undefined,
  progress: AnswerProgress,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  request
    .once('response', response => {
      response.once('error', reject).once('end', () => {
        const { statusCode: status = 0, httpVersion, headers } = response;
        resolve({
          status,
          httpVersion,
          location: formatHeader(headers.location),
          software: formatHeader(headers.server),
          connectionHeader: formatHeader(headers.connection),
          keepAliveHeader: formatHeader(headers['keep-alive']),
          framing: framingOf(response),
          interimStatuses: progress.interimStatuses,
        });
      });
      response.resume();
    })
    .once('upgrade', (_response, socket) => {
      socket.destroy();
      reject(new AnswerError('it answers with status 101 (switching protocols), which was not requested'));
    })
    .on('error', reject)
    // The last event of a request: if nothing settled the promise before, the answer is incomplete.
    .once('close', () =>
      reject(
        progress.hasBegun
          ? incompleteAnswer(progress, ' before it closed the connection')
          : new Error('it closed the connection before its answer was complete'),
      ),
    )
    .end(body);
  return promise;
}

/** An external server of the plan that load may be sent to, with the addresses of its host. */
export interface LocatedServer {
  url: string;
  reach: Reach;
  /** Of its host, or of the proxy's; or the path of its Unix socket. */
  addresses: readonly string[];
  /** Cells with this server as target. */
  cells: readonly { id: string; target: Target; hasUserModules: boolean }[];
  requests: PreparedRequests;
}

/** What a server answered to one of a scenario's requests. */
interface FoundAnswer {
  /** Of the request, where there are several. */
  name: string | undefined;
  facts: ForeignServer;
}

/** A server that has answered: its endpoint and its properties. */
export interface FoundServer {
  /** By its answer to the first request. */
  facts: ForeignServer;
  /** To each request, in their order. */
  answers: readonly FoundAnswer[];
  endpoint: Endpoint;
  reach: Reach;
  /** What it was asked first. */
  request: PreparedRequest;
}

/** Resolves a host to all of its addresses; an address resolves to itself. */
type Resolve = (host: string) => Promise<readonly string[]>;

const ANSWER_TIMEOUT_MS = 10_000;

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

/**
 * Resolves the host of every external server of the plan, without sending it anything.
 * @throws UsageError when load may not be sent to one of them, or a file of theirs cannot be used; MeasureError when a host cannot be resolved
 */
export async function locateServers(
  plan: Plan,
  allowedHosts: readonly string[],
  resolve: Resolve = lookUp,
  signal?: AbortSignal,
): Promise<LocatedServer[]> {
  const cells = plan.cells.flatMap(({ id, scenario: { target, clients, request, requests } }) => {
    if (target.url === undefined) return [];
    const hasUserModules = Object.values(clients).some(({ modulePath }) => modulePath !== undefined);
    return [{ id, target, url: target.url, hasUserModules, request, requests }];
  });
  const groups = Map.groupBy(cells, ({ url, target, request, requests }) =>
    JSON.stringify([url, request, requests, ...REACH.map(setting => target[setting] ?? null)]),
  );
  const located: LocatedServer[] = [];
  const refusals: string[] = [];
  for (const [first, ...others] of groups.values()) {
    const { url, target } = first!;
    const { pathname, search } = new URL(url);
    const reach = readReach(target, process.env);
    const { addresses, refused } = await addressesTo(url, reach, { allowedHosts, resolve, signal });
    refusals.push(...refused);
    located.push({
      url,
      reach,
      addresses,
      requests: prepareRequests(first!, `${pathname}${search}`, process.env),
      cells: [first!, ...others],
    });
  }
  if (refusals.length > 0) throw new UsageError(refusals.join('\n'));
  return located;
}

interface Permission {
  allowedHosts: readonly string[];
  resolve: Resolve;
  signal: AbortSignal | undefined;
}

/** Where connections to a server go, and why load may not be sent there. @throws MeasureError when a host cannot be resolved */
async function addressesTo(
  url: string,
  { socketPath, proxy }: Reach,
  { allowedHosts, resolve, signal }: Permission,
): Promise<{ addresses: readonly string[]; refused: string[] }> {
  if (socketPath !== undefined) return { addresses: [socketPath], refused: [] };
  const first =
    proxy === undefined
      ? ({ setting: 'target.url', url } as const)
      : ({ setting: 'target.proxy', url: proxyOrigin(proxy) } as const);
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
    throw new MeasureError(
      'unreachable',
      `${setting} ${url}: cannot resolve its host: ${errorMessage(error)}`,
      {
        cause: error,
      },
    );
  }
}

/** A look-up cannot be cancelled, but the wait for it can end. */
async function orAborted<Result>(work: Promise<Result>, signal?: AbortSignal): Promise<Result> {
  if (signal === undefined) return work;
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', onAbort));
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
  located: readonly LocatedServer[],
  signal?: AbortSignal,
): Promise<Map<string, FoundServer>> {
  const found = new Map<string, FoundServer>();
  for (const server of located) {
    const { url, reach, requests } = server;
    const answers: FoundAnswer[] = [];
    for (const request of requests) {
      const { addresses } = server;
      const known = answers.length === 0 ? addresses : [answers[0]!.facts.address];
      const facts = await firstAnswer({ url, reach, addresses: known, request }, signal);
      const name = requests.length === 1 ? undefined : request.name;
      requireWanted(facts, server, name);
      requireProxied(facts, server);
      answers.push({ name, facts });
    }
    const { facts } = answers[0]!;
    const endpoint = endpointOf(server, facts);
    for (const { id, target } of server.cells) {
      if (target.protocol === 'h2' && facts.alpn !== 'h2') {
        throw new MeasureError(
          'unreachable',
          `${url} does not offer HTTP/2, as target.protocol states: of h2 and http/1.1 it chose ${facts.alpn ?? 'neither'}`,
        );
      }
      found.set(id, { facts, answers, endpoint, reach, request: requests[0] });
    }
  }
  return found;
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
function requireProxied({ status, url }: ForeignServer, { reach, cells }: LocatedServer): void {
  const isTunnelled = new URL(url).protocol === 'https:';
  if (reach.proxy === undefined || isTunnelled || !isProxyRefusal(status)) return;
  if (cells.every(({ target }) => isExpectedStatus(target.expectStatus, status))) return;
  const answer = describeProxyAnswer(reach.proxy, status, `a request for ${url}`);
  throw new MeasureError('unreachable', `${url} cannot be measured: ${answer}`);
}

/** @throws MeasureError for a redirect that would lead the load elsewhere */
function requireWanted(facts: ForeignServer, server: LocatedServer, name: string | undefined): void {
  if (!isUnwantedRedirect(facts, server)) return;
  const asked = name === undefined ? server.url : `${server.url}, asked for ${name},`;
  throw new MeasureError(
    'unreachable',
    `${asked} is a redirect (${facts.status}) to ${facts.location}: a client that follows it would send its load there; expected: the URL that answers`,
  );
}

/** An expected redirect is an ordinary answer, unless a user's module might follow it. */
function isUnwantedRedirect({ status, location }: ForeignServer, { cells }: LocatedServer): boolean {
  if (status < 300 || status >= 400 || location === null) return false;
  return cells.some(
    ({ target, hasUserModules }) => hasUserModules || !isExpectedStatus(target.expectStatus, status),
  );
}

async function firstAnswer(
  {
    url,
    reach,
    addresses,
    request,
  }: Pick<LocatedServer, 'url' | 'reach' | 'addresses'> & { request: PreparedRequest },
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
  throw new MeasureError('unreachable', `${url} ${verb}: ${causes}`);
}

function secretsOfWay({ secrets }: PreparedRequest, { proxy }: Reach): string[] {
  return [...proxySecrets(proxy), ...secrets];
}

/**
 * Checks that a server still answers.
 * @throws MeasureError target-died
 */
export async function requireAnswer(
  { facts: { url, address }, reach, request }: FoundServer,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await askServer({ url, address, reach, request, timeoutMs: ANSWER_TIMEOUT_MS, signal });
  } catch (error) {
    throw new MeasureError(
      'target-died',
      `${url} no longer answers: ${redact(describeAnswerFailure(error, url, reach), secretsOfWay(request, reach))}`,
      {
        cause: error,
      },
    );
  }
}
