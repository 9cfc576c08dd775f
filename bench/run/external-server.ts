// In: a plan and the hosts that the user allows. Out: every server in it that we did not start, found where load may go.
import dns from 'node:dns';
import { readFile } from 'node:fs/promises';
import type { ClientRequest, IncomingMessage } from 'node:http';
import http from 'node:http';
import https from 'node:https';
import { isIP, isIPv6, type LookupFunction } from 'node:net';
import tls from 'node:tls';
import { MeasureError, UsageError } from '../../results/errors.ts';
import type { ForeignServer } from '../../results/model/run.ts';
import { isExpectedStatus, type Target } from '../../scenarios/model/target.ts';
import type { Endpoint } from '../../servers/protocol.ts';
import { hostOf, isLoopback, refusalOf } from '../plan/allowed-hosts.ts';
import type { Plan } from '../plan/plan.ts';

// From the error with which the first question to a server has ended. Out: what went wrong and what would be right, in a sentence.

const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** What a peer that does not speak TLS makes of a handshake. */
const NOT_TLS = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_HTTP_REQUEST',
]);

/** It did answer, and nothing can be measured of it. */
class AnswerError extends Error {
  override readonly name = 'AnswerError';
}

/** Whether somebody is there, if not one that can be measured. */
function isAnswered(error: unknown): boolean {
  const code = String((error as NodeJS.ErrnoException | undefined)?.code ?? '');
  return error instanceof AnswerError || code.startsWith('HPE_') || NOT_TLS.has(code);
}

/** What comes from a server is printed: without control characters. */
function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ');
}

export function answerFailureText(error: unknown, url: string): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const message = oneLine(error instanceof Error ? error.message : String(error)).trim();
  if (UNTRUSTED.has(code)) {
    return `its certificate is signed by no authority that is trusted here (${code}): target.caFile can name one`;
  }
  if (NOT_TLS.has(code)) {
    return `this port does not speak TLS. Expected: ${url.replace(/^https:/, 'http:')}, or the port of https`;
  }
  switch (code) {
    case 'ECONNREFUSED':
      return `${message} (conntax does not start this server: it has to run already)`;
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `its certificate is for ${namesText(error)}, and not for ${new URL(url).hostname}: give one of these names in target.url`;
    case 'HPE_HEADER_OVERFLOW':
      return `it answered with a header of more than ${http.maxHeaderSize / 1_024} KiB, which is the most that Node reads. NODE_OPTIONS=--max-http-header-size=65536 raises it for conntax and its clients`;
    case 'ECONNRESET':
      return `it closed the connection before its answer was complete (${message})`;
    default:
      return code.startsWith('HPE_') ? `what it answers is not HTTP/1.1 (${message})` : message;
  }
}

interface Certificate {
  subjectaltname?: string;
  subject?: { CN?: string | string[] };
}

/** `localhost, 127.0.0.2`. */
function namesText(error: unknown): string {
  const { subjectaltname, subject } = (error as { cert?: Certificate }).cert ?? {};
  if (subjectaltname !== undefined && subjectaltname !== '') {
    return oneLine(subjectaltname.replaceAll(/(?:DNS|IP Address|URI):/g, ''));
  }
  return subject?.CN === undefined
    ? 'no name at all'
    : `no name but the common name ${oneLine(String(subject.CN))}, which no client looks at`;
}

// From an endpoint as it was checked. Out: this process reaches it so: by that address, and trusting whom the system trusts.

/** A look-up that gives one address whatever it is asked for; asks nobody. */
function fixedLookup(address: string): LookupFunction {
  const family = isIPv6(address) ? 6 : 4;
  return (_host, options, callback) => {
    // As a real look-up would: never from within the call.
    if (options.all === true) process.nextTick(callback, null, [{ address, family }]);
    else process.nextTick(callback, null, address, family);
  };
}

/** Whom the system trusts, and Node by itself, as PEM: what a client of an https server trusts when it is told nothing. */
export function systemAuthorities(): string[] {
  return [...new Set([...tls.getCACertificates('default'), ...tls.getCACertificates('system')])];
}

