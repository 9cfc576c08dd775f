// Asks an HTTP proxy for a tunnel before the run, so that one that refuses is reported before any load.
import http from 'node:http';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { errorMessage } from '../../results/errors.ts';
import { hostAndPort } from '../../scenarios/model/facts.ts';
import { proxyAuthorization, proxyOrigin } from '../clients/proxy.ts';

/** The variable that messages name, and that `conntax try` saves the URL of a proxy with a password for. */
export const PROXY_URL = 'PROXY_URL';
/** How a scenario names it. */
export const PROXY_SETTING = `target.proxy: { env: '${PROXY_URL}' }`;

/** A proxy on the way to a server refused, or is none. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
}

/** Statuses by which a proxy says that it cannot, or will not, ask the server; a server may send them, too. */
const GATEWAY_STATUSES: readonly number[] = [403, 502, 503, 504];
const AUTHENTICATION_REQUIRED = 407;

/** Whether the proxy, or a server that looks like one, refused a request that was given to it. */
export function isProxyRefusal(status: number): boolean {
  return status === AUTHENTICATION_REQUIRED || GATEWAY_STATUSES.includes(status);
}

/** What a proxy answered, and what was expected of it. */
export function describeProxyAnswer(proxyUrl: string, status: number, asked: string): string {
  return `the proxy ${proxyOrigin(proxyUrl)} answered ${status} (${http.STATUS_CODES[status] ?? 'unknown'}) to ${asked}; expected: ${hintFor(proxyUrl, status)}`;
}

function hintFor(proxyUrl: string, status: number): string {
  switch (status) {
    case AUTHENTICATION_REQUIRED:
      return proxyAuthorization(proxyUrl) === undefined
        ? `${PROXY_SETTING} with a user and a password in it (http://user:password@host:port)`
        : 'another user or password in the URL of the proxy';
    case 403:
      return 'a proxy that lets this machine reach that server';
    case 502:
    case 503:
    case 504:
      return 'a server that the proxy can reach';
    default:
      return 'the URL of an HTTP proxy';
  }
}

/** `host:port`, as CONNECT has it. */
export function authorityOf({ hostname, port, protocol }: URL): string {
  return `${hostname}:${port === '' ? (protocol === 'https:' ? 443 : 80) : port}`;
}

/**
 * Opens a connection to a server through a proxy.
 * @param proxyUrl by its address
 * @throws ProxyError when the proxy refuses, or cannot be reached
 */
export function openTunnel(proxyUrl: string, authority: string, signal: AbortSignal): Promise<Duplex> {
  const { host, port } = hostAndPort(proxyUrl);
  const authorization = proxyAuthorization(proxyUrl);
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  http
    .request({
      agent: false,
      signal,
      host,
      ...(isIP(host) === 0 ? {} : { family: isIP(host) }),
      port,
      method: 'CONNECT',
      path: authority,
      headers: {
        host: authority,
        ...(authorization === undefined ? {} : { 'proxy-authorization': authorization }),
      },
    })
    .once('connect', ({ statusCode = 0 }, socket) => {
      if (statusCode === 200) {
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(new ProxyError(describeProxyAnswer(proxyUrl, statusCode, `CONNECT ${authority}`)));
    })
    .once('response', response => {
      response.destroy();
      reject(new ProxyError(describeProxyAnswer(proxyUrl, response.statusCode ?? 0, `CONNECT ${authority}`)));
    })
    .on('error', error => reject(fromProxy(error, proxyUrl)))
    .end();
  return promise;
}

/** The error of a connection to a proxy, which names the proxy if the connection was what failed. */
export function fromProxy(error: unknown, proxyUrl: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  const origin = proxyOrigin(proxyUrl);
  if (syscall === 'connect') {
    return new ProxyError(
      `the proxy ${origin} cannot be reached: ${errorMessage(error)}; expected: a proxy that is running, in target.proxy`,
    );
  }
  return code === 'ECONNRESET'
    ? new ProxyError(
        `the proxy ${origin} closed the connection without an answer; expected: the URL of an HTTP proxy`,
      )
    : error;
}
