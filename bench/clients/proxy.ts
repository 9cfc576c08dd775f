// What the URL of an HTTP proxy says: where it is, what it gets to know of its user, and what no output may contain.
import { isIPv6 } from 'node:net';
import { hostAndPort } from '../../scenarios/model/facts.ts';
import { everyForm } from './request.ts';

/** Without user and password, for people. */
export function proxyOrigin(proxyUrl: string): string {
  return new URL(proxyUrl).origin;
}

/** The port that connections go to. */
export function proxyPort(proxyUrl: string): number {
  return hostAndPort(proxyUrl).port;
}

/** By one of its addresses, so that no client resolves its name again. A proxy does not learn the name that it was reached by. */
export function proxyAt(proxyUrl: string, address: string): string {
  const url = new URL(proxyUrl);
  url.hostname = isIPv6(address) ? `[${address}]` : address;
  return url.href;
}

/** The header Proxy-Authorization; undefined without a user. */
export function proxyAuthorization(proxyUrl: string): string | undefined {
  const { username, password } = new URL(proxyUrl);
  if (username === '' && password === '') return undefined;
  const credentials = [username, password].map(decoded).join(':');
  return `Basic ${Buffer.from(credentials).toString('base64')}`;
}

/** The URL, its password, and every other form of that; none without a user, or if it is not a URL. */
export function proxySecrets(proxyUrl: string | undefined): string[] {
  if (proxyUrl === undefined || !URL.canParse(proxyUrl)) return [];
  const authorization = proxyAuthorization(proxyUrl);
  if (authorization === undefined) return [];
  const { href, username, password } = new URL(proxyUrl);
  // Some have a token as the user.
  const given = password === '' ? username : password;
  return everyForm([proxyUrl, href, authorization.slice('Basic '.length), given, decoded(given)]);
}

/** As it stands in the URL where that is not percent-encoded, which is reported elsewhere. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
