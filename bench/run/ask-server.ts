// In: a URL, the address to ask there, and whom to trust. Out: what one request tells of the server; nothing of the load.
import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { ForeignServer } from '../core/foreign-server.ts';
import { isLoopback } from '../plan/allowed-hosts.ts';
import { AnswerError, oneLine } from './answer-failure.ts';
import { fixedLookup, systemAuthorities } from './endpoint-reach.ts';
import { readOffer, speaksTls } from './tls-questions.ts';

const MOST_HEADER_CHARS = 200;
/** What speaks TLS answers a handshake soon; what does not may be silent. */
const TLS_TIMEOUT_MS = 2_000;
const BAD_REQUEST = 400;

export interface Question {
  url: string;
  address: string;
  /** Authority to trust, PEM; without it those of the system. */
  caPem?: string | undefined;
  timeoutMs: number;
  /** Ends the question at once. */
  signal?: AbortSignal | undefined;
}

/**
 * Asks once, over HTTP/1.1, and reads the answer to its end. Over TLS another connection, without a request, learns
 * whether the server offers HTTP/2. It always settles: whatever the server does, and at the latest when its time is over.
 * @throws Error of the system, of TLS, of HTTP, or that there was no answer in time; the reason of the signal
 */
export async function askServer(question: Question): Promise<ForeignServer> {
  const { url, address, timeoutMs, signal } = question;
  signal?.throwIfAborted();
  const deadline = new AbortController();
  // A timer of AbortSignal.timeout() would not keep the process alive for it.
  const timer = setTimeout(() => deadline.abort(), timeoutMs);
  const giveUp = signal === undefined ? deadline.signal : AbortSignal.any([signal, deadline.signal]);
  try {
    const isTls = new URL(url).protocol === 'https:';
    const trust = isTls ? { ca: question.caPem ?? systemAuthorities() } : {};
    const offer = isTls ? await readOffer({ url, address, trust }, giveUp) : { tlsVersion: null, alpn: null };
    const answer = await ask(question, trust, giveUp);
    if (!isTls && answer.status === BAD_REQUEST) await requirePlain(question);
    return { url, address, isLoopback: isLoopback(address), ...answer, ...offer };
  } catch (error) {
    signal?.throwIfAborted();
    if (deadline.signal.aborted) {
      throw new Error(`no whole answer within ${timeoutMs / 1_000} s`, { cause: error });
    }
    if (new URL(url).protocol === 'http:' && isConnected(error)) await requirePlain(question);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Errors of dialing: there is nobody to ask about TLS. */
function isConnected(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).syscall !== 'connect' && !(error instanceof AnswerError);
}

/** What does not understand plain HTTP may speak TLS. */
async function requirePlain({ url, address, signal }: Question): Promise<void> {
  const deadline = AbortSignal.timeout(TLS_TIMEOUT_MS);
  if (await speaksTls(url, address, signal === undefined ? deadline : AbortSignal.any([signal, deadline]))) {
    throw new AnswerError(`this port speaks TLS. Expected: ${url.replace(/^http:/, 'https:')}`);
  }
}

type Answer = Omit<ForeignServer, 'url' | 'address' | 'isLoopback' | 'tlsVersion' | 'alpn'>;

/** It is printed: no control characters, and not at any length. */
function headerText(value: string | string[] | undefined): string | null {
  return value === undefined ? null : oneLine(String(value)).slice(0, MOST_HEADER_CHARS);
}

/** How the end of the body is known. */
function framingOf({ statusCode, headers }: IncomingMessage): NonNullable<ForeignServer['framing']> {
  if (statusCode === 204 || statusCode === 304) return 'none';
  if (/\bchunked\b/i.test(headers['transfer-encoding'] ?? '')) return 'chunked';
  return headers['content-length'] === undefined ? 'close' : 'length';
}

function ask(question: Question, trust: object, signal: AbortSignal): Promise<Answer> {
  const { url, address } = question;
  const isTls = new URL(url).protocol === 'https:';
  // Keep-alive, so that the answer shows what the server does with a connection that the client would keep.
  const agent = isTls ? new https.Agent({ keepAlive: true }) : new http.Agent({ keepAlive: true });
  const options = { agent, signal, lookup: fixedLookup(address), ...trust };
  const request = (isTls ? https : http).request(url, options);
  return readAnswer(request).finally(() => {
    request.destroy();
    agent.destroy();
  });
}

function readAnswer(request: ClientRequest): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const interim = new Set<number>();
  request
    .once('response', response => {
      response.once('error', reject).once('end', () => {
        const { statusCode: status = 0, httpVersion, headers } = response;
        resolve({
          status,
          httpVersion,
          location: headerText(headers.location),
          software: headerText(headers.server),
          connectionHeader: headerText(headers.connection),
          keepAliveHeader: headerText(headers['keep-alive']),
          framing: framingOf(response),
          interimStatuses: [...interim],
        });
      });
      response.resume();
    })
    .on('information', ({ statusCode }) => interim.add(statusCode))
    .once('upgrade', (_response, socket) => {
      socket.destroy();
      reject(
        new AnswerError(
          'it answers with status 101, which changes to another protocol, though nothing asked for that',
        ),
      );
    })
    .on('error', reject)
    // After all else: whatever became of it, nothing more will.
    .once('close', () => reject(new Error('it closed the connection before its answer was complete')))
    .end();
  return promise;
}
