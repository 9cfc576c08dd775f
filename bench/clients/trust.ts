// Certificates of a client: the authority it trusts, given to the whole process, and its own, given to each connection.
import tls from 'node:tls';
import type { Endpoint } from '../../servers/protocol.ts';

const trusted = new Set<string>();

/**
 * Makes this process trust an authority in addition to Node's defaults. Irreversible. Clients get no `ca` option for it: Node
 * reads such an option again for each connection, a cost that a user whose authorities are the system's does not have.
 */
export function trustInProcess(caPem: string | undefined): void {
  if (caPem === undefined || trusted.has(caPem)) return;
  trusted.add(caPem);
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), caPem]);
}

/** Options of node:tls for a server that asks for a certificate; none without one. */
export function identityOptions({ identity }: Pick<Endpoint, 'identity'>): { cert?: string; key?: string } {
  return identity === undefined ? {} : { cert: identity.certPem, key: identity.keyPem };
}
