// The origins of a target: how many there are, how often each is asked, and what it is called.
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
