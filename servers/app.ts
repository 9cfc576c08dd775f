// In: a target as a scenario states it, and a behaviour. Out: that server, listening on 127.0.0.1, and its counters.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import type { FastifyInstance } from 'fastify';
import fastify from 'fastify';
import { generate } from 'selfsigned';
import { z } from 'zod';
import { asOwnTarget } from '../results/connections.ts';
import { UsageError } from '../results/errors.ts';
import { createRandom } from '../results/random.ts';
import type { OwnTarget, Target } from '../scenarios/model/target.ts';
import type { BehaviourModule } from './behaviour.ts';
import { countConnections, type TargetCounters } from './counters.ts';
import type { Endpoint } from './protocol.ts';

// From a server of HTTP/2, and how long an idle connection may stay. Out: its sessions, closed once idle for so long.

/**
 * Closes each session of the server that has had no request under way for `keepAliveTimeoutMs`, with a GOAWAY, as the
 * HTTP/1.1 side of Node does with idle connections; 0 means never. Node's own session timeout is not this: it also runs
 * while a request waits for its answer, and any ping puts it off.
 */
function closeIdleSessions(server: Server, keepAliveTimeoutMs: number): void {
  if (keepAliveTimeoutMs === 0) return;
  server.on('session', (session: ServerHttp2Session) => {
    let underWay = 0;
    const timer = setTimeout(() => {
      if (underWay === 0) session.close();
    }, keepAliveTimeoutMs);
    session.on('stream', (stream: ServerHttp2Stream) => {
      underWay++;
      stream.once('close', () => {
        underWay--;
        if (underWay === 0 && !session.closed) timer.refresh();
      });
    });
    session.once('close', () => clearTimeout(timer));
  });
}

// From a kind of key. Out: a private key and a certificate for 127.0.0.1, made for one run and never written to disk.

interface Certificate {
  keyPem: string;
  /** Signed by itself, so it is also the authority that a client must trust. */
  certPem: string;
}

const HOUR_MS = 3_600_000;

const KEYS = { ec: { keyType: 'ec', curve: 'P-256' }, rsa: { keyType: 'rsa', keySize: 2048 } } as const;

/** Makes a self-signed certificate, on P-256 or RSA 2048, for the address 127.0.0.1, valid from an hour ago for a week. */
export async function createCertificate(key: Target['tlsKey'] = 'ec'): Promise<Certificate> {
  const nowMs = Date.now();
  // A name of its own: of two authorities with one name, a process that trusts both may try the wrong one only.
  const made = await generate([{ name: 'commonName', value: `conntax target ${randomUUID()}` }], {
    ...KEYS[key],
    algorithm: 'sha256',
    notBeforeDate: new Date(nowMs - HOUR_MS),
    notAfterDate: new Date(nowMs + 7 * 24 * HOUR_MS),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
    ],
  });
  return { keyPem: made.private, certPem: made.cert };
}

/**
 * Connections that may wait to be accepted; the kernel lowers it to net.core.somaxconn. Node's own default of 511 drops
 * SYNs when a thousand clients connect at once, which then shows as connects of one second.
 */
const BACKLOG = 4096;

/** For a header that never ends; nothing that is measured comes near it. */
const HEADERS_TIMEOUT_MS = 60_000;

/** Of answers that a client does not read as fast as it asks, in MB; Node's 10 would refuse streams beyond that. */
const SESSION_MEMORY_MB = 1_000;

export interface OpenTarget {
  endpoint: Endpoint;
  /** What its behaviour takes to answer on average, ms. */
  serviceMs: number;
  read(): TargetCounters;
  /** Destroys every connection and stops listening; resolves when both are done, so that the counters are final. */
  close(): Promise<void>;
}

interface OpenTargetOptions {
  target: Target;
  /** The module that `target.behaviour.name` stands for. */
  behaviour: BehaviourModule;
  seed: number;
}

function parseBehaviour(behaviour: BehaviourModule, target: Target): unknown {
  const parsed = behaviour.options.safeParse(target.behaviour);
  if (parsed.success) return parsed.data;
  throw new UsageError(
    `invalid options of behaviour "${target.behaviour.name}":\n${z.prettifyError(parsed.error)}`,
  );
}

