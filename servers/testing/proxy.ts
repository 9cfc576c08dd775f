// An HTTP proxy for tests: it opens tunnels, passes requests on, and writes down what it was asked for.
import http from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Scope } from './client.ts';
import { listenOnLoopback } from './listen.ts';

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

/** It keeps its connections to servers, as many as it has requests at once. */
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
