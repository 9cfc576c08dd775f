// For tests of the relay: a target behind it that treats connections as the test prescribes, and connections to it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Link } from '../../../scenarios/model/target.ts';
import type { Scope } from '../../testing/client.ts';
import { type OpenRelay, openRelay } from '../relay.ts';

export interface Ends {
  relay: OpenRelay;
  /** A new connection through the relay: the client's end. It may be half closed. */
  dial(): Socket;
  /** The target's end of the connection that was dialled first and not asked for yet. */
  accepted(): Promise<Socket>;
}

/** Opens both for the length of the test. The target's ends do nothing by themselves but to survive errors. */
export async function openEnds(scope: Scope, stated: Record<string, unknown> = {}): Promise<Ends> {
  const arrived: Socket[] = [];
  const waiting: ((socket: Socket) => void)[] = [];
  const open = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    open.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => open.delete(socket));
    return socket;
  };
  const target = createServer({ allowHalfOpen: true, noDelay: true }, socket => {
    keep(socket);
    const take = waiting.shift();
    if (take) take(socket);
    else arrived.push(socket);
  });
  await once(target.listen(0, '127.0.0.1'), 'listening');
  const upstreamPort = (target.address() as AddressInfo).port;
  const relay = await openRelay({ upstreamPort, link: Link.parse(stated), seed: 1 });
  scope.after(async () => {
    for (const socket of open) socket.destroy();
    await relay.close();
    target.close();
  });
  return {
    relay,
    dial: () => keep(connect({ port: relay.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })),
    accepted: () => {
      const socket = arrived.shift();
      return socket ? Promise.resolve(socket) : new Promise(resolve => waiting.push(resolve));
    },
  };
}

/** Reads until the peer ends its direction. */
export async function readToEnd(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'end');
  return Buffer.concat(chunks);
}

/** Reads exactly this number of bytes; more would be an error. */
export async function readBytes(socket: Socket, count: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let left = count;
  while (left > 0) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    chunks.push(chunk);
    left -= chunk.length;
  }
  assert.equal(left, 0);
  return Buffer.concat(chunks);
}

/** The code of the error by which the socket ends. */
export async function readErrorCode(socket: Socket): Promise<string | undefined> {
  socket.resume();
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  return error.code;
}
