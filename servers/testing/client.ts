// A small client on Node's own sockets for tests, which reports the connections that it used.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { connect, type Socket } from 'node:net';
import type { Endpoint } from '../protocol.ts';

/** What a test must give: where to say what is to be stopped at its end. */
export interface Scope {
  after(stop: () => unknown): void;
}

export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
  /** The connection that carried it. */
  socket: Socket;
}

export interface Client {
  ask(path?: string, request?: { method?: string; body?: string }): Promise<Answer>;
  /** Sends this number of requests one after the other. */
  askTimes(count: number): Promise<Answer[]>;
  /** How many connections the client has opened. */
  openedConnections(): number;
}

/** Keep-alive on one connection unless the settings, which go to Node's Agent, say otherwise. */
export function createClient(scope: Scope, endpoint: Endpoint, settings: https.AgentOptions = {}): Client {
  const { origin, caPem } = endpoint;
  const agentOptions = { keepAlive: true, maxSockets: 1, ...(caPem && { ca: caPem }), ...settings };
  const agent = caPem ? new https.Agent(agentOptions) : new http.Agent(agentOptions);
  const { request } = caPem ? https : http;
  const sockets = new Set<Socket>();
  scope.after(() => agent.destroy());

  async function ask(path = '/', { method = 'GET', body }: { method?: string; body?: string } = {}) {
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
    request(`${origin}${path}`, { agent, method })
      .once('socket', socket => sockets.add(socket))
      .once('response', resolve)
      .once('error', reject)
      .end(body);
    const response = await promise;
    const { socket, headers, statusCode = 0 } = response;
    return { status: statusCode, headers, body: Buffer.concat(await response.toArray()), socket };
  }

  return {
    ask,
    async askTimes(count) {
      const answers: Answer[] = [];
      while (answers.length < count) answers.push(await ask());
      return answers;
    },
    openedConnections: () => sockets.size,
  };
}

/** A bare connection to the target, for what no client library would send. */
export function connectRaw(scope: Scope, { origin }: Endpoint): Socket {
  const socket = connect(Number(new URL(origin).port), '127.0.0.1');
  scope.after(() => socket.destroy());
  return socket;
}

/** Everything that the peer sends until it ends the connection. */
export async function readToEnd(socket: Socket): Promise<string> {
  return Buffer.concat(await socket.toArray()).toString('latin1');
}

/** Connections to the endpoint that this machine has begun and that are unanswered. */
export function dialCount({ origin }: Endpoint): number {
  const SYN_SENT = '02';
  const port = Number(new URL(origin).port).toString(16).toUpperCase().padStart(4, '0');
  const lines = readFileSync('/proc/net/tcp', 'latin1').split('\n');
  return lines.filter(line => {
    const [, , remote, state] = line.trim().split(/\s+/);
    return state === SYN_SENT && remote?.endsWith(`:${port}`);
  }).length;
}
