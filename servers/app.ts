// Opens a target, at one or several origins: servers on 127.0.0.1, or another address, with a scenario's settings and behaviour, and
// their counters.

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import type { FastifyInstance } from 'fastify';
import fastify from 'fastify';
import { z } from 'zod';
import { asOwnTarget } from '../results/connections.ts';
import { UsageError } from '../results/errors.ts';
import { createRandom } from '../results/random.ts';
import { sumOf } from '../results/stats.ts';
import { closesAfterResponse, originCount } from '../scenarios/model/facts.ts';
import { METHODS } from '../scenarios/model/request.ts';
import {
  countBackends,
  DEFAULT_BACKLOG,
  meanFaultMs,
  type OwnTarget,
  type Target,
} from '../scenarios/model/target.ts';
import type { BehaviourModule } from './behaviour.ts';
import { ConnectionCounters, sumCounters, type TargetCounters } from './counters.ts';
import { createFaultyResponder } from './faults.ts';
import { Balancer, openDeafPort } from './listeners.ts';
import type { Endpoint, TargetReading } from './protocol.ts';

/**
 * Closes HTTP/2 sessions without a request in flight for `keepAliveTimeoutMs`, with a GOAWAY, as Node does for
 * idle HTTP/1.1 connections; 0 means never. Node's own session timeout is different: it also runs
 * while a request waits for its response, and any ping resets it.
 */
function closeIdleSessions(server: Server, keepAliveTimeoutMs: number): void {
  if (keepAliveTimeoutMs === 0) return;
  server.on('session', (session: ServerHttp2Session) => {
    let inFlight = 0;
    const timer = setTimeout(() => {
      if (inFlight === 0) session.close();
    }, keepAliveTimeoutMs);
    session.on('stream', (stream: ServerHttp2Stream) => {
      inFlight++;
      stream.once('close', () => {
        inFlight--;
        if (inFlight === 0 && !session.closed) timer.refresh();
      });
    });
    session.once('close', () => clearTimeout(timer));
  });
}

interface Certificate {
  keyPem: string;
  /** Signed by itself, so it is also the authority that a client must trust. */
  certPem: string;
}

const LOOPBACK = '127.0.0.1';

const DAY_MS = 24 * 3_600_000;

const KEYS = { ec: { keyType: 'ec', curve: 'P-256' }, rsa: { keyType: 'rsa', keySize: 2048 } } as const;

/** Makes a self-signed certificate, with P-256 or RSA 2048, for an address, never written to disk. Valid for a month before and after, so that a clock that is set in mid-run does not end it. */
export async function createCertificate(
  key: Target['tlsKey'] = 'ec',
  address = LOOPBACK,
): Promise<Certificate> {
  // Most targets speak no TLS, and it is 250 files.
  const { generate } = await import('selfsigned');
  const nowMs = Date.now();
  // A unique name: if two trusted authorities have the same name, a process may try only the wrong one.
  const made = await generate([{ name: 'commonName', value: `conntax target ${randomUUID()}` }], {
    ...KEYS[key],
    algorithm: 'sha256',
    notBeforeDate: new Date(nowMs - 30 * DAY_MS),
    notAfterDate: new Date(nowMs + 30 * DAY_MS),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: address }] },
    ],
  });
  return { keyPem: made.private, certPem: made.cert };
}

/** Ends a request whose header never completes; far longer than any measured request. */
const HEADERS_TIMEOUT_MS = 60_000;

/** Limit of buffered responses to a slow reader, in MB; with Node's default of 10 further streams would be refused. */
const SESSION_MEMORY_MB = 1_000;

export interface OpenTarget {
  endpoint: Endpoint;
  /** Mean service time of its behaviour, ms. */
  serviceMs: number;
  read(): TargetCounters & Pick<TargetReading, 'faults' | 'origins'>;
  /** Begins a slice in which something happens at its time; its measured window begins after so long; null: it has none. */
  startSlice(windowAfterMs: number | null): void;
  /** Destroys every connection and stops listening; resolves when both are done, so that the counters are final. */
  close(): Promise<void>;
}

interface OpenTargetOptions {
  target: Target;
  /** The module named by `target.behaviour.name`. */
  behaviour: BehaviourModule;
  seed: number;
  /** Default: one of its own. */
  certificate?: Certificate;
  /** IPv4 address that it listens on; default: 127.0.0.1. */
  address?: string;
}

function parseBehaviour(behaviour: BehaviourModule, target: Target): unknown {
  const parsed = behaviour.options.safeParse(target.behaviour);
  if (parsed.success) return parsed.data;
  throw new UsageError(
    `invalid options of behaviour "${target.behaviour.name}":\n${z.prettifyError(parsed.error)}`,
  );
}

