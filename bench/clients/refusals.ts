// What several clients support, and what they refuse in the same words; each client's own file has the rest.
import type { Client } from '../../scenarios/model/client.ts';
import { leavesBody, usesTls } from '../../scenarios/model/facts.ts';
import type { Request } from '../../scenarios/model/request.ts';
import { hasBody } from '../../scenarios/model/request-facts.ts';
import type { REACH_SETTINGS, Target } from '../../scenarios/model/target.ts';
import type { ClientSetting, Refusal } from '../contracts.ts';
import { RESILIENCE_SETTINGS } from '../resending.ts';

/** Settings of every client whose pool can be configured: undici, node-http and wire. */
export const POOL_CLIENT_SETTINGS = [
  'protocol',
  'requestsPerConnection',
  'pool.maxConnections',
  'pool.idleTimeoutMs',
  'pool.idleTimeoutBufferMs',
  'pool.scheduling',
  'pool.tcpKeepAliveMs',
  'pool.tlsSessions',
  'pool.tlsContext',
  'timeouts.connectMs',
  'timeouts.headersMs',
  'timeouts.bodyMs',
  'timeouts.totalMs',
  'body',
  ...RESILIENCE_SETTINGS,
] as const satisfies readonly ClientSetting[];

/** What is refused, and when. */
interface Rule extends Refusal {
  when: boolean;
}

/** The refusals of the rules that apply. */
export function refuse(...rules: readonly Rule[]): Refusal[] {
  return rules.filter(({ when }) => when).map(({ path, message, hint }) => ({ path, message, hint }));
}

type ReachSetting = (typeof REACH_SETTINGS)[number];

/** The clients that follow such a setting. */
const ABLE: Readonly<Record<ReachSetting, string>> = {
  certFile: 'transport: undici, node-http or wire',
  serverName: 'transport: undici, node-http or wire',
  socketPath: 'transport: undici, node-http or wire',
  proxy: 'transport: undici or node-http',
  origins: 'transport: undici, node-http or fetch',
  urls: 'transport: undici, node-http or fetch',
};

/** @param unable settings of a target that the client cannot follow, with the reasons */
export function reachRefusals(
  target: Target,
  unable: Readonly<Partial<Record<ReachSetting, string>>>,
): Refusal[] {
  const rules = Object.entries(unable).map(([setting, why]) => ({
    when: target[setting as ReachSetting] !== undefined,
    path: 'transport',
    message: `cannot follow target.${setting}: ${why}`,
    hint: ABLE[setting as ReachSetting],
  }));
  return refuse(...rules);
}

/** Refuses a TCP keep-alive that is not whole seconds, the unit of the kernel. */
export function wholeSecondsRule({ tcpKeepAliveMs = 0 }: Client['pool']): Rule {
  return {
    when: tcpKeepAliveMs % 1_000 !== 0,
    path: 'pool.tcpKeepAliveMs',
    message: 'TCP keep-alive is set in whole seconds; Node ignores the rest',
    hint: 'a multiple of 1000',
  };
}

/** Refuses settings of TCP for a Unix socket. */
export function socketRefusals({ pool }: Client, { socketPath }: Target): Refusal[] {
  if (socketPath === undefined) return [];
  return refuse(
    {
      when: pool.tcpKeepAliveMs !== undefined,
      path: 'pool.tcpKeepAliveMs',
      message: 'a Unix socket has no keep-alive probes',
      hint: 'no tcpKeepAliveMs, or a target without socketPath',
    },
    {
      when: pool.closing === 'reset',
      path: 'pool.closing',
      message: 'a Unix socket cannot be reset',
      hint: "'client' or 'server', or a target without socketPath",
    },
  );
}

/** Settings that no client keeps through a proxy. */
export function proxyRefusals({ protocol, pool }: Client, { proxy }: Target): Refusal[] {
  if (proxy === undefined) return [];
  return refuse(
    {
      when: protocol === 'h2',
      path: 'protocol',
      message: 'conntax measures HTTP/1.1 only through a proxy',
      hint: "protocol: 'http1', or a target without proxy",
    },
    {
      when: pool.tlsSessions === 'pinned',
      path: 'pool.tlsSessions',
      message: 'within a tunnel, the library alone decides which session a connection resumes',
      hint: "'none' or 'library', or a target without proxy",
    },
  );
}

