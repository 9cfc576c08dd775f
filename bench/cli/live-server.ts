// What a run serves on loopback while it is measured: how its servers begin to listen, and end.
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MeasureError } from '../../results/errors.ts';

/** @returns host and port. @throws MeasureError with the sentence when it cannot listen */
export async function listen(server: Server, port: number, code: string, problem: string): Promise<string> {
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new MeasureError(code, `${problem}: ${String(cause)}`, { cause });
  }
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export async function endServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
