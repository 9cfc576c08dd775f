// Trust in the target's own certificate, given to the whole process and not to each client.
import tls from 'node:tls';

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
