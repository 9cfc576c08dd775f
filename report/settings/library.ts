// What an entry of a library is: its name and default for each concept of a client's connections, and how its code is written.
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

/** A library that code can be written for. */
export interface WritableLibrary extends Library {
  /** What begins a comment. */
  comment: '//' | '#';
  /** A client as code, line by line. Settings that the entry says the library lacks are left out. */
  write(client: Client): string[];
  /** Values that the library cannot have, of settings that it has: the reason, or undefined. */
  refuse?(concept: Concept, value: unknown): string | undefined;
  /** Settings that the code has with another meaning or precision: what differs for this value, or undefined. */
  notes?: Partial<Readonly<Record<Concept, (value: unknown) => string | undefined>>>;
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

/**
 * Lines of code, indented as they stand in the template but for their common margin. Several lines in the place of one are
 * indented like it; a line that has nothing but an empty value is left out.
 */
export function code(
  strings: TemplateStringsArray,
  ...values: readonly (string | number | boolean | readonly string[])[]
): string[] {
  const template = strings
    .join('\0')
    .replace(/^\n|\n *$/g, '')
    .split('\n');
  const margin = Math.min(...template.filter(line => line !== '').map(line => line.search(/[^ ]/)));
  const rest = values.values();
  return template.flatMap(line => {
    const text = line.slice(margin).replaceAll('\0', () => [rest.next().value!].flat().join('\n'));
    if (text.trim() === '' && line.includes('\0')) return [];
    const indent = /^[ \t]*/.exec(text)![0];
    return text.split('\n').map((part, index) => (index === 0 || part === '' ? part : indent + part));
  });
}

/** The lines for a value; none without one. */
export function when<Value>(value: Value | undefined, write: (value: Value) => string | string[]): string[] {
  return value === undefined ? [] : [write(value)].flat();
}

/** A limit as a number; undefined where there is none. */
export function asNumber(limit: number | 'unlimited' | undefined): number | undefined {
  return typeof limit === 'number' ? limit : undefined;
}

/** Whether an order of idle connections is one that pools of agents have. */
export function hasOrder(order: Client['pool']['scheduling']): order is 'lifo' | 'fifo' {
  return order === 'lifo' || order === 'fifo';
}

/** For libraries that only know whole seconds: never less than what was asked for. */
export function wholeSeconds(ms: number): number {
  return Math.ceil(ms / 1_000);
}

/** A note on a time that the code has in whole seconds. */
export function notesRounding(ms: unknown): string | undefined {
  return Number(ms) % 1_000 === 0 ? undefined : 'in whole seconds, rounded up';
}

/** A note where TCP keep-alive can only be switched on. */
export function notesKernelTime(): string {
  return "switched on, after the idle time of the kernel's own";
}

/** Refuses what most libraries cannot: a number of requests for each connection, and connections used in turn. */
export function refuseUsual(concept: Concept, value: unknown): string | undefined {
  if (concept === 'requestsPerConnection' && typeof value === 'number' && value > 1)
    return 'it knows one request for each connection, or no limit';
  if (concept === 'pool.scheduling' && value === 'round-robin') return 'it knows lifo and fifo';
  return undefined;
}
