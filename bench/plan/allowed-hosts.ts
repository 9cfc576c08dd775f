// Decides which hosts load may be sent to: loopback, and hosts that the user allowed.
import { BlockList, isIP } from 'node:net';
import { hostOf } from '../../scenarios/model/facts.ts';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether traffic to the address stays on this machine. An IPv4 address mapped to IPv6 counts as IPv4. */
export function isLoopback(address: string): boolean {
  const version = isIP(address);
  return version !== 0 && loopback.check(address, version === 4 ? 'ipv4' : 'ipv6');
}

/** Parses a host given to `--allow-host`, into the form of `hostOf`; undefined for anything but a host. */
export function parseHost(text: string): string | undefined {
  const inUrl = isIP(text) === 6 ? `[${text}]` : text;
  if (!/^(?:\[[^\]]*\]|[^\s/:@?#[\]\\]+)$/.test(inUrl) || !URL.canParse(`http://${inUrl}`)) return undefined;
  return hostOf(`http://${inUrl}`);
}

/** Where a scenario names external servers. */
export type UrlSetting = 'target.url' | 'target.urls';

/** A server, or a proxy, that a scenario sends load to. */
export interface Destination {
  /** Where the scenario names it. */
  setting?: UrlSetting | 'target.proxy' | '--server-address';
  url: string;
  /** Every address that the host resolves to; the host itself if it is an address. */
  addresses: readonly string[];
}

/**
 * Why load may not be sent there, and what is allowed; undefined when it may. Load may be sent when every address is on loopback,
 * or the user has allowed exactly this host.
 */
export function refusalOf(
  { setting = 'target.url', url, addresses }: Destination,
  allowedHosts: readonly string[],
): string | undefined {
  const host = hostOf(url);
  const elsewhere = addresses.filter(address => !isLoopback(address));
  if (elsewhere.length === 0 || allowedHosts.includes(host)) return undefined;
  const which = isIP(host) === 0 ? `${host} resolves to ${elsewhere.join(', ')}, which` : host;
  return [
    `${setting} ${url}: ${which} is not on loopback (127.0.0.0/8, ::1), so nothing was sent to it.`,
    DANGER,
    `  expected: ${setting === 'target.proxy' ? 'a proxy' : 'a server'} on this machine; ${consentTo(host)}`,
  ].join('\n');
}

const DANGER =
  '  conntax sends requests as fast as they are answered. Against a machine that is not yours, that is an attack.';

function consentTo(host: string): string {
  return `or --allow-host ${host}, if the machine is yours or its owner has agreed`;
}

/**
 * The same for a server behind a proxy, which resolves its name: only an address, and `localhost`, show where that leads.
 */
export function refusalBehindProxy(url: string, allowedHosts: readonly string[]): string | undefined {
  const host = hostOf(url);
  if (host === 'localhost' || allowedHosts.includes(host)) return undefined;
  if (isIP(host) !== 0) return refusalOf({ url, addresses: [host] }, allowedHosts);
  return [
    `target.url ${url}: the proxy resolves ${host}, so conntax cannot know whether it is on loopback, and nothing was sent to it.`,
    DANGER,
    `  expected: an address on loopback, or localhost; ${consentTo(host)}`,
  ].join('\n');
}