type TlsOptions = Awaited<ReturnType<typeof createTlsOptions>>;

async function createTlsOptions(target: Target, address: string, certificate?: Certificate) {
  if (target.tls === 'none') return null;
  const { keyPem, certPem } = certificate ?? (await createCertificate(target.tlsKey, address));
  const version = `TLSv${target.tls}` as const;
  return {
    key: keyPem,
    cert: certPem,
    minVersion: version,
    maxVersion: version,
    ALPNProtocols: target.protocol === 'h2' ? ['h2', 'http/1.1'] : ['http/1.1'],
  };
}

function createApp(target: Target, tlsOptions: TlsOptions) {
  const options = {
    rewriteUrl: () => '/',
    bodyLimit: Number.MAX_SAFE_INTEGER,
    requestTimeout: 0,
    connectionTimeout: 0,
    forceCloseConnections: true,
    return503OnClosing: false,
  };
  if (target.protocol === 'http1') return fastify({ ...options, https: tlsOptions });
  if (tlsOptions === null)
    throw new UsageError(
      'HTTP/2 needs TLS, because neither browsers nor undici support it without; expected: a tls version',
    );
  const { maxConcurrentStreams } = target;
  const https = {
    ...tlsOptions,
    allowHTTP1: true,
    settings: { maxConcurrentStreams },
    maxSessionMemory: SESSION_MEMORY_MB,
  };
  // Only the types differ: the parts of requests and responses used here exist in both protocols.
  return fastify({ ...options, http2: true, https, http2SessionTimeout: 0 }) as unknown as FastifyInstance;
}

/**
 * Sets the Connection header of an HTTP/1.1 response. Without it, Node announces keep-alive
 * with the hint. At the limit of requests Node would only announce the close and leave the socket open; an explicit header
 * also closes it, so that no request receives Node's 503 for one too many. An explicit keep-alive
 * suppresses the hint.
 */
function stateConnectionPolicy(response: ServerResponse, target: OwnTarget, requestsCarried: number): void {
  const isLimitReached = target.maxRequestsPerSocket > 0 && requestsCarried >= target.maxRequestsPerSocket;
  if (closesAfterResponse(target) || isLimitReached) response.setHeader('Connection', 'close');
  else if (!target.keepAliveHint && response.shouldKeepAlive) response.setHeader('Connection', 'keep-alive');
}

/** Ends the bodies of HTTP/1.1 responses as stated: Node decides by the headers that are there when it writes them. */
function frameBody(response: ServerResponse, framing: Target['framing']): void {
  if (framing === undefined || framing === 'length') return;
  if (framing === 'close') response.useChunkedEncodingByDefault = false;
  const write = response.writeHead.bind(response);
  response.writeHead = ((status: number, headers: OutgoingHttpHeaders = {}) => {
    const { 'Content-Length': _length, ...others } = headers;
    return write(status, others);
  }) as ServerResponse['writeHead'];
}

interface Backend {
  app: FastifyInstance;
  connections: ConnectionCounters;
}

/** A server that does not listen yet. It answers every method on every path alike, after the body of the request has arrived. */
function createBackend(
  target: OwnTarget,
  tlsOptions: TlsOptions,
  respond: (response: ServerResponse) => void,
): Backend {
  const app = createApp(target, tlsOptions);
  const { server } = app;
  server.keepAliveTimeout = target.keepAliveTimeoutMs;
  server.keepAliveTimeoutBuffer = 0;
  server.maxRequestsPerSocket = target.maxRequestsPerSocket;
  server.headersTimeout = HEADERS_TIMEOUT_MS;

  const connections = new ConnectionCounters(server);
  if (target.protocol === 'h2') closeIdleSessions(server, target.keepAliveTimeoutMs);
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    if (request.httpVersionMajor !== 1) return;
    stateConnectionPolicy(response, target, connections.countRequest(request.socket));
    frameBody(response, target.framing);
  });

  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, body, done) => {
    body.once('end', () => done(null));
    body.resume();
  });
  app.route({
    method: [...METHODS],
    url: '/',
    handler: (_request, reply) => {
      reply.hijack();
      respond(reply.raw);
    },
  });
  return { app, connections };
}

/** Where a target listens; a single server listens itself, so that nothing stands before it. */
interface Front {
  port: number;
  balancer?: Balancer;
  close?(): Promise<void>;
}

