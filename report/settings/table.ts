// The concepts of a client's connections, and what a library's entry in the table of them is.
import type { Client } from '../../scenarios/model/client.ts';

/** The settings that other libraries have too, by conntax's own names; docs/settings.md has a section for each. */
export const CONCEPTS = {
  'pool.maxConnections': {
    title: 'Connections to one host',
    about:
      'Too few make requests wait before they are sent. Without a limit, a burst opens one for each request.',
  },
  'pool.maxTotalConnections': {
    title: 'Connections to all hosts together',
    about: 'It limits the descriptors of the process.',
  },
  'pool.maxIdleConnections': {
    title: 'Idle connections kept',
    about:
      'Below the number of requests in flight at once, every burst closes connections that the next burst opens again.',
  },
  'pool.idleTimeoutMs': {
    title: 'Idle timeout',
    about:
      "It should be a second or more below the server's. If it is longer, the server closes first, and a request sent at that moment fails.",
  },
  'pool.idleTimeoutBufferMs': {
    title: "Margin before the server's announced timeout",
    about:
      'A server may announce its idle timeout (`Keep-Alive: timeout=5`). The margin is how long before it the client closes an idle connection.',
  },
  'pool.maxLifetimeMs': {
    title: 'Lifetime of a connection',
    about: 'Without it, a busy connection stays on an old address or backend.',
  },
  requestsPerConnection: {
    title: 'Requests on one connection',
    about:
      '*Default* says whether connections are reused; *setting* is what closes one after each request, or after n.',
  },
  protocol: {
    title: 'HTTP/2',
    about:
      'Whether the client offers it by default, over TLS. With HTTP/2, most limits on connections have no effect.',
  },
  'pool.maxConcurrentStreams': {
    title: 'Requests in flight on one HTTP/2 connection',
    about: "The server's own limit always applies too.",
  },
  'pool.pipelining': {
    title: 'Pipelining',
    about: 'Requests in flight on one HTTP/1.1 connection.',
  },
  'pool.scheduling': {
    title: 'Which idle connection is used next',
    about:
      'Last used (lifo) lets a pool shrink after a peak; idle longest (fifo), or each in turn (round-robin), keeps all of them warm.',
  },
  'pool.tcpKeepAliveMs': {
    title: 'TCP keep-alive',
    about:
      'Idle time before the kernel probes the other side. It notices a peer that has vanished, and keeps NAT entries.',
  },
  'pool.tlsSessions': {
    title: 'TLS sessions resumed',
    about: 'A resumed session saves the server most of the CPU time of a handshake.',
  },
  'timeouts.connectMs': {
    title: 'Connect timeout',
    about: 'Time until the connection can be used.',
  },
  'timeouts.headersMs': {
    title: 'Timeout for the response header',
    about: 'Time from sending the request to the response header.',
  },
  'timeouts.bodyMs': {
    title: 'Timeout between two parts of the body',
    about: 'Longest silence in the middle of a response.',
  },
  'timeouts.totalMs': {
    title: 'Timeout for the whole exchange',
    about: 'Time from the call to the end of the body, including any wait for a connection.',
  },
} as const;

export type Concept = keyof typeof CONCEPTS;

/**
 * Settings of a client that have no counterpart, because they say how conntax measures or what its own client `wire` does.
 * Where a scenario gives one, code for a library says so.
 */
export const CONNTAX_ONLY: Readonly<Record<string, string>> = {
  api: 'chooses an interface of undici',
  options: 'is passed to a module of your own',
  body: 'is what your code does with a body: read it to its end, discard it, cancel it, or leave it unread',
  'interceptors.retry': '`interceptors.retry()` of undici, which its dispatchers compose',
  'interceptors.dns': '`interceptors.dns()` of undici, which its dispatchers compose',
  'interceptors.cache': '`interceptors.cache()` of undici, which its dispatchers compose',
  'resilience.retry': 'is a policy around the library, `retry()` of cockatiel',
  'resilience.breaker': 'is a policy around the library, `circuitBreaker()` of cockatiel',
  'resilience.bulkhead': 'is a policy around the library, `bulkhead()` of cockatiel',
  'resilience.timeout': 'is a policy around the library, `timeout()` of cockatiel',
  'pool.closing': "is a setting of conntax's client wire",
  'pool.tlsContext': 'is about where the TLS configuration is made: once, and not for each connection',
};

/** A default that no source was found for. */
export const UNKNOWN = 'unknown';

/** What a concept is called in a library. Texts are Markdown. */
export interface Setting {
  /** null: the library has no setting for it. */
  name: string | null;
  /** UNKNOWN if it could not be confirmed; empty: there is nothing that could have one. */
  default: string;
  /** File or page of the library's source that says so; empty: none was needed. */
  where: string;
  /** What surprises. */
  remark: string;
  /** Where it differs from the library's. */
  version?: string;
}

export interface Library {
  title: string;
  /** In which the defaults were read. */
  version: string;
  /** Where they were read: a package, or documentation. */
  source: string;
  settings: Readonly<Record<Concept, Setting>>;
}

/** A setting with a name. */
export function has(name: string, byDefault: string, where: string, remark = ''): Setting {
  return { name, default: byDefault, where, remark };
}

/** Behaviour that nothing changes. */
export function fixed(byDefault: string, where: string, remark = ''): Setting {
  return { name: null, default: byDefault, where, remark };
}

/** Neither a setting nor the behaviour. @param remark what to do instead, or why */
export function none(remark = ''): Setting {
  return { name: null, default: '', where: '', remark };
}

/** A setting or behaviour whose default could not be confirmed. */
export function unknown(name: string | null = null, remark = ''): Setting {
  return { name, default: UNKNOWN, where: '', remark };
}

/** What a scenario's client sets, by concept; defaults of the schema are left out where they say nothing. */
export function givenSettings(client: Client): Map<string, unknown> {
  const { requestsPerConnection, protocol, pool, timeouts, api, options, body, interceptors, resilience } =
    client;
  const nested = (prefix: string, members: object): [string, unknown][] =>
    Object.entries(members).map(([name, value]) => [`${prefix}.${name}`, value]);
  const all: [string, unknown][] = [
    ['requestsPerConnection', requestsPerConnection],
    ['protocol', protocol],
    ...nested('pool', pool),
    ...nested('timeouts', timeouts),
    ...nested('interceptors', interceptors ?? {}),
    ...nested('resilience', resilience ?? {}),
    ['api', api],
    ['options', options],
    ['body', body === 'read' ? undefined : body],
  ];
  return new Map(all.filter(([, value]) => value !== undefined));
}
