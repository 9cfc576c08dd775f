// In: how often to answer with an error. Out: a server in this process that logs what it has answered in full.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Served } from './verdict.ts';

const BODY = 'x'.repeat(128);

export interface LoggingServer {
  url: string;
  served: Served;
  close(): Promise<void>;
}

/** @param errorEvery one of so many requests is answered with 503; the first never is */
export async function startLoggingServer(errorEvery: number): Promise<LoggingServer> {
  const served: Served = { good: 0, bad: 0 };
  let requests = 0;
  const server = createServer((_request, response) => {
    const isBad = ++requests % errorEvery === 0;
    response.once('finish', () => {
      if (isBad) served.bad++;
      else served.good++;
    });
    response.writeHead(isBad ? 503 : 200, { 'Content-Length': BODY.length }).end(BODY);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    served,
    async close() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}
