// Asks an external server one question, and says what is wrong with its answer, or how far it came.

import { addAbortListener } from 'node:events';
import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { isIP, type Socket } from 'node:net';
import tls from 'node:tls';
import { errorMessage } from '../../results/errors.ts';
import type { ForeignServer } from '../../results/model/run.ts';
import { hostAndPort, hostOf } from '../../scenarios/model/facts.ts';
import { identityOptions } from '../clients/connection-options.ts';
import { proxyAt, proxyOrigin } from '../clients/proxy.ts';
import { framedHeaders } from '../clients/request.ts';
import type { PreparedRequest } from '../contracts.ts';
import { isLoopback } from '../plan/allowed-hosts.ts';
import {
  authorityOf,
  fixedLookup,
  fromProxy,
  namedUrl,
  openTunnel,
  ProxyError,
  type Reach,
  systemAuthorities,
} from './reach.ts';

/** `1,234 bytes`. */
function countBytes(count: number): string {
  return count === 1 ? '1 byte' : `${count.toLocaleString('en-US')} bytes`;
}

/** Watches the connections of one question; the last one counts. */
class AnswerProgress {
  readonly #isTls: boolean;
  #isConnected = false;
  #isSecure = false;
  #isRequestSent = false;
  #receivedBytes = 0;
  /** Interim statuses with their numbers. */
  readonly #interim = new Map<number, number>();
  #response: IncomingMessage | undefined;
  #bodyBytes = 0;

  constructor(isTls: boolean) {
    this.#isTls = isTls;
  }

  /** Whether anything of an answer came. */
  get hasBegun(): boolean {
    return this.#receivedBytes > 0;
  }

  get interimStatuses(): number[] {
    return [...this.#interim.keys()];
  }

  watchSocket(socket: Socket): void {
    this.#isConnected = !socket.connecting;
    this.#isSecure = false;
    socket.once('connect', () => {
      this.#isConnected = true;
    });
    socket.once('secureConnect', () => {
      this.#isSecure = true;
    });
  }

  watchRequest(request: ClientRequest): void {
    request
      .once('socket', socket => {
        this.watchSocket(socket);
        socket.on('data', (chunk: Buffer) => {
          this.#receivedBytes += chunk.length;
        });
      })
      .once('finish', () => {
        this.#isRequestSent = true;
      })
      .on('information', ({ statusCode }) =>
        this.#interim.set(statusCode, (this.#interim.get(statusCode) ?? 0) + 1),
      )
      .once('response', response => {
        this.#response = response;
        response.on('data', (chunk: Buffer) => {
          this.#bodyBytes += chunk.length;
        });
      });
  }

  /** What the server did, and what it did not do. @param within ends the sentence: ` within 10 s` */
  describe(within = ''): string {
    if (this.#response !== undefined) return this.#describeBody(this.#response, within);
    if (!this.#isConnected) return `it did not accept a connection${within}`;
    if (this.#isTls && !this.#isSecure)
      return `it accepted the connection, but did not finish the TLS handshake${within}`;
    if (this.#interim.size > 0)
      return `it answered with the interim status ${this.#listInterim()}, but with no final status${within}`;
    if (this.hasBegun)
      return `it began its answer, but did not end the header${within} (${countBytes(this.#receivedBytes)} so far)`;
    return this.#isRequestSent
      ? `it accepted the connection${this.#isTls ? ' and finished the TLS handshake' : ''}, but sent nothing${within}`
      : `it accepted the connection, but did not take the whole request${within}`;
  }

  #describeBody({ statusCode, headers }: IncomingMessage, within: string): string {
    const length = Number(headers['content-length'] ?? Number.NaN);
    const start = `it answered with status ${statusCode}, but`;
    return Number.isFinite(length)
      ? `${start} sent only ${this.#bodyBytes.toLocaleString('en-US')} of the ${countBytes(length)} of its body${within}`
      : `${start} its body did not end${within} (${countBytes(this.#bodyBytes)} so far)`;
  }

  /** `103`, `102 and 103 (3 times)`. */
  #listInterim(): string {
    return [...this.#interim]
      .map(([status, count]) => (count === 1 ? String(status) : `${status} (${count} times)`))
      .join(' and ');
  }
}

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

type TlsOffer = Pick<ForeignServer, 'tlsVersion' | 'alpn'>;

interface Peer {
  url: string;
  address: string;
  reach: Reach;
  trust: tls.ConnectionOptions;
}

/** Where a TLS connection begins. @throws ProxyError */
async function wayTo(
  { url, address, reach: { socketPath, proxy } }: Omit<Peer, 'trust'>,
  giveUp: AbortSignal,
): Promise<tls.ConnectionOptions> {
  if (socketPath !== undefined) return { path: socketPath };
  if (proxy === undefined) return { host: address, port: hostAndPort(url).port };
  const tunnel = await openTunnel(proxyAt(proxy, address), authorityOf(url), giveUp);
  // Without a host, Node compares the certificate of an address with `localhost`.
  return { socket: tunnel, host: hostOf(url) };
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
  using _ = addAbortListener(giveUp, () => void socket.destroy(new Error('abandoned')));
  socket.once('secureConnect', () =>
    resolve({ tlsVersion: socket.getProtocol(), alpn: socket.alpnProtocol || null }),
  );
  socket.once('error', reject);
  socket.once('close', () => reject(new Error('it closed the connection during the TLS handshake')));
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}

/** Whether the port speaks TLS, with any certificate; checked where plain HTTP failed. */
async function speaksTls(peer: Omit<Peer, 'trust'>, giveUp: AbortSignal): Promise<boolean> {
  return readOffer({ ...peer, trust: { rejectUnauthorized: false } }, giveUp).then(
    () => true,
    // An alert is also TLS: the server may want a client certificate, for example.
    (error: Error) => /ERR_SSL_\w*ALERT/.test(String((error as NodeJS.ErrnoException).code)),
  );
}

const MAX_HEADER_CHARS = 200;
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
  return value === undefined ? null : oneLine(String(value)).slice(0, MAX_HEADER_CHARS);
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
