// Where the URL of a server leads, as sockets, resolvers and users write it.

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
