// A server of node:http that writes down each request that reaches it, so that what a client sends can be compared with what it was asked to send.
import { createServer } from 'node:http';
import type { Endpoint } from '../protocol.ts';
import type { Scope } from './client.ts';
import { listenOnLoopback } from './listen.ts';

export interface ReceivedRequest {
  method: string;
  url: string;
  /** Names in lower case, in the order of arrival. */
  headers: readonly (readonly [name: string, value: string])[];
  body: string;
}

/**
 * Answers every request with status 200 and the two bytes `ok`, after its body has arrived.
 * @param serviceMs how long after; users that ask again at once then leave the machine to others
 */
export async function openEchoServer(
  scope: Scope,
  { serviceMs = 0 }: { serviceMs?: number } = {},
): Promise<{ endpoint: Endpoint; received: ReceivedRequest[]; connections(): number }> {
  const received: ReceivedRequest[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
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
