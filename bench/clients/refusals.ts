// What several clients refuse, in the same words; each client's own file says why.
import type { Client } from '../../scenarios/model/client.ts';
import { leavesBody, usesTls } from '../../scenarios/model/facts.ts';
import type { Request } from '../../scenarios/model/request.ts';
import { hasBody } from '../../scenarios/model/request-facts.ts';
import type { REACH_SETTINGS, Target } from '../../scenarios/model/target.ts';
import type { Refusal } from '../contracts.ts';

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
  return Object.entries(unable)
    .filter(([setting]) => target[setting as ReachSetting] !== undefined)
    .map(([setting, why]) => ({
      path: 'transport',
      message: `cannot follow target.${setting}: ${why}`,
      hint: ABLE[setting as ReachSetting],
    }));
}

/** Refuses settings of TCP for a Unix socket. */
export function socketRefusals({ pool }: Client, { socketPath }: Target): Refusal[] {
  if (socketPath === undefined) return [];
  const refused: Refusal[] = [];
  if (pool.tcpKeepAliveMs !== undefined) {
    refused.push({
      path: 'pool.tcpKeepAliveMs',
      message: 'a Unix socket has no keep-alive probes',
      hint: 'no tcpKeepAliveMs, or a target without socketPath',
    });
  }
  if (pool.closing === 'reset') {
    refused.push({
      path: 'pool.closing',
      message: 'a Unix socket cannot be reset',
      hint: "'client' or 'server', or a target without socketPath",
    });
  }
  return refused;
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
  return leavesBody(client)
    ? [
        {
          path: 'body',
          message: why,
          hint: "body: 'read', or transport: undici, node-http or fetch over HTTP/1.1, one request at a time on a connection",
        },
      ]
    : [];
}

const TLS_SETTINGS = [
  { name: 'tlsSessions', plural: 'TLS sessions' },
  { name: 'tlsContext', plural: 'TLS contexts' },
] as const;

/** Refuses the supported TLS settings for a target without TLS. */
export function plainTargetRefusals({ pool }: Client, target: Target, honours: readonly string[]): Refusal[] {
  if (usesTls(target)) return [];
  return TLS_SETTINGS.filter(({ name }) => pool[name] !== undefined && honours.includes(`pool.${name}`)).map(
    ({ name, plural }) => ({
      path: `pool.${name}`,
      message: `there are no ${plural} on a plain connection`,
      hint: `no ${name}, or set target.tls to '1.2' or '1.3' (https for a target with a url)`,
    }),
  );
}

/** undici, also within Node's fetch, keeps no connection after a HEAD request, or a body with a method that does not expect one. */
export function closingRefusals(library: string, request: Request): Refusal[] {
  const { method } = request;
  const expectsBody = method === 'POST' || method === 'PUT' || method === 'PATCH';
  if (method !== 'HEAD' && (expectsBody || !hasBody(request))) return [];
  return [
    {
      path: 'requestsPerConnection',
      message: `${library} closes the connection after each ${method} request${method === 'HEAD' ? '' : ' with a body'}`,
      hint: 'requestsPerConnection: 1, or transport: node-http or wire',
    },
  ];
}

/** Statuses on which fetch does something else than to answer with them. */
const FETCH_ACTS_ON: Readonly<Record<number, string>> = {
  407: 'fails, in some versions, as if there were no answer',
  421: 'sends the request again on another connection',
};

/** By the fetch standard, some statuses never reach the caller. */
export function fetchFaultRefusals({ faults }: Pick<Target, 'faults'>): Refusal[] {
  return faults.flatMap(fault =>
    fault.kind === 'status' && FETCH_ACTS_ON[fault.status] !== undefined
      ? [
          {
            path: 'api',
            message: `on status ${fault.status}, which target.faults has, fetch ${FETCH_ACTS_ON[fault.status]}`,
            hint: 'another status, or another client',
          },
        ]
      : [],
  );
}

/** By the fetch standard, a GET and a HEAD have no body. */
export function fetchRefusals(request: Request): Refusal[] {
  const { method } = request;
  if ((method !== 'GET' && method !== 'HEAD') || !hasBody(request)) return [];
  return [
    {
      path: 'api',
      message: `fetch sends no body with ${method}`,
      hint: 'another method, or another client',
    },
  ];
}