/**
 * From now on this process finds the endpoint's host at the address that was checked and nowhere else: a name that stands
 * for another machine a second later can't lead load there, and no look-up is in a latency. Every client library that
 * dials through node:net is bound by it. Without a caPem, an https endpoint is trusted as the system says: as the process's
 * default, since a client that was given so many authorities would read them all again for each connection (14 ms).
 */
export function reachAsChecked({ origin, address, caPem }: Endpoint): void {
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
  if (protocol === 'https:' && caPem === undefined) tls.setDefaultCACertificates(systemAuthorities());
}

// From an address and whom to trust. Out: what a TLS handshake tells of the server there, without a request.

type TlsOffer = Pick<ForeignServer, 'tlsVersion' | 'alpn'>;

interface Peer {
  url: string;
  address: string;
  trust: tls.ConnectionOptions;
}

function portOf({ protocol, port }: URL): number {
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}

/** Which version of TLS the server chooses, and whether it offers HTTP/2. @throws Error of the handshake */
function readOffer({ url, address, trust }: Peer, giveUp: AbortSignal): Promise<TlsOffer> {
  const host = hostOf(url);
  const { promise, resolve, reject } = Promise.withResolvers<TlsOffer>();
  const socket = tls.connect({
    host: address,
    port: portOf(new URL(url)),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ALPNProtocols: ['h2', 'http/1.1'],
    ...trust,
  });
  const onAbort = (): void => void socket.destroy(new Error('given up'));
  giveUp.addEventListener('abort', onAbort, { once: true });
  socket.once('secureConnect', () =>
    resolve({ tlsVersion: socket.getProtocol(), alpn: socket.alpnProtocol || null }),
  );
  socket.once('error', reject);
  socket.once('close', () => reject(new Error('it closed the connection within the TLS handshake')));
  return promise.finally(() => {
    giveUp.removeEventListener('abort', onAbort);
    socket.destroy();
  });
}

/** Whether TLS is spoken there at all, by whatever certificate; asked where plain HTTP was not understood. */
async function speaksTls(url: string, address: string, giveUp: AbortSignal): Promise<boolean> {
  const trust = { rejectUnauthorized: false };
  return readOffer({ url, address, trust }, giveUp).then(
    () => true,
    // An alert is TLS as well: it wants a certificate of ours, say.
    (error: Error) => /ERR_SSL_\w*ALERT/.test(String((error as NodeJS.ErrnoException).code)),
  );
}

// From a URL, the address to ask there, and whom to trust. Out: what one request tells of the server; nothing of the load.

const MOST_HEADER_CHARS = 200;
/** What speaks TLS answers a handshake soon; what does not may be silent. */
const TLS_TIMEOUT_MS = 2_000;
const BAD_REQUEST = 400;

interface Question {
  url: string;
  address: string;
  /** Authority to trust, PEM; without it those of the system. */
  caPem?: string | undefined;
  timeoutMs: number;
  /** Ends the question at once. */
  signal?: AbortSignal | undefined;
}

/**
 * Asks once, over HTTP/1.1, and reads the answer to its end. Over TLS another connection, without a request, learns
 * whether the server offers HTTP/2. It always settles: whatever the server does, and at the latest when its time is over.
 * @throws Error of the system, of TLS, of HTTP, or that there was no answer in time; the reason of the signal
 */