type Handled = Pick<Client, 'body'>;

/** What readers of the figures must know. */
export function bodyRemarks(client: Handled): string[] {
  return leavesBody(client)
    ? [
        `With body: '${client.body}' a response time ends at the response header, because the body is not read.`,
      ]
    : [];
}

/** For a client whose bodies cannot be left. @param why as a sentence */
export function leftBodyRefusals(client: Handled, why: string): Refusal[] {
  return refuse({
    when: leavesBody(client),
    path: 'body',
    message: why,
    hint: "body: 'read', or transport: undici, node-http or fetch over HTTP/1.1, one request at a time on a connection",
  });
}

/** Where several requests share a connection: over HTTP/2, or in a pipeline. */
export function sharedBodyRefusals(client: Handled): Refusal[] {
  return leftBodyRefusals(client, 'other responses wait on the connection of a body that is left');
}

const TLS_SETTINGS = [
  { name: 'tlsSessions', plural: 'TLS sessions' },
  { name: 'tlsContext', plural: 'TLS contexts' },
] as const;

/** Refuses the supported TLS settings for a target without TLS. */
export function plainTargetRefusals({ pool }: Client, target: Target, honours: readonly string[]): Refusal[] {
  if (usesTls(target)) return [];
  const rules = TLS_SETTINGS.map(({ name, plural }) => ({
    when: pool[name] !== undefined && honours.includes(`pool.${name}`),
    path: `pool.${name}`,
    message: `there are no ${plural} on a plain connection`,
    hint: `no ${name}, or set target.tls to '1.2' or '1.3' (https for a target with a url)`,
  }));
  return refuse(...rules);
}

/** undici, also within Node's fetch, keeps no connection after a HEAD request, or a body with a method that does not expect one. */
export function closingRefusals(library: string, request: Request): Refusal[] {
  const { method } = request;
  const expectsBody = method === 'POST' || method === 'PUT' || method === 'PATCH';
  return refuse({
    when: method === 'HEAD' || (!expectsBody && hasBody(request)),
    path: 'requestsPerConnection',
    message: `${library} closes the connection after each ${method} request${method === 'HEAD' ? '' : ' with a body'}`,
    hint: 'requestsPerConnection: 1, or transport: node-http or wire',
  });
}

/** @param elsewhere the client that can */
export function fetchDumpRefusals({ body }: Handled, elsewhere: string): Refusal[] {
  return refuse({
    when: body === 'dump',
    path: 'body',
    message: 'fetch cannot dump a body: cancelling it closes the connection',
    hint: `body: 'read' or 'cancel', or ${elsewhere}`,
  });
}

/** Statuses on which fetch does something else than to answer with them. */
const FETCH_ACTS_ON: Readonly<Record<number, string>> = {
  407: 'fails, in some versions, as if there were no answer',
  421: 'sends the request again on another connection',
};

/** By the fetch standard, some statuses never reach the caller. */
export function fetchFaultRefusals({ faults }: Pick<Target, 'faults'>): Refusal[] {
  const statuses = faults.flatMap(fault => (fault.kind === 'status' ? [fault.status] : []));
  const rules = statuses.map(status => ({
    when: FETCH_ACTS_ON[status] !== undefined,
    path: 'api',
    message: `on status ${status}, which target.faults has, fetch ${FETCH_ACTS_ON[status]}`,
    hint: 'another status, or another client',
  }));
  return refuse(...rules);
}

/** By the fetch standard, a GET and a HEAD have no body. */
export function fetchRefusals(request: Request): Refusal[] {
  const { method } = request;
  return refuse({
    when: (method === 'GET' || method === 'HEAD') && hasBody(request),
    path: 'api',
    message: `fetch sends no body with ${method}`,
    hint: 'another method, or another client',
  });
}
