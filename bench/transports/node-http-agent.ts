// In: how connections are to be opened and kept. Out: an agent of Node's that does so, each of its connections counted and timed.
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { Client } from '../../scenarios/model/client.ts';
import type { TransportOptions } from '../contracts.ts';
import { type ClientSockets, createClientSockets } from '../clients/sockets.ts';

export interface CountedAgent {
  agent: http.Agent;
  sockets: ClientSockets;
  /** Ends every connection and dial, and lets no more be opened; resolves when all are closed. */
  close(): Promise<void>;
}

type Dial = (options: ConnectionOptions, callback: (error: Error | null) => void) => Socket | undefined;

/** Only what the arm states; what it leaves out stays at the agent's own default. */
function agentOptions(
  { pool, requestsPerConnection }: Client,
  caPem: string | undefined,
): https.AgentOptions {
  return {
    keepAlive: requestsPerConnection !== 1,
    ...(typeof pool.maxConnections === 'number' ? { maxSockets: pool.maxConnections } : {}),
    ...(typeof pool.maxTotalConnections === 'number' ? { maxTotalSockets: pool.maxTotalConnections } : {}),
    // Of the agent, this closes idle sockets only; without it a server's Keep-Alive hint is ignored.
    ...(pool.idleTimeoutMs === undefined ? {} : { timeout: pool.idleTimeoutMs }),
    ...(pool.idleTimeoutBufferMs === undefined
      ? {}
      : { agentKeepAliveTimeoutBuffer: pool.idleTimeoutBufferMs }),
    ...(pool.scheduling === undefined ? {} : { scheduling: pool.scheduling }),
    ...(pool.tcpKeepAliveMs === undefined ? {} : { keepAliveMsecs: pool.tcpKeepAliveMs }),
    ...(pool.tlsSessions === 'none' || pool.tlsSessions === 'pinned' ? { maxCachedSessions: 0 } : {}),
    ...(caPem === undefined ? {} : { ca: caPem }),
  };
}

function connectTimeout(ms: number): Error {
  return Object.assign(new Error(`not connected within connectMs = ${ms}`), { code: 'ETIMEDOUT' });
}

/** Destroys a socket that is not ready in time: of node:http, no timeout is about connecting. */
function limitDial(socket: Socket, readyEvent: string, limitMs: number): void {
  const timer = setTimeout(() => socket.destroy(connectTimeout(limitMs)), limitMs);
  const stop = (): void => clearTimeout(timer);
  socket.once(readyEvent, stop).once('close', stop);
}

export function createAgent({
  client,
  endpoint,
  onConnection,
}: Pick<TransportOptions, 'client' | 'endpoint' | 'onConnection'>): CountedAgent {
  const isTls = endpoint.origin.startsWith('https:');
  const options = agentOptions(client, endpoint.caPem);
  const agent = isTls ? new https.Agent(options) : new http.Agent(options);
  const { maxIdleConnections, tlsSessions } = client.pool;
  // As an option, 0 would be taken for "not stated".
  if (maxIdleConnections !== undefined) agent.maxFreeSockets = maxIdleConnections;
  const sockets = createClientSockets(onConnection);
  const dial = agent.createConnection.bind(agent) as Dial;
  const { connectMs } = client.timeouts;
  // Node's cache also resumes, but forgets a session when any connection of it ends badly.
  let pinnedSession: Buffer | undefined;
  let isClosed = false;

  const createConnection: Dial = (dialOptions, callback) => {
    if (isClosed) {
      callback(new Error('the transport is closed'));
      return undefined;
    }
    const dialledAtMs = performance.now();
    const socket = dial(
      pinnedSession === undefined ? dialOptions : { ...dialOptions, session: pinnedSession },
      callback,
    )!;
    sockets.add(socket, dialledAtMs);
    if (connectMs !== undefined) limitDial(socket, isTls ? 'secureConnect' : 'connect', connectMs);
    if (tlsSessions === 'pinned') {
      socket.on('session', (session: Buffer) => {
        pinnedSession = session;
      });
    }
    return socket;
  };
  agent.createConnection = createConnection as typeof agent.createConnection;

  return {
    agent,
    sockets,
    async close() {
      isClosed = true;
      agent.destroy();
      await sockets.closeAll();
    },
  };
}