export async function askServer(question: Question): Promise<ForeignServer> {
  const { url, address, timeoutMs, signal } = question;
  signal?.throwIfAborted();
  const deadline = new AbortController();
  // A timer of AbortSignal.timeout() would not keep the process alive for it.
  const timer = setTimeout(() => deadline.abort(), timeoutMs);
  const giveUp = signal === undefined ? deadline.signal : AbortSignal.any([signal, deadline.signal]);
  try {
    const isTls = new URL(url).protocol === 'https:';
    const trust = isTls ? { ca: question.caPem ?? systemAuthorities() } : {};
    const offer = isTls ? await readOffer({ url, address, trust }, giveUp) : { tlsVersion: null, alpn: null };
    const answer = await ask(question, trust, giveUp);
    if (!isTls && answer.status === BAD_REQUEST) await requirePlain(question);
    return { url, address, isLoopback: isLoopback(address), ...answer, ...offer };
  } catch (error) {
    signal?.throwIfAborted();
    if (deadline.signal.aborted) {
      throw new Error(`no whole answer within ${timeoutMs / 1_000} s`, { cause: error });
    }
    if (new URL(url).protocol === 'http:' && isConnected(error)) await requirePlain(question);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Errors of dialing: there is nobody to ask about TLS. */
function isConnected(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).syscall !== 'connect' && !(error instanceof AnswerError);
}

/** What does not understand plain HTTP may speak TLS. */
async function requirePlain({ url, address, signal }: Question): Promise<void> {
  const deadline = AbortSignal.timeout(TLS_TIMEOUT_MS);
  if (await speaksTls(url, address, signal === undefined ? deadline : AbortSignal.any([signal, deadline]))) {
    throw new AnswerError(`this port speaks TLS. Expected: ${url.replace(/^http:/, 'https:')}`);
  }
}

type Answer = Omit<ForeignServer, 'url' | 'address' | 'isLoopback' | 'tlsVersion' | 'alpn'>;

/** It is printed: no control characters, and not at any length. */
function headerText(value: string | string[] | undefined): string | null {
  return value === undefined ? null : oneLine(String(value)).slice(0, MOST_HEADER_CHARS);
}

/** How the end of the body is known. */
function framingOf({ statusCode, headers }: IncomingMessage): NonNullable<ForeignServer['framing']> {
  if (statusCode === 204 || statusCode === 304) return 'none';
  if (/\bchunked\b/i.test(headers['transfer-encoding'] ?? '')) return 'chunked';
  return headers['content-length'] === undefined ? 'close' : 'length';
}

function ask(question: Question, trust: object, signal: AbortSignal): Promise<Answer> {
  const { url, address } = question;
  const isTls = new URL(url).protocol === 'https:';
  // Keep-alive, so that the answer shows what the server does with a connection that the client would keep.
  const agent = isTls ? new https.Agent({ keepAlive: true }) : new http.Agent({ keepAlive: true });
  const options = { agent, signal, lookup: fixedLookup(address), ...trust };
  const request = (isTls ? https : http).request(url, options);
  return readAnswer(request).finally(() => {
    request.destroy();
    agent.destroy();
  });
}

function readAnswer(request: ClientRequest): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const interim = new Set<number>();
  request
    .once('response', response => {
      response.once('error', reject).once('end', () => {
        const { statusCode: status = 0, httpVersion, headers } = response;
        resolve({
          status,
          httpVersion,
          location: headerText(headers.location),
          software: headerText(headers.server),
          connectionHeader: headerText(headers.connection),
          keepAliveHeader: headerText(headers['keep-alive']),
          framing: framingOf(response),
          interimStatuses: [...interim],
        });
      });
      response.resume();
    })
    .on('information', ({ statusCode }) => interim.add(statusCode))
    .once('upgrade', (_response, socket) => {
      socket.destroy();
      reject(
        new AnswerError(
          'it answers with status 101, which changes to another protocol, though nothing asked for that',
        ),
      );
    })
    .on('error', reject)
    // After all else: whatever became of it, nothing more will.
    .once('close', () => reject(new Error('it closed the connection before its answer was complete')))
    .end();
  return promise;
}

/** A server of the plan whose host may be sent load, and where that host was found to be. */
export interface LocatedServer {
  url: string;
  caFile: string | undefined;
  addresses: readonly string[];
  /** The cells that it is the target of. */
  cells: readonly { id: string; target: Target; hasUserModules: boolean }[];
}

/** A server that has answered: how it is reached, and what it was found to be. */
export interface FoundServer {
  facts: ForeignServer;
  endpoint: Endpoint;
}

/** Every address that a host stands for; itself, where it is one. */
type Resolve = (host: string) => Promise<readonly string[]>;

const ANSWER_TIMEOUT_MS = 10_000;

/**
 * Looks up the host of every server of the plan, and sends it nothing.
 * @throws UsageError when load may not go to one of them; MeasureError when a host is not known
 */
