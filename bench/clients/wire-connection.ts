// One connection of the wire client, plain or TLS, and the requests in flight on it.
import { connect as connectPlain, isIP, type NetConnectOpts, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, createSecureContext, type TLSSocket } from 'node:tls';
import type { Outcome } from '../../results/model/trial.ts';
import type { Client } from '../../scenarios/model/client.ts';
import { hostOf } from '../../scenarios/model/facts.ts';
import type { Endpoint } from '../../servers/protocol.ts';
import type { Exchange, OpenedConnection, PreparedRequest, PreparedRequests } from '../contracts.ts';
import { identityOptions, trustInProcess } from './connection-options.ts';
import { classifyError, describeError } from './errors.ts';
import { ReusableRequest } from './reusable-request.ts';
import { AnswerParser, HeadMemo } from './wire-parser.ts';

/** As much as one read can take in; the kernel seldom has more ready. */
const READ_BYTES = 65_536;
/** A request of no more, `Connection: close` included, surely goes in one segment. */
const SEGMENT_BYTES = 1_000;
const ALPN_HTTP1 = Buffer.from('\x08http/1.1', 'latin1');

/** What all connections of one client share. */
export interface WireSettings {
  client: Client;
  /** Requests that a connection carries; Infinity: no limit. */
  requestsPerConnection: number;
  pipelining: number;
  isTls: boolean;
  /** Whether a socket may be dialled again after it has closed. */
  isRedialled: boolean;
  dialOptions: NetConnectOpts;
  /** By index of the scenario's requests. */
  requests: readonly WireText[];
  /** Whether times within the exchange are wanted, for phases or timeouts. */
  isTimed: boolean;
  /** Every read of every connection goes here: each is parsed before the next one. */
  readBuffer: Buffer;
  /** The newest TLS session, where sessions are pinned. */
  session: Buffer | undefined;
  writes: WriteBatch;
}

/**
 * The writes of one turn of the event loop, which wait until everything that has arrived in it is read. So an answer's end is
 * not delayed by the writes of other users, and the server is woken once for many requests: at 100 users over kept
 * connections that saves a tenth of the CPU per request (wrk does the same).
 */
class WriteBatch {
  readonly #connections: WireConnection[] = [];
  readonly #flush = (): void => {
    for (const connection of this.#connections) connection.flush();
    this.#connections.length = 0;
  };

