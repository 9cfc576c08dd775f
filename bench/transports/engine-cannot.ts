// In: what a load tool honours. Out: why it honours nothing else, a sentence a setting; and what none of them can do.
import { CLIENT_SETTINGS, type Client } from '../../scenarios/model/client.ts';
import type { ClientSetting, Refusal } from '../contracts.ts';

const NO_IDLENESS = 'its users never rest, so that none of its connections is idle within a slice';
const NO_TIMEOUT =
  'it has no such timeout here: what hangs is unfinished when the slice ends, or ends the trial';
const ONE_EACH = 'it has a connection for each user';

const REASONS: Readonly<Record<ClientSetting, string>> = {
  api: 'it has one interface only',
  options: 'they are for a module of your own',
  protocol: 'it speaks HTTP/1.1 only here',
  'pool.maxConnections': ONE_EACH,
  'pool.maxTotalConnections': ONE_EACH,
  'pool.maxIdleConnections': NO_IDLENESS,
  'pool.idleTimeoutMs': NO_IDLENESS,
  'pool.idleTimeoutBufferMs': NO_IDLENESS,
  'pool.maxLifetimeMs': 'it keeps a connection for as long as it can',
  'pool.pipelining': 'each of its users waits for its answer before it asks again',
  'pool.maxConcurrentStreams': 'it speaks HTTP/1.1 only here',
  'pool.scheduling': ONE_EACH,
  'pool.tcpKeepAliveMs': 'it has no setting for it',
  'pool.tlsSessions': 'it has no setting for it',
  'timeouts.connectMs': NO_TIMEOUT,
  'timeouts.headersMs': NO_TIMEOUT,
  'timeouts.bodyMs': NO_TIMEOUT,
  'timeouts.totalMs': 'it sends by itself, so that its requests are not in the hands of the harness',
};

/** Of every setting that is not among those honoured. */
export function engineCannot(honours: readonly ClientSetting[]): Record<ClientSetting, string> {
  const others = CLIENT_SETTINGS.filter(setting => !honours.includes(setting));
  return Object.fromEntries(others.map(setting => [setting, REASONS[setting]!]));
}

export function bodyRefusals(tool: string, { body }: Client): Refusal[] {
  if (body === 'read') return [];
  return [
    {
      path: 'body',
      message: `${tool} reads every body to its end`,
      hint: "body: 'read', or another transport",
    },
  ];
}

/** Of a tool that has a switch for `Connection: close`, and counts no requests of a connection. */
export function countingRefusals(tool: string, { requestsPerConnection }: Client): Refusal[] {
  if (requestsPerConnection === 1 || requestsPerConnection === 'unlimited') return [];
  return [
    {
      path: 'requestsPerConnection',
      message: `${tool} can only close each connection after one request, or none`,
      hint: "1 or 'unlimited', or transport: autocannon",
    },
  ];
}
