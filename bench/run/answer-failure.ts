// In: the error with which the first question to a server has ended. Out: what went wrong and what would be right, in a sentence.
import http from 'node:http';

const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** What a peer that does not speak TLS makes of a handshake. */
const NOT_TLS = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_HTTP_REQUEST',
]);

/** It did answer, and nothing can be measured of it. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
}

/** Whether somebody is there, if not one that can be measured. */
export function isAnswered(error: unknown): boolean {
  const code = String((error as NodeJS.ErrnoException | undefined)?.code ?? '');
  return error instanceof AnswerError || code.startsWith('HPE_') || NOT_TLS.has(code);
}

/** What comes from a server is printed: without control characters. */
export function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ');
}

export function answerFailureText(error: unknown, url: string): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const message = oneLine(error instanceof Error ? error.message : String(error)).trim();
  if (UNTRUSTED.has(code)) {
    return `its certificate is signed by no authority that is trusted here (${code}): target.caFile can name one`;
  }
  if (NOT_TLS.has(code)) {
    return `this port does not speak TLS. Expected: ${url.replace(/^https:/, 'http:')}, or the port of https`;
  }
  switch (code) {
    case 'ECONNREFUSED':
      return `${message} (conntax does not start this server: it has to run already)`;
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `its certificate is for ${namesText(error)}, and not for ${new URL(url).hostname}: give one of these names in target.url`;
    case 'HPE_HEADER_OVERFLOW':
      return `it answered with a header of more than ${http.maxHeaderSize / 1_024} KiB, which is the most that Node reads. NODE_OPTIONS=--max-http-header-size=65536 raises it for conntax and its clients`;
    case 'ECONNRESET':
      return `it closed the connection before its answer was complete (${message})`;
    default:
      return code.startsWith('HPE_') ? `what it answers is not HTTP/1.1 (${message})` : message;
  }
}

interface Certificate {
  subjectaltname?: string;
  subject?: { CN?: string | string[] };
}

/** `localhost, 127.0.0.2`. */
function namesText(error: unknown): string {
  const { subjectaltname, subject } = (error as { cert?: Certificate }).cert ?? {};
  if (subjectaltname !== undefined && subjectaltname !== '') {
    return oneLine(subjectaltname.replaceAll(/(?:DNS|IP Address|URI):/g, ''));
  }
  return subject?.CN === undefined
    ? 'no name at all'
    : `no name but the common name ${oneLine(String(subject.CN))}, which no client looks at`;
}
