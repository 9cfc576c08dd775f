// In: a URL, the address to ask there, and whom to trust. Out: what one request tells of the server; nothing of the load.
import http from 'node:http';
import https from 'node:https';
import { isIP } from 'node:net';
import tls from 'node:tls';
import type { ForeignServer } from '../core/foreign-server.ts';
import { hostOf, isLoopback } from '../plan/foreign-hosts.ts';
import { fixedLookup, systemAuthorities } from './endpoint-reach.ts';

const MOST_HEADER_CHARS = 200;

export interface Question {
  url: string;
  address: string;
  /** Authority to trust, PEM; without it those of the system. */
  caPem?: string | undefined;
  timeoutMs: number;
}

/**
 * Asks once, over HTTP/1.1, and reads the answer to its end. Over TLS another connection, without a request, learns
 * whether the server offers HTTP/2.
 * @throws Error of the system, of TLS, or that there was no answer in time
 */
export async function askServer(question: Question): Promise<ForeignServer> {
  const { url, address, timeoutMs } = question;
  const giveUp = AbortSignal.timeout(timeoutMs);
  try {
    const offer = new URL(url).protocol === 'https:' ? await readOffer(question, giveUp) : null;
    const answer = await ask(question, giveUp);
    return {
      url,
      address,
      isLoopback: isLoopback(address),
      ...answer,
      ...(offer ?? { tlsVersion: null, alpn: null }),
    };
  } catch (error) {
    if (giveUp.aborted) throw new Error(`no whole answer within ${timeoutMs / 1_000} s`, { cause: error });
    throw error;
  }
}

function trust({ caPem }: Question): { ca: string | string[] } {
  return { ca: caPem ?? systemAuthorities() };
}

function portOf({ protocol, port }: URL): number {
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}

function readOffer(
  question: Question,
  giveUp: AbortSignal,
): Promise<Pick<ForeignServer, 'tlsVersion' | 'alpn'>> {
  const host = hostOf(question.url);
  const { promise, resolve, reject } = Promise.withResolvers<Pick<ForeignServer, 'tlsVersion' | 'alpn'>>();
  const socket = tls.connect({
    host: question.address,
    port: portOf(new URL(question.url)),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ALPNProtocols: ['h2', 'http/1.1'],
    ...trust(question),
  });
  const onAbort = (): void => void socket.destroy(new Error('given up'));
  giveUp.addEventListener('abort', onAbort, { once: true });
  socket.once('secureConnect', () =>
    resolve({ tlsVersion: socket.getProtocol(), alpn: socket.alpnProtocol || null }),
  );
  socket.once('error', reject);
  return promise.finally(() => {
    giveUp.removeEventListener('abort', onAbort);
    socket.destroy();
  });
}

type Answer = Omit<ForeignServer, 'url' | 'address' | 'isLoopback' | 'tlsVersion' | 'alpn'>;

/** It is printed: no control characters, and not at any length. */
function headerText(value: string | string[] | undefined): string | null {
  return value === undefined
    ? null
    : String(value)
        .replaceAll(/\p{Cc}+/gu, ' ')
        .slice(0, MOST_HEADER_CHARS);
}

function ask(question: Question, signal: AbortSignal): Promise<Answer> {
  const { url, address } = question;
  const isTls = new URL(url).protocol === 'https:';
  // Keep-alive, so that the answer shows what the server does with a connection that the client would keep.
  const agent = isTls ? new https.Agent({ keepAlive: true }) : new http.Agent({ keepAlive: true });
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const options = { agent, signal, lookup: fixedLookup(address), ...(isTls ? trust(question) : {}) };
  (isTls ? https : http)
    .request(url, options, response => {
      response.once('error', reject).once('end', () => {
        const { statusCode: status = 0, httpVersion, headers } = response;
        resolve({
          status,
          httpVersion,
          location: headerText(headers.location),
          software: headerText(headers.server),
          connectionHeader: headerText(headers.connection),
          keepAliveHeader: headerText(headers['keep-alive']),
        });
      });
      response.resume();
    })
    .once('error', reject)
    .end();
  return promise.finally(() => agent.destroy());
}