  add(connection: WireConnection): void {
    if (this.#connections.push(connection) === 1) setImmediate(this.#flush);
  }
}

/** A request as it is written to a connection, each character a byte. */
interface WireText {
  text: string;
  /** The same as the last one of a connection. */
  last: string;
  /** Remembers the heads that answer it. */
  memo: HeadMemo;
}

export function createSettings(
  client: Client,
  endpoint: Endpoint,
  prepared: PreparedRequests,
  hasPhases: boolean,
): WireSettings {
  const { protocol, host, port } = new URL(endpoint.origin);
  const isTls = protocol === 'https:';
  trustInProcess(endpoint.caPem);
  const name = hostOf(endpoint.origin);
  const requests = prepared.map(request => wireText(request, host));
  const { headersMs, bodyMs } = client.timeouts;
  const { pipelining = 1, tcpKeepAliveMs, closing } = client.pool;
  const address = endpoint.address ?? name;
  return {
    client,
    requestsPerConnection:
      client.requestsPerConnection === 'unlimited' ? Infinity : client.requestsPerConnection,
    pipelining,
    isTls,
    isRedialled: !isTls && closing !== 'reset' && isIP(address) !== 0 && endpoint.socketPath === undefined,
    dialOptions: {
      ...(isTls ? tlsOptions(name, client.pool, endpoint) : {}),
      ...(endpoint.socketPath === undefined
        ? { host: address, port: port === '' ? (isTls ? 443 : 80) : Number(port) }
        : { path: endpoint.socketPath }),
      // Nagle's algorithm holds back nothing of a request in one segment: the last answer has acknowledged all that was written before.
      noDelay: isTls || pipelining > 1 || requests.some(({ last }) => last.length > SEGMENT_BYTES),
      ...(tcpKeepAliveMs === undefined ? {} : { keepAlive: true, keepAliveInitialDelay: tcpKeepAliveMs }),
    },
    requests,
    isTimed: hasPhases || headersMs !== undefined || bodyMs !== undefined,
    readBuffer: Buffer.allocUnsafeSlow(READ_BYTES),
    session: undefined,
    writes: new WriteBatch(),
  };
}

function wireText(request: PreparedRequest, host: string): WireText {
  const { method, path } = request;
  const head = `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n${headerLines(request)}`;
  const body = encodeBody(request);
  return {
    text: `${head}\r\n${body}`,
    last: `${head}Connection: close\r\n\r\n${body}`,
    memo: new HeadMemo(method === 'HEAD'),
  };
}

function headerLines({ headers, body, isChunked }: PreparedRequest): string {
  const framing = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body?.length}`;
  return [
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined ? [] : [framing]),
  ]
    .map(line => `${line}\r\n`)
    .join('');
}

/** Each character is a byte. */
function encodeBody({ body, isChunked }: PreparedRequest): string {
  const text = body?.toString('latin1') ?? '';
  if (!isChunked) return text;
  const chunk = text === '' ? '' : `${text.length.toString(16)}\r\n${text}\r\n`;
  return `${chunk}0\r\n\r\n`;
}

function tlsOptions(
  name: string,
  { tlsContext = 'shared' }: Client['pool'],
  endpoint: Endpoint,
): ConnectionOptions {
  const identity = identityOptions(endpoint);
  return {
    ...identity,
    // Without one, node:tls makes one for each connection, which costs a quarter of a millisecond.
    ...(tlsContext === 'shared' ? { secureContext: createSecureContext(identity) } : {}),
    ALPNProtocols: ALPN_HTTP1,
    // An address is checked against the certificate by itself, and is not sent as a name.
    ...(isIP(name) === 0 ? { servername: name } : {}),
  };
}

/** What a connection tells the pool that it belongs to. */
export interface ConnectionOwner {
  onReady(connection: WireConnection, opened: OpenedConnection): void;
  /** An answer has ended; the connection may have room for another request, or be lost. */
  onAnswered(connection: WireConnection): void;
  /** It is of no further use; `failure` is that of a dial, which no request was bound to. */
  onLost(connection: WireConnection, failure: { outcome: Outcome; error: string } | undefined): void;
  /** Its socket is closed, and nothing more will come: it may be opened again. */
  onClosed(connection: WireConnection): void;
}

/** Who finds a connection for a request. */
export interface RequestOwner {
  take(request: WireRequest): void;
  abandon(request: WireRequest): void;
}

export class WireRequest extends ReusableRequest {
  /** The connection that it is in flight on. */
  connection: WireConnection | undefined;
  readonly #owner: RequestOwner;

  constructor(exchange: Exchange, owner: RequestOwner) {
    super(exchange);
    this.#owner = owner;
  }

  protected override start(): void {
    this.connection = undefined;
    this.#owner.take(this);
  }

  protected override giveUp(): void {
    this.#owner.abandon(this);
  }

  succeed(): void {
    this.connection = undefined;
    this.report();
  }

  override fail(outcome: Outcome, error: string): void {
    this.connection = undefined;
    super.fail(outcome, error);
  }
}

/**
 * A place for one connection after another: its listeners and options are made once, and so is its socket where that can be
 * dialled again. It may be opened again when `onClosed` has been called, after which the connection before says nothing more.
 */
export class WireConnection {
  /** The owner's: whether it is among those that are free. */
  isListed = false;
  readonly #settings: WireSettings;
  readonly #owner: ConnectionOwner;
  readonly #parser: AnswerParser;
  readonly #options: NetConnectOpts;
  #socket!: Socket;
  /** Whether the socket has closed as planned: node:net documents that it may be dialled again then. */
  #canRedial = false;
  #dialledAtMs = Number.NaN;
  #connectedAtMs = Number.NaN;
  /** Those whose answers are to come, in their order. */
  readonly #inFlight: WireRequest[] = [];
  /** Requests that go out at the end of this turn. */
  #unwritten = '';
  #sent = 0;
  #answered = 0;
  #lastPieceAtMs = Number.NaN;
  #idleSinceMs = Number.NaN;
  #isReady = false;
  /** Whether the server has ended its side. */
  #hasEnded = false;
  #hasFailed = false;
  /** Whether it only waits for the server to close it. */
  #isRetired = false;
  #isLost = true;

  constructor(settings: WireSettings, owner: ConnectionOwner) {
    this.#settings = settings;
    this.#owner = owner;
    this.#parser = new AnswerParser(settings.requests[0]!.memo);
    this.#options = {
      ...settings.dialOptions,
      onread: { buffer: settings.readBuffer, callback: this.#onRead },
    };
  }

  open(): void {
    this.#parser.reset();
    this.#unwritten = '';
    this.#sent = 0;
    this.#answered = 0;
    this.#isReady = false;
    this.#hasEnded = false;
    this.#hasFailed = false;
    this.#isRetired = false;
    this.#isLost = false;
    this.#dialledAtMs = performance.now();
    if (this.#canRedial) this.#socket.connect(this.#settings.dialOptions);
    else this.#dial();
  }

  #dial(): void {
    const { isTls, session, client } = this.#settings;
    const socket = isTls
      ? connectTls(
          session === undefined ? this.#options : ({ ...this.#options, session } as ConnectionOptions),
        )
      : connectPlain(this.#options);
    this.#socket = socket;
    socket.on('connect', this.#onConnect);
    if (isTls) socket.on('secureConnect', this.#onSecureConnect);
    if (client.pool.tlsSessions === 'pinned') socket.on('session', this.#onSession);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  readonly #onConnect = (): void => {
    this.#connectedAtMs = performance.now();
    if (this.#settings.isTls) this.#setTcpOptions();
    else this.#begin(this.#connectedAtMs, Number.NaN, false);
  };

  readonly #onSecureConnect = (): void => {
    const isResumed = (this.#socket as TLSSocket).isSessionReused();
    const nowMs = performance.now();
    this.#begin(nowMs, nowMs - this.#connectedAtMs, isResumed);
  };

  readonly #onSession = (latest: Buffer): void => {
    this.#settings.session = latest;
  };

  readonly #onRead = (length: number, buffer: Uint8Array): boolean => {
    this.#take(buffer as Buffer, length);
    return true;
  };

  readonly #onError = (error: Error): void => {
    this.#hasFailed = true;
    this.#break(error);
  };

  readonly #onClose = (): void => {
    this.#endEarly();
    this.#owner.onClosed(this);
  };

  /** node:tls does not hand these options on to its socket. */
  #setTcpOptions(): void {
    const { tcpKeepAliveMs } = this.#settings.client.pool;
    this.#socket.setNoDelay(true);
    if (tcpKeepAliveMs !== undefined) this.#socket.setKeepAlive(true, tcpKeepAliveMs);
  }

  #begin(nowMs: number, tlsMs: number, isResumed: boolean): void {
    if (this.#isLost) return;
    this.#isReady = true;
    this.#idleSinceMs = nowMs;
    this.#owner.onReady(this, { connectMs: this.#connectedAtMs - this.#dialledAtMs, tlsMs, isResumed });
  }

  get isIdle(): boolean {
    return this.#inFlight.length === 0;
  }

  /** Whether a connection that is ready can take another request, now. */
  get hasRoom(): boolean {
    const { pipelining, requestsPerConnection } = this.#settings;
    return (
      !this.#isLost &&
      !this.#isRetired &&
      this.#inFlight.length < pipelining &&
      this.#sent < requestsPerConnection
    );
  }

  send(request: WireRequest): void {
    const { requests, requestsPerConnection, writes } = this.#settings;
    const { text, last } = requests[request.exchange.request]!;
    request.connection = this;
    this.#inFlight.push(request);
    this.#sent++;
    if (this.#unwritten === '') writes.add(this);
    this.#unwritten += this.#sent === requestsPerConnection ? last : text;
  }

  /** Writes what was sent in this turn, unless the connection has been lost since. */
  flush(): void {
    if (this.#isLost || this.#unwritten === '') return;
    if (this.#settings.isTimed) this.#timeWrites();
    this.#socket.write(this.#unwritten, 'latin1');
    this.#unwritten = '';
  }

  #timeWrites(): void {
    const nowMs = performance.now();
    for (const { exchange } of this.#inFlight) {
      if (Number.isNaN(exchange.writtenAtMs)) exchange.writtenAtMs = nowMs;
    }
  }

  #take(bytes: Buffer, length: number): void {
    let at = 0;
    while (at < length) {
      const request = this.#inFlight[0];
      if (this.#isLost) return;
      if (request === undefined) {
        this.lose('other', 'bytes that answer no request');
        return;
      }
      try {
        this.#parser.expect(this.#settings.requests[request.exchange.request]!.memo);
        at = this.#parser.feed(bytes, at, length);
      } catch (error) {
        this.#break(error);
        return;
      }
      this.#progress(request);
      if (at === -1) return;
      this.#complete(request, length - at);
    }
  }

  /** What is known of the answer so far goes into its record. */
  #progress({ exchange }: WireRequest): void {
    const { hasHead, bodyBytes } = this.#parser;
    if (!hasHead) return;
    exchange.bodyBytes = bodyBytes;
    if (!this.#settings.isTimed) return;
    this.#lastPieceAtMs = performance.now();
    if (Number.isNaN(exchange.headersAtMs)) exchange.headersAtMs = this.#lastPieceAtMs;
  }

  #complete(request: WireRequest, excessBytes: number): void {
    const { exchange } = request;
    exchange.status = this.#parser.status;
    exchange.endedAtMs = performance.now();
    this.#inFlight.shift();
    this.#answered++;
    if (this.isIdle) this.#idleSinceMs = exchange.endedAtMs;
    const isUsable = this.#parser.keepAlive && this.#answered < this.#settings.requestsPerConnection;
    // What comes without a request would be taken for the answer to the next one.
    if (!isUsable || (excessBytes > 0 && this.isIdle) || this.#idleLimitMs() <= 0) {
      this.#retire('the server closed the connection after the answer to an earlier request');
    }
    this.#owner.onAnswered(this);
    request.succeed();
  }

  /** It carries no more requests. @param error of those behind in the pipeline, which get no answer */
  #retire(error: string): void {
    // A server that has not announced that it closes might never do so.
    if (this.#settings.client.pool.closing !== 'server' || this.#parser.keepAlive || this.#hasEnded) {
      this.lose('reset', error);
      return;
    }
    this.#isRetired = true;
    this.#failInFlight('reset', error);
  }

  /** How long it may be idle: the client's own limit, and that of the server where the client heeds it. */
  #idleLimitMs(): number {
    const { idleTimeoutMs = Infinity, idleTimeoutBufferMs } = this.#settings.client.pool;
    const { keepAliveSec } = this.#parser;
    if (idleTimeoutBufferMs === undefined || Number.isNaN(keepAliveSec)) return idleTimeoutMs;
    return Math.min(idleTimeoutMs, keepAliveSec * 1_000 - idleTimeoutBufferMs);
  }

  #isIdleTooLong(nowMs: number): boolean {
    return this.isIdle && nowMs - this.#idleSinceMs >= this.#idleLimitMs();
  }

  /** Whether it has been idle, or open, for too long to be used again. */
  isExpired(nowMs: number): boolean {
    const { maxLifetimeMs = Infinity } = this.#settings.client.pool;
    return nowMs - this.#connectedAtMs >= maxLifetimeMs || this.#isIdleTooLong(nowMs);
  }

  /** Gives it up if a phase of dialling or of the request in flight has lasted for too long, or if it has been idle for too long. */
  expire(nowMs: number): void {
    const { connectMs = Infinity, headersMs = Infinity, bodyMs = Infinity } = this.#settings.client.timeouts;
    if (this.#isLost) return;
    if (!this.#isReady) {
      if (nowMs - this.#dialledAtMs >= connectMs) {
        this.lose('timeoutConnect', `not connected within connectMs = ${connectMs}`);
      }
      return;
    }
    const [request] = this.#inFlight;
    if (request === undefined) {
      if (this.#isIdleTooLong(nowMs)) this.lose('other', 'idle for too long');
    } else if (this.#parser.hasBegun && this.#parser.hasHead) {
      if (nowMs - this.#lastPieceAtMs >= bodyMs) {
        this.lose('timeoutBody', `nothing more of the body within bodyMs = ${bodyMs}`);
      }
    } else if (nowMs - request.exchange.writtenAtMs >= headersMs) {
      this.lose('timeoutHeaders', `no response header within headersMs = ${headersMs}`);
    }
  }

  /** The server has ended its side, which ends an answer without a length. */
  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    const [request] = this.#inFlight;
    if (request === undefined || !this.#parser.end()) {
      this.#endEarly();
      return;
    }
    this.#complete(request, 0);
  };

  /** Not made for a connection that is closed as planned: an error costs as much as a tenth of a short connection. */
  #endEarly(): void {
    if (this.#isRetired) this.lose('other', 'closed as planned');
    if (this.#isLost) return;
    const message = 'the server ended the connection before its answer was complete';
    this.#break(Object.assign(new Error(message), { code: 'ECONNRESET' }));
  }

  #break(error: unknown): void {
    if (this.#isLost) return;
    const evidence = { isReusedConnection: this.#answered > 0, hasResponse: this.#parser.hasBegun };
    this.lose(classifyError(error, evidence), describeError(error));
  }

  /** Destroys it. Requests in flight on it fail so; the one that has just been given up is not among them. */
  lose(outcome: Outcome, error: string, given?: WireRequest): void {
    if (this.#isLost) return;
    this.#isLost = true;
    const { isRedialled, client } = this.#settings;
    this.#canRedial =
      isRedialled &&
      this.#isReady &&
      !this.#hasEnded &&
      !this.#hasFailed &&
      this.#socket.writableLength === 0;
    if (client.pool.closing === 'reset' && this.#isReady) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
    this.#failInFlight(outcome, error, given);
    this.#owner.onLost(this, this.#isReady ? undefined : { outcome, error });
  }

  #failInFlight(outcome: Outcome, error: string, given?: WireRequest): void {
    for (const request of this.#inFlight) if (request !== given) request.fail(outcome, error);
    this.#inFlight.length = 0;
  }
}
