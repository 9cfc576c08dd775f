// Listens with a server of Node on a free port of 127.0.0.1 for the duration of a test.
import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { Scope } from './client.ts';

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
