// What follows from the settings of a target: its origins, whether it is encrypted, and whether its server keeps connections. Without
// the schemas, for processes that only send load.
import type { Target } from './target.ts';

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
  // Several have the same scheme (bench/plan/rules/origins.ts).
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
