// What follows from the settings of target and clients: hosts, origins, encryption, connection limits. Without the schemas, for processes that only send load.

import type { Client } from './client.ts';
import type { Target } from './target.ts';

/** The host of a URL: `::1`, where the URL has `[::1]`. */
export function hostOf(url: string): string {
  return new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/** The host, and the port, which a URL may leave to its scheme. */
export function hostAndPort(url: string): { host: string; port: number } {
  const { protocol, port } = new URL(url);
  return { host: hostOf(url), port: port === '' ? DEFAULT_PORTS[protocol]! : Number(port) };
}

type WithUrls = Pick<Target, 'url' | 'urls'>;
type WithOrigins = WithUrls & Pick<Target, 'origins'>;

/** External servers of a target, in their order; none where conntax starts the server. */
export function externalUrls({ url, urls = [] }: WithUrls): readonly string[] {
  if (url !== undefined) return [url];
  return urls.map(each => (typeof each === 'string' ? each : each.url));
}

/** Relative shares of the requests, one per origin. */
export function originShares({ urls, origins = 1 }: WithOrigins): readonly number[] {
  if (urls !== undefined) return urls.map(each => (typeof each === 'string' ? 1 : each.weight));
  return typeof origins === 'number' ? Array<number>(origins).fill(1) : origins;
}

export function originCount(target: WithOrigins): number {
  return originShares(target).length;
}

/** `127.0.0.1:3001`, or `origin 1` of conntax's own server, whose ports differ from run to run. */
export function nameOfOrigin(target: WithOrigins, index: number): string {
  const url = externalUrls(target)[index];
  return url === undefined ? `origin ${index + 1}` : new URL(url).host;
}

/** Whether connections to the target are encrypted. */
export function usesTls(target: Pick<Target, 'url' | 'urls' | 'tls'>): boolean {
  // Several have the same scheme (bench/plan/rules/target.ts).
  const [url] = externalUrls(target);
  return url === undefined ? target.tls !== 'none' : new URL(url).protocol === 'https:';
}

/** Whether the server ends each connection after its first response. */
export function closesAfterResponse({
  connectionClose,
  framing,
}: Pick<Target, 'connectionClose' | 'framing'>): boolean {
  return connectionClose === true || framing === 'close';
}

/** Most connections that a pool may open to this number of origins; Infinity without a limit. */
export function connectionLimit(
  { maxConnections, maxTotalConnections }: Client['pool'],
  origins = 1,
): number {
  const perOrigin = typeof maxConnections === 'number' ? maxConnections : Number.POSITIVE_INFINITY;
  const inAll = typeof maxTotalConnections === 'number' ? maxTotalConnections : Number.POSITIVE_INFINITY;
  return Math.min(perOrigin * origins, inAll);
}

/** Whether an exchange ends with the response header, because its body is not read. */
export function leavesBody({ body }: Pick<Client, 'body'>): boolean {
  return body === 'cancel' || body === 'ignore';
}

/** A record's own member by name, never an inherited one such as `constructor`. */
export function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
