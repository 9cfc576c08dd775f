// In: an endpoint. Out: a small client of Node's own, for tests to ask a target with and see the connections used.
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { Endpoint } from '../../bench/core/contracts.ts';
import { Target } from '../../bench/core/scenario.ts';
import { type OpenTarget, openTarget } from '../app.ts';
import fixed from '../behaviours/fixed.ts';

export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
  /** The connection that carried it. */
  socket: Socket;
}

export interface Client {
  ask(
    path?: string,
    options?: { method?: string; headers?: http.OutgoingHttpHeaders; body?: string },
  ): Promise<Answer>;
  /** How many connections the client has opened. */
  openedConnections(): number;
  close(): void;
}

/** Keep-alive on at most `maxSockets` connections (1 unless told). Settings go to Node's Agent as they are. */
export function createClient({ origin, caPem }: Endpoint, settings: https.AgentOptions = {}): Client {
  const agentOptions = { keepAlive: true, maxSockets: 1, ...(caPem && { ca: caPem }), ...settings };
  const agent = caPem ? new https.Agent(agentOptions) : new http.Agent(agentOptions);
  const { request } = caPem ? https : http;
  const sockets = new Set<Socket>();
  return {
    async ask(path = '/', { method = 'GET', headers = {}, body } = {}) {
      const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
      request(`${origin}${path}`, { agent, method, headers })
        .once('socket', socket => sockets.add(socket))
        .once('response', resolve)
        .once('error', reject)
        .end(body);
      const response = await promise;
      const { socket } = response;
      const chunks = await response.toArray();
      return {
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: Buffer.concat(chunks),
        socket,
      };
    },
    openedConnections: () => sockets.size,
    close: () => agent.destroy(),
  };
}

/** A target with the `fixed` behaviour unless told, and everything that a scenario may leave out left out. */
export function openTestTarget(stated: Record<string, unknown> = {}, behaviour = fixed): Promise<OpenTarget> {
  return openTarget({ target: Target.parse(stated), behaviour, seed: 1 });
}