async function listen(
  backends: readonly Backend[],
  { backends: setting, backlog = DEFAULT_BACKLOG, accepts = true }: OwnTarget,
  host: string,
): Promise<Front> {
  if (!accepts) return openDeafPort();
  const [first] = backends;
  if (backends.length === 1 && first !== undefined) {
    await first.app.listen({ host, port: 0, backlog });
    return { port: (first.app.server.address() as AddressInfo).port };
  }
  await Promise.all(backends.map(({ app }) => app.ready()));
  const balancer = new Balancer({
    servers: backends.map(({ app }) => app.server),
    setting,
    read: () => backends.map(({ connections }) => connections.read()),
  });
  const { port } = await balancer.listen({ host, port: 0, backlog });
  return { port, balancer, close: () => balancer.close() };
}

/**
 * Opens the target on a free port of its address: one server, or several backends that share its address. An idle connection is
 * closed keepAliveTimeoutMs after its last response; an HTTP/1.1 connection that never sent anything, after the header timeout (60 s).
 *
 * @throws UsageError when the behaviour's options are invalid, or for HTTP/2 without TLS; the system's error when listening fails
 */
export async function openTarget({
  target: stated,
  behaviour,
  seed,
  certificate,
  address = LOOPBACK,
}: OpenTargetOptions): Promise<OpenTarget> {
  const target = asOwnTarget(stated);
  const options = parseBehaviour(behaviour, target);
  const behave = behaviour.createResponder(options, createRandom(seed, 'behaviour', target.behaviour.name));
  const tlsOptions = await createTlsOptions(target, address, certificate);
  const backends: Backend[] = [];
  const faulty = createFaultyResponder(
    behave,
    target.faults,
    createRandom(seed, 'faults'),
    // The backends share one address, so a peer's address is that of one connection.
    socket =>
      backends.map(({ connections }) => connections.rawSocketOf(socket)).find(raw => raw !== undefined),
  );
  for (let index = 0; index < countBackends(target); index++)
    backends.push(createBackend(target, tlsOptions, faulty.respond));
  const front = await listen(backends, target, address);
  const origin = `${tlsOptions ? 'https' : 'http'}://${address}:${front.port}`;
  return {
    endpoint: { origin, path: '/', ...(tlsOptions && { caPem: tlsOptions.cert }) },
    serviceMs: behaviour.meanServiceMs(options) + meanFaultMs(target.faults),
    read() {
      const counters = backends.map(({ connections }) => connections.read());
      return { ...sumCounters(counters), growth: front.balancer?.growth ?? null, faults: faulty.read() };
    },
    startSlice(windowAfterMs) {
      front.balancer?.startSlice(windowAfterMs);
      faulty.startSlice(windowAfterMs);
    },
    async close() {
      for (const { app } of backends) app.server.on('connection', socket => socket.destroy());
      const frontClosed = front.close?.();
      await Promise.all(backends.map(({ connections }) => connections.destroyConnections()));
      await Promise.all([frontClosed, ...backends.map(({ app }) => app.close())]);
    },
  };
}

/** Like openTarget; with several origins, its counts are sums, beside those of each. */
export async function openOrigins(options: OpenTargetOptions): Promise<OpenTarget> {
  const { target, seed, address } = options;
  const count = originCount(target);
  if (count === 1) return openTarget(options);
  // One for all, so that clients trust one authority.
  const certificate = target.tls === 'none' ? undefined : await createCertificate(target.tlsKey, address);
  const opened: OpenTarget[] = [];
  const closeAll = async () => void (await Promise.all(opened.map(({ close }) => close())));
  try {
    for (let index = 0; index < count; index++) {
      const own = Math.floor(createRandom(seed, 'origin', index)() * 2 ** 31);
      opened.push(await openTarget({ ...options, seed: own, ...(certificate && { certificate }) }));
    }
  } catch (error) {
    await closeAll();
    throw error;
  }
  const [{ endpoint, serviceMs }] = opened as [OpenTarget, ...OpenTarget[]];
  return {
    endpoint: { ...endpoint, origins: opened.map(({ endpoint: { origin, path } }) => ({ origin, path })) },
    serviceMs,
    read() {
      const counters = opened.map(({ read }) => read());
      const total = sumCounters(counters);
      const { accepted, requests } = total;
      return {
        ...total,
        backends: [{ accepted, requests }],
        growth: null,
        faults: counters[0]!.faults.map((_, index) => sumOf(counters, ({ faults }) => faults[index]!)),
        origins: counters.map(({ accepted, requests }) => ({ accepted, requests })),
      };
    },
    startSlice: windowAfterMs => {
      for (const { startSlice } of opened) startSlice(windowAfterMs);
    },
    close: closeAll,
  };
}