export async function locateServers(
  plan: Plan,
  allowedHosts: readonly string[],
  resolve: Resolve = lookUp,
  signal?: AbortSignal,
): Promise<LocatedServer[]> {
  const cells = plan.cells.flatMap(({ id, scenario: { target, clients } }) => {
    if (target.url === undefined) return [];
    const hasUserModules = Object.values(clients).some(({ modulePath }) => modulePath !== undefined);
    return [{ id, target, url: target.url, hasUserModules }];
  });
  const groups = Map.groupBy(cells, ({ url, target }) => JSON.stringify([url, target.caFile]));
  const located: LocatedServer[] = [];
  const refusals: string[] = [];
  for (const [first, ...others] of groups.values()) {
    const { url, target } = first!;
    const addresses = await addressesOf(url, resolve, signal);
    const refusal = refusalOf({ url, addresses }, allowedHosts);
    if (refusal === undefined)
      located.push({ url, caFile: target.caFile, addresses, cells: [first!, ...others] });
    else refusals.push(refusal);
  }
  if (refusals.length > 0) throw new UsageError(refusals.join('\n'));
  return located;
}

async function addressesOf(url: string, resolve: Resolve, signal?: AbortSignal): Promise<readonly string[]> {
  try {
    return await orAborted(resolve(hostOf(url)), signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw new MeasureError(
      'unreachable',
      `target.url ${url}: its host is not known here: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
}

/** A look-up can't be called off, only no longer waited for. */
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
 * Sends each server one request, at each of its addresses until one answers: that one is where all load goes.
 * @returns by cell
 * @throws MeasureError when one does not answer, or answers what can't be measured; the reason of the signal
 */
export async function findServers(
  located: readonly LocatedServer[],
  signal?: AbortSignal,
): Promise<Map<string, FoundServer>> {
  const found = new Map<string, FoundServer>();
  for (const server of located) {
    const { url, caFile } = server;
    const caPem = caFile === undefined ? undefined : await readFile(caFile, 'utf8');
    const facts = await firstAnswer(server, caPem, signal);
    if (isUnwantedRedirect(facts, server)) {
      throw new MeasureError(
        'unreachable',
        `${url} is a redirect (${facts.status}) to ${facts.location}: a client that follows it would send its load there; give the URL that answers`,
      );
    }
    const { origin, pathname, search } = new URL(url);
    const endpoint: Endpoint = {
      origin,
      path: `${pathname}${search}`,
      ...(caPem === undefined ? {} : { caPem }),
      ...(isIP(hostOf(url)) === 0 ? { address: facts.address } : {}),
    };
    for (const { id, target } of server.cells) {
      if (target.protocol === 'h2' && facts.alpn !== 'h2') {
        throw new MeasureError(
          'unreachable',
          `${url} does not offer HTTP/2, which target.protocol says of it: of h2 and http/1.1 it chose ${facts.alpn ?? 'neither'}`,
        );
      }
      found.set(id, { facts, endpoint });
    }
  }
  return found;
}

/** Where it is expected, it is an answer as any other; but of a user's module nobody knows what it follows. */
function isUnwantedRedirect({ status, location }: ForeignServer, { cells }: LocatedServer): boolean {
  if (status < 300 || status >= 400 || location === null) return false;
  return cells.some(
    ({ target, hasUserModules }) => hasUserModules || !isExpectedStatus(target.expectStatus, status),
  );
}

async function firstAnswer(
  { url, addresses }: LocatedServer,
  caPem?: string,
  signal?: AbortSignal,
): Promise<ForeignServer> {
  const failures: string[] = [];
  let verb = 'does not answer';
  for (const address of addresses) {
    try {
      return await askServer({ url, address, caPem, timeoutMs: ANSWER_TIMEOUT_MS, signal });
    } catch (error) {
      signal?.throwIfAborted();
      failures.push(answerFailureText(error, url));
      if (isAnswered(error)) verb = 'cannot be measured';
    }
  }
  const causes = failures.join('; ') || 'its host has no address';
  throw new MeasureError('unreachable', `${url} ${verb}: ${causes}`);
}

/**
 * Asks a server again that has answered before: whether it still does.
 * @throws MeasureError target-died
 */
export async function requireAnswer(
  { facts: { url, address }, endpoint: { caPem } }: FoundServer,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await askServer({ url, address, caPem, timeoutMs: ANSWER_TIMEOUT_MS, signal });
  } catch (error) {
    throw new MeasureError(
      'target-died',
      `${url} does not answer any more: ${answerFailureText(error, url)}`,
      {
        cause: error,
      },
    );
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