async function createTlsOptions(target: Target) {
  if (target.tls === 'none') return null;
  const { keyPem, certPem } = await createCertificate(target.tlsKey);
  const version = `TLSv${target.tls}` as const;
  return {
    key: keyPem,
    cert: certPem,
    minVersion: version,
    maxVersion: version,
    ALPNProtocols: target.protocol === 'h2' ? ['h2', 'http/1.1'] : ['http/1.1'],
  };
}

function createApp(target: Target, tlsOptions: Awaited<ReturnType<typeof createTlsOptions>>) {
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
    throw new UsageError('HTTP/2 without TLS is spoken by no browser and not by undici: state a tls version');
  const { maxConcurrentStreams } = target;
  const https = {
    ...tlsOptions,
    allowHTTP1: true,
    settings: { maxConcurrentStreams },
    maxSessionMemory: SESSION_MEMORY_MB,
  };
  // The same server but for the types: what is used of its requests and responses, both protocols have.
  return fastify({ ...options, http2: true, https, http2SessionTimeout: 0 }) as unknown as FastifyInstance;
}

/**
 * Says in the header of an HTTP/1.1 response what becomes of its connection. Where nothing is set here, Node announces keep-alive
 * with the hint. At the limit of requests Node would only announce the close and leave the socket open; said explicitly
 * it is also done, so that no request ever meets the 503 that Node has for one too many. An explicit keep-alive is
 * what suppresses the hint.
 */
function stateConnectionPolicy(response: ServerResponse, target: OwnTarget, requestsCarried: number): void {
  const isLimitReached = target.maxRequestsPerSocket > 0 && requestsCarried >= target.maxRequestsPerSocket;
  if (target.connectionClose || isLimitReached) response.setHeader('Connection', 'close');
  else if (!target.keepAliveHint && response.shouldKeepAlive) response.setHeader('Connection', 'keep-alive');
}

/**
 * Opens the target on a free port of 127.0.0.1. It answers GET and POST on every path alike, a POST once its body has
 * arrived. An idle connection is closed by keepAliveTimeoutMs after its last answer; one of HTTP/1.1 that has sent nothing
 * at all gets the time of a header (60 s).
 *
 * @throws UsageError when the behaviour refuses its options, or for HTTP/2 without TLS; the system's error when listening fails.
 */
export async function openTarget({
  target: stated,
  behaviour,
  seed,
}: OpenTargetOptions): Promise<OpenTarget> {
  const target = asOwnTarget(stated);
  const options = parseBehaviour(behaviour, target);
  const respond = behaviour.createResponder(options, createRandom(seed, 'behaviour', target.behaviour.name));
  const tlsOptions = await createTlsOptions(target);

  const app = createApp(target, tlsOptions);
  const { server } = app;
  server.keepAliveTimeout = target.keepAliveTimeoutMs;
  server.keepAliveTimeoutBuffer = 0;
  server.maxRequestsPerSocket = target.maxRequestsPerSocket;
  server.headersTimeout = HEADERS_TIMEOUT_MS;

  const connections = countConnections(server);
  if (target.protocol === 'h2') closeIdleSessions(server, target.keepAliveTimeoutMs);
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    if (request.httpVersionMajor === 1)
      stateConnectionPolicy(response, target, connections.countRequest(request.socket));
  });

  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, body, done) => {
    body.once('end', () => done(null));
    body.resume();
  });
  app.route({
    method: ['GET', 'POST'],
    url: '/',
    handler: (_request, reply) => {
      reply.hijack();
      respond(reply.raw);
    },
  });

  await app.listen({ host: '127.0.0.1', port: 0, backlog: BACKLOG });
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: tlsOptions
      ? { origin: `https://127.0.0.1:${port}`, path: '/', caPem: tlsOptions.cert }
      : { origin: `http://127.0.0.1:${port}`, path: '/' },
    serviceMs: behaviour.meanServiceMs(options),
    read: connections.read,
    async close() {
      server.on('connection', socket => socket.destroy());
      await connections.destroyConnections();
      await app.close();
    },
  };
}
