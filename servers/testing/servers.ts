// Servers for tests on 127.0.0.1: any server of Node, one that records requests, and an HTTP proxy.
import { once } from 'node:events';
import http from 'node:http';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Endpoint } from '../protocol.ts';
import type { Scope } from './client.ts';

/** Listens on a free port of 127.0.0.1 for the duration of a test. */
export async function listenOnLoopback(scope: Scope, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => {}); // how a connection ends is what such tests are about
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  scope.after(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise(resolve => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

export interface ReceivedRequest {
  method: string;
  url: string;
  /** Names in lower case, in the order of arrival. */
  headers: readonly (readonly [name: string, value: string])[];
  body: string;
}

/**
 * A server that records each request, so that what a client sends can be compared with what it was asked to send. Answers every
 * request with status 200 and the two bytes `ok`, after its body has arrived.
 * @param serviceMs how long after; users that ask again at once then leave the machine to others
 */
export async function openEchoServer(
  scope: Scope,
  { serviceMs = 0 }: { serviceMs?: number } = {},
): Promise<{ endpoint: Endpoint; received: ReceivedRequest[]; connections(): number }> {
  const received: ReceivedRequest[] = [];
  let connections = 0;
  const server = http.createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const { rawHeaders } = request;
      received.push({
        method: request.method!,
        url: request.url!,
        headers: rawHeaders.flatMap((name, index) =>
          index % 2 === 0 ? [[name.toLowerCase(), rawHeaders[index + 1]!] as const] : [],
        ),
        body: Buffer.concat(pieces).toString('latin1'),
      });
      const answer = (): unknown => response.writeHead(200, { 'content-length': 2 }).end('ok');
      if (serviceMs === 0) answer();
      else setTimeout(answer, serviceMs);
    });
  });
  server.on('connection', () => {
    connections++;
  });
  const port = await listenOnLoopback(scope, server);
  return {
    endpoint: { origin: `http://127.0.0.1:${port}`, path: '/' },
    received,
    connections: () => connections,
  };
}

interface ProxyOptions {
  /** What clients must give, such as `me:secret`. */
  credentials?: string;
  /** Answers everything with this status. */
  refuses?: number;
}

export interface TestProxy {
  url: string;
  /** Connections that clients opened. */
  connections(): number;
  /** Connections that it opened to servers, tunnels included. */
  opened(): number;
  /** Authorities of the tunnels that were asked for, and URLs of the requests that were to be passed on. */
  readonly tunnels: readonly string[];
  readonly passedOn: readonly string[];
}

/** Opens tunnels, passes requests on, and records what it was asked for. It keeps its connections to servers, as many as it has requests at once. */
export async function openTestProxy(
  scope: Scope,
  { credentials, refuses }: ProxyOptions = {},
): Promise<TestProxy> {
  const tunnels: string[] = [];
  const passedOn: string[] = [];
  let connections = 0;
  let opened = 0;
  const agent = new http.Agent({ keepAlive: true });
  const refusalOf = ({ headers }: http.IncomingMessage): number | undefined => {
    if (refuses !== undefined || credentials === undefined) return refuses;
    const expected = `Basic ${Buffer.from(credentials).toString('base64')}`;
    return headers['proxy-authorization'] === expected ? undefined : 407;
  };

  const server = http.createServer((request, response) => {
    passedOn.push(request.url!);
    const refusal = refusalOf(request);
    if (refusal !== undefined) {
      response.writeHead(refusal, { 'content-length': 0 }).end();
      return;
    }
    const { connection: _, 'proxy-connection': __, 'proxy-authorization': ___, ...headers } = request.headers;
    const onwards = http.request(request.url!, { agent, method: request.method!, headers });
    onwards.once('socket', socket => {
      if (socket.connecting) opened++;
    });
    onwards.once('response', answer => {
      response.writeHead(answer.statusCode!, { 'content-length': answer.headers['content-length'] ?? 0 });
      answer.pipe(response);
    });
    onwards.once('error', () => response.writeHead(502, { 'content-length': 0 }).end());
    request.pipe(onwards);
  });
  server.on('connection', () => connections++);
  server.on('connect', (request: http.IncomingMessage, socket: Duplex) => {
    tunnels.push(request.url!);
    const refusal = refusalOf(request);
    if (refusal !== undefined) {
      socket.end(`HTTP/1.1 ${refusal} Refused\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const { hostname, port } = new URL(`http://${request.url}`);
    const onwards = connect(Number(port), hostname.replaceAll(/[[\]]/g, ''), () => {
      opened++;
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      socket.pipe(onwards).pipe(socket);
    });
    scope.after(() => onwards.destroy());
    onwards.on('error', () => socket.destroy());
    onwards.on('close', () => socket.destroy());
    socket.on('error', () => onwards.destroy());
    socket.on('close', () => onwards.destroy());
  });
  const port = await listenOnLoopback(scope, server);
  scope.after(() => agent.destroy());
  return {
    url: `http://127.0.0.1:${port}`,
    connections: () => connections,
    opened: () => opened,
    tunnels,
    passedOn,
  };
}
