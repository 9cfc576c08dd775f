// Whether a server can listen on an address of this machine, and which addresses there are.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';

/** The IPv4 addresses of this machine, if a server cannot listen on this one; null: it can. */
export async function addressesInstead(address: string): Promise<string[] | null> {
  // Its interfaces alone do not tell: each address of 127.0.0.0/8 will do, and whole networks may be routed to a machine.
  const server = createServer().listen({ host: address, port: 0 });
  try {
    await once(server, 'listening');
    return null;
  } catch (error) {
    // The start of the target will say what else it is.
    if ((error as NodeJS.ErrnoException).code !== 'EADDRNOTAVAIL') return null;
    return Object.values(networkInterfaces()).flatMap((own = []) =>
      own.flatMap(({ family, address: known }) => (family === 'IPv4' ? known : [])),
    );
  } finally {
    server.close();
  }
}
