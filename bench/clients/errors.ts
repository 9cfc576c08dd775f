// Classifies errors of Node HTTP clients into outcomes.
import { causesOf, describeForeign, memberOfForeign } from '../../results/errors.ts';
import type { Outcome } from '../../results/model/trial.ts';

const BY_CODE: ReadonlyMap<unknown, Outcome> = new Map([
  ['UND_ERR_CONNECT_TIMEOUT', 'timeoutConnect'],
  ['UND_ERR_HEADERS_TIMEOUT', 'timeoutHeaders'],
  ['UND_ERR_BODY_TIMEOUT', 'timeoutBody'],
  ['ETIMEDOUT', 'timeoutConnect'],
  ['ECONNREFUSED', 'refused'],
  ['ECONNRESET', 'reset'],
  ['EPIPE', 'reset'],
  ['UND_ERR_SOCKET', 'reset'],
  // An incomplete body, as `stream.finished` reports it.
  ['ERR_STREAM_PREMATURE_CLOSE', 'reset'],
  // The same where the response said that the connection would be closed.
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'reset'],
  ['HPE_INVALID_EOF_STATE', 'reset'],
  // HTTP/2: a stream was reset, or the connection was closed with a GOAWAY.
  ['ERR_HTTP2_STREAM_ERROR', 'reset'],
  ['ERR_HTTP2_SESSION_ERROR', 'reset'],
  ['UND_ERR_INFO', 'reset'],
  ['EADDRNOTAVAIL', 'portExhausted'],
  ['EMFILE', 'descriptorLimit'],
  ['ENFILE', 'descriptorLimit'],
]);

/** What the connection of a failed request had carried, as far as it is known. */
export interface Evidence {
  /** Whether the connection had carried an answer before this request. */
  isReusedConnection: boolean;
  /** Whether any of this response had arrived. */
  hasResponse: boolean;
}

export const NO_EVIDENCE: Evidence = { isReusedConnection: false, hasResponse: false };

/** The deepest cause with a known code, because wrapping errors often have another code. */
function knownCause(error: unknown): unknown {
  return causesOf(error).find(cause => BY_CODE.has(memberOfForeign(cause, 'code')));
}

/**
 * The outcome by the code of the deepest known cause; undefined without one. The kernel's ETIMEDOUT on an
 * open connection means that the other side is gone.
 */
export function codedOutcome(error: unknown): Outcome | undefined {
  const cause = knownCause(error);
  const code = memberOfForeign(cause, 'code');
  const syscall = memberOfForeign(cause, 'syscall');
  if (code === 'ETIMEDOUT' && (syscall === 'read' || syscall === 'write')) return 'reset';
  return BY_CODE.get(code);
}

/**
 * The outcome of an error. `staleSocket` is a reset before the first byte of the response on a connection that had worked
 * before: most likely the server closed the idle connection just as the request was sent.
 *
 * @param isAnswered whether the client itself has seen that the response began
 */
export function classifyError(error: unknown, evidence: Evidence, isAnswered = false): Outcome {
  const outcome = codedOutcome(error) ?? 'other';
  if (outcome !== 'reset' || isAnswered || evidence.hasResponse || !evidence.isReusedConnection)
    return outcome;
  return memberOfForeign(knownCause(error), 'code') === 'ETIMEDOUT' ? outcome : 'staleSocket';
}

/** The cause that determines the classification, or else the deepest cause that is an error. */
export function rootCause(error: unknown): unknown {
  return (
    knownCause(error) ??
    causesOf(error).find(cause => typeof memberOfForeign(cause, 'message') === 'string') ??
    error
  );
}

/** One line for a reader: code and message. */
export function describeError(error: unknown): string {
  const root = rootCause(error);
  const code = memberOfForeign(root, 'code');
  const message = describeForeign(root);
  return typeof code !== 'string' || code === '' || message.includes(code)
    ? message
    : `${describeForeign(code)}: ${message}`;
}
