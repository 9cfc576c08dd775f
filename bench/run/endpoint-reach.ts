// In: an endpoint as it was checked. Out: this process reaches it so: by that address, and trusting whom the system trusts.
import dns from 'node:dns';
import type { LookupFunction } from 'node:net';
import { isIPv6 } from 'node:net';
import tls from 'node:tls';
import type { Endpoint } from '../contracts.ts';

/** A look-up that gives one address whatever it is asked for; asks nobody. */
export function fixedLookup(address: string): LookupFunction {
  const family = isIPv6(address) ? 6 : 4;
  return (_host, options, callback) => {
    // As a real look-up would: never from within the call.
    if (options.all === true) process.nextTick(callback, null, [{ address, family }]);
    else process.nextTick(callback, null, address, family);
  };
}

/** Whom the system trusts, and Node by itself, as PEM: what a client of an https server trusts when it is told nothing. */
export function systemAuthorities(): string[] {
  return [...new Set([...tls.getCACertificates('default'), ...tls.getCACertificates('system')])];
}

/**
 * From now on this process finds the endpoint's host at the address that was checked and nowhere else: a name that stands
 * for another machine a second later can't lead load there, and no look-up is in a latency. Every client library that
 * dials through node:net is bound by it. Without a caPem, an https endpoint is trusted as the system says: as the process's
 * default, since a client that was given so many authorities would read them all again for each connection (14 ms).
 */
export function reachAsChecked({ origin, address, caPem }: Endpoint): void {
  const { hostname, protocol } = new URL(origin);
  if (address !== undefined) {
    const { lookup } = dns;
    const fixed = fixedLookup(address);
    const pinned = (host: string, ...rest: unknown[]): void => {
      const callback = rest.at(-1) as Parameters<LookupFunction>[2];
      const [options] = rest;
      if (host !== hostname) Reflect.apply(lookup, dns, [host, ...rest]);
      else fixed(host, typeof options === 'object' && options !== null ? options : {}, callback);
    };
    dns.lookup = Object.assign(pinned, { __promisify__: lookup.__promisify__ }) as typeof lookup;
  }
  if (protocol === 'https:' && caPem === undefined) tls.setDefaultCACertificates(systemAuthorities());
}
