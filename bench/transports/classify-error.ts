// In: an error of a Node HTTP client. Out: the kind of outcome it is.
import type { Outcome } from '../core/types.ts';

const BY_CODE: ReadonlyMap<string, Outcome> = new Map([
  ['UND_ERR_CONNECT_TIMEOUT', 'timeoutConnect'],
  ['UND_ERR_HEADERS_TIMEOUT', 'timeoutHeaders'],
  ['UND_ERR_BODY_TIMEOUT', 'timeoutBody'],
  ['ETIMEDOUT', 'timeoutConnect'],
  ['ECONNREFUSED', 'refused'],
  ['ECONNRESET', 'reset'],
  ['EPIPE', 'reset'],
  ['UND_ERR_SOCKET', 'reset'],
  // Of HTTP/2: one stream was reset, or the whole connection given up with a GOAWAY.
  ['ERR_HTTP2_STREAM_ERROR', 'reset'],
  ['ERR_HTTP2_SESSION_ERROR', 'reset'],
  ['UND_ERR_INFO', 'reset'],
  ['EADDRNOTAVAIL', 'portExhausted'],
  ['EMFILE', 'descriptorLimit'],
  ['ENFILE', 'descriptorLimit'],
]);

interface Evidence {
  /** Whether the connection had carried an answer before this request. */
  isReusedConnection: boolean;
  /** Whether any of this response had arrived. */
  hasResponse: boolean;
}

/**
 * `staleSocket` is a reset before the first byte of the answer on a connection that had worked before: most likely the
 * server closed it while idle, just as the request was sent.
 */
export function classifyError(error: unknown, evidence: Evidence): Outcome {
  const outcome = BY_CODE.get(codeOf(error)) ?? 'other';
  return outcome === 'reset' && evidence.isReusedConnection && !evidence.hasResponse
    ? 'staleSocket'
    : outcome;
}

/** The error at the bottom of a chain of causes (`fetch` wraps the socket's error in a TypeError). */
export function rootCause(error: unknown): unknown {
  let root = error;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  return root;
}

/** One line for a reader: code and message. */
export function describeError(error: unknown): string {
  const root = rootCause(error);
  const code = codeOf(root);
  const message = root instanceof Error ? root.message : String(root);
  return code === '' || message.includes(code) ? message : `${code}: ${message}`;
}

function codeOf(error: unknown): string {
  const root = rootCause(error);
  return typeof root === 'object' && root !== null && 'code' in root ? String(root.code) : '';
}
