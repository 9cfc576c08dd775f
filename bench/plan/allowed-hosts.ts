// In: the URL of a server that we did not start, the addresses of its host, and whom the user allowed. Out: whether load may go there.
import { BlockList, isIP } from 'node:net';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether what is sent to the address cannot leave this machine. IPv4 within IPv6 counts as the IPv4 that it is. */
export function isLoopback(address: string): boolean {
  const version = isIP(address);
  return version !== 0 && loopback.check(address, version === 4 ? 'ipv4' : 'ipv6');
}

/** The host of a URL as a resolver and a user know it: `::1`, where the URL has `[::1]`. */
export function hostOf(url: string): string {
  return new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
}

/** A host as `--allow-host` takes it, in the form of `hostOf`; undefined for what is no host alone. */
export function parseHost(text: string): string | undefined {
  const inUrl = isIP(text) === 6 ? `[${text}]` : text;
  if (!/^(?:\[[^\]]*\]|[^\s/:@?#[\]\\]+)$/.test(inUrl) || !URL.canParse(`http://${inUrl}`)) return undefined;
  return hostOf(`http://${inUrl}`);
}

/** A server that load is asked to go to. */
export interface Destination {
  url: string;
  /** Every address that the host stands for; itself, where it is one. */
  addresses: readonly string[];
}

/**
 * Why load may not go there, and what would be right; undefined when it may. It may where every address is on loopback,
 * and where the user has named this very host.
 */
export function refusalOf(
  { url, addresses }: Destination,
  allowedHosts: readonly string[],
): string | undefined {
  const host = hostOf(url);
  const elsewhere = addresses.filter(address => !isLoopback(address));
  if (elsewhere.length === 0 || allowedHosts.includes(host)) return undefined;
  const which = isIP(host) === 0 ? `${host} stands for ${elsewhere.join(', ')}, which` : host;
  return [
    `target.url ${url}: ${which} is not on loopback (127.0.0.0/8, ::1), so nothing was sent to it.`,
    '  conntax sends requests as fast as they are answered. To a machine that is not yours, that is an attack.',
    `  right would be: a server on this machine; or --allow-host ${host}, if that machine is yours, or its owner has agreed`,
  ].join('\n');
}
