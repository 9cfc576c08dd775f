// A server on 127.0.0.1 that treats each request as a test prescribes, however wrongly, and records what it sees.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { openDeafPort } from '../../../servers/listeners.ts';
import type { Endpoint } from '../../../servers/protocol.ts';
import type { Scope } from '../../../servers/testing/client.ts';
import { listenOnLoopback } from '../../../servers/testing/servers.ts';
import { sharedCertificate } from '../../../servers/testing/target.ts';

interface MisbehavingServer {
  endpoint: Endpoint;
  readonly accepted: number;
  readonly requests: number;
  /** Connections open now. */
  readonly open: number;
}

export interface Request {
  socket: Socket;
  /** The connection that the socket runs on: another than `socket` under TLS. */
  raw: Socket;
  /** Which of its connection's, from 1. */
  ofConnection: number;
  /** Which of all, from 1. */
  ofAll: number;
}

const END_OF_REQUEST = '\r\n\r\n';

export function answerWith(body: string): string {
  return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** A server that knows no more of HTTP than where a request without a body ends. */
export async function openMisbehavingServer(
  scope: Scope,
  onRequest: (request: Request) => void,
  isTls = false,
): Promise<MisbehavingServer> {
  let latest: Socket | undefined;
  let accepted = 0;
  let open = 0;
  let requests = 0;

  const serve = (socket: Socket): void => {
    const raw = latest!;
    let ofConnection = 0;
    let text = '';
    socket.on('error', () => {}); // what ends badly here is what is tested
    socket.setEncoding('latin1').on('data', piece => {
      text += piece;
      for (let end = text.indexOf(END_OF_REQUEST); end >= 0; end = text.indexOf(END_OF_REQUEST)) {
        text = text.slice(end + END_OF_REQUEST.length);
        onRequest({ socket, raw, ofConnection: ++ofConnection, ofAll: ++requests });
      }
    });
  };
  const certificate = isTls ? await sharedCertificate() : undefined;
  const server =
    certificate === undefined
      ? createServer()
      : createTlsServer({ key: certificate.keyPem, cert: certificate.certPem }, serve);
  server.on('connection', (socket: Socket) => {
    accepted++;
    latest = socket;
    open++;
    socket.once('close', () => open--);
    if (!isTls) serve(socket);
  });
  server.on('tlsClientError', () => {});
  const port = await listenOnLoopback(scope, server);
  return {
    endpoint: certificate
      ? { origin: `https://127.0.0.1:${port}`, path: '/', caPem: certificate.certPem }
      : { origin: `http://127.0.0.1:${port}`, path: '/' },
    get accepted() {
      return accepted;
    },
    get requests() {
      return requests;
    },
    get open() {
      return open;
    },
  };
}

/** A port of 127.0.0.1 that nothing listens on, nor can while the test lasts: it is the near end of a connection. */
export async function closedPort(scope: Scope): Promise<Endpoint> {
  const server = await openMisbehavingServer(scope, () => {});
  const socket = connect(Number(new URL(server.endpoint.origin).port), '127.0.0.1');
  scope.after(() => socket.destroy());
  await once(socket, 'connect');
  return { origin: `http://127.0.0.1:${socket.localPort}`, path: '/' };
}

/** A port where no SYN is answered. */
export async function openBlackHole(scope: Scope): Promise<Endpoint> {
  const { port, close } = await openDeafPort();
  scope.after(close);
  return { origin: `http://127.0.0.1:${port}`, path: '/' };
}
