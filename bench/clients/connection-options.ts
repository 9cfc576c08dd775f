// Options of connections that clients share: certificates, limits, and that only what is stated is given to a library.
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

/** Only the given options; a library has its own defaults for the others. */
export function given<Options extends object>(
  options: { [Name in keyof Options]: Options[Name] | undefined },
): Options {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Options;
}

/** A limit as libraries take it: none is not given. */
export function limitOf(limit: number | 'unlimited' | undefined): number | undefined {
  return limit === 'unlimited' ? undefined : limit;
}
