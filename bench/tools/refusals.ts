// What load tools do not support, and what they refuse in the same words; each tool's own file has the rest.
import type { Client } from '../../scenarios/model/client.ts';
import type { Request } from '../../scenarios/model/request.ts';
import type { FaultKind, Target } from '../../scenarios/model/target.ts';
import { reachRefusals, refuse } from '../clients/refusals.ts';
import type { ClientSetting, Refusal } from '../contracts.ts';
import { NO_RESENDING } from '../resending.ts';

const NO_IDLENESS = 'its users never pause, so its connections are never idle within a slice';
const NO_TIMEOUT =
  'it has no such timeout here: a request that hangs counts as unfinished at the end of the slice, or fails the trial';
const ONE_EACH = 'it has one connection per user';

const REASONS: Readonly<Record<ClientSetting, string>> = {
  api: 'it has only one interface',
  options: 'options are passed only to your own module',
  protocol: 'it uses HTTP/1.1 only',
  'pool.maxConnections': ONE_EACH,
  'pool.maxTotalConnections': ONE_EACH,
  'pool.maxIdleConnections': NO_IDLENESS,
  'pool.idleTimeoutMs': NO_IDLENESS,
  'pool.idleTimeoutBufferMs': NO_IDLENESS,
  'pool.maxLifetimeMs': 'it keeps connections as long as possible',
  'pool.pipelining': 'each of its users waits for the response before the next request',
  'pool.maxConcurrentStreams': 'it uses HTTP/1.1 only',
  'pool.scheduling': ONE_EACH,
  'pool.closing': 'it has no such setting',
  'pool.tcpKeepAliveMs': 'it has no such setting',
  'pool.tlsSessions': 'it has no such setting',
  'pool.tlsContext': 'it has no such setting',
  'timeouts.connectMs': NO_TIMEOUT,
  'timeouts.headersMs': NO_TIMEOUT,
  'timeouts.bodyMs': NO_TIMEOUT,
  'timeouts.totalMs': 'it sends its requests itself, so conntax cannot abort them',
  ...NO_RESENDING,
};

/** The reasons for every setting that a load tool does not support. */
export function engineCannot(honours: readonly ClientSetting[]): Record<ClientSetting, string> {
  return Object.fromEntries(Object.entries(REASONS).filter(([setting]) => !honours.includes(setting)));
}

export function bodyRefusals(tool: string, { body }: Client): Refusal[] {
  return refuse({
    when: body !== 'read',
    path: 'body',
    message: `${tool} reads every body to its end`,
    hint: "body: 'read', or another transport",
  });
}

/** For tools that can send `Connection: close`, but do not count the requests of a connection. */
export function countingRefusals(tool: string, { requestsPerConnection }: Client): Refusal[] {
  return refuse({
    when: requestsPerConnection !== 1 && requestsPerConnection !== 'unlimited',
    path: 'requestsPerConnection',
    message: `${tool} can only close each connection after one request, or none`,
    hint: "1 or 'unlimited', or transport: autocannon",
  });
}

/** Why a load tool cannot follow such a setting of a target. */
const URL_ONLY = 'it is given a URL only';

/** For every tool: conntax gives it no certificate, no socket and no proxy. */
export function toolReachRefusals(target: Target): Refusal[] {
  return reachRefusals(target, {
    certFile: URL_ONLY,
    socketPath: URL_ONLY,
    proxy: URL_ONLY,
    origins: URL_ONLY,
    urls: URL_ONLY,
  });
}

/**
 * No tool can send a body in chunks.
 * @param canSendHead whether it knows that the answer to a HEAD request has no body
 */
export function requestRefusals(
  { tool, canSendHead }: { tool: string; canSendHead: boolean },
  requests: readonly Request[],
): Refusal[] {
  const [refusal] = refuse(
    {
      when: requests.some(({ method }) => method === 'HEAD') && !canSendHead,
      path: 'transport',
      message: `${tool} waits for a body after the answer to a HEAD request`,
      hint: 'another method, or transport: hey, node-http or wire',
    },
    {
      when: requests.some(({ framing }) => framing === 'chunked'),
      path: 'transport',
      message: `${tool} cannot send a body in chunks`,
      hint: "request.framing: 'length', or transport: undici, node-http, fetch or wire",
    },
  );
  return refusal === undefined ? [] : [refusal];
}

/** Kinds whose effect every tool counts: whole answers. */
const COUNTED_BY_TOOLS: readonly FaultKind[] = ['status', 'slowBytes', 'connectionClose'];

/** @param why it does not count the other kinds */
export function faultRefusals(tool: string, { faults }: Pick<Target, 'faults'>, why: string): Refusal[] {
  const uncounted = faults.find(({ kind }) => !COUNTED_BY_TOOLS.includes(kind));
  return refuse({
    when: uncounted !== undefined,
    path: 'transport',
    message: `${tool} does not count each failure of kind ${uncounted?.kind}, which target.faults has: ${why}`,
    hint: `faults of kind ${COUNTED_BY_TOOLS.join(', ')} only, or transport: autocannon, wire or undici`,
  });
}
