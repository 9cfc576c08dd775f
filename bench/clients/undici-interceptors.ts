// undici's interceptors as settings of a client, above a count of what is really sent.
import dns from 'node:dns';
import { isIP } from 'node:net';
import type { Dispatcher } from 'undici';
import * as library from 'undici';
import { causesOf, memberOfForeign } from '../../results/errors.ts';
import type { Client, Interceptors } from '../../scenarios/model/client.ts';
import { externalUrls, hostOf, leavesBody } from '../../scenarios/model/facts.ts';
import type { Request } from '../../scenarios/model/request.ts';
import type { Target } from '../../scenarios/model/target.ts';
import type { AttemptSink, Refusal } from '../contracts.ts';
import { INTERCEPTOR_SETTINGS } from '../resending.ts';
import { given } from './connection-options.ts';
import { classifyError, type Evidence, rootCause } from './errors.ts';
import { refuse } from './refusals.ts';

type Handler = Dispatcher.DispatchHandler;
type Arguments<Name extends keyof Handler> = Parameters<NonNullable<Handler[Name]>>;

/** What is known of a connection that an error broke. */
type EvidenceOf = (error: unknown) => Evidence;

/** Counts one attempt by its events, and passes all of them on. */
class AttemptHandler implements Handler {
  readonly #handler: Handler;
  readonly #attempts: AttemptSink;
  readonly #evidenceOf: EvidenceOf;
  #status = 0;
  #hasEnded = false;

  constructor(handler: Handler, attempts: AttemptSink, evidenceOf: EvidenceOf) {
    this.#handler = handler;
    this.#attempts = attempts;
    this.#evidenceOf = evidenceOf;
    attempts.sent();
  }

  onRequestStart(...args: Arguments<'onRequestStart'>): void {
    this.#handler.onRequestStart?.(...args);
  }

  onRequestUpgrade(...args: Arguments<'onRequestUpgrade'>): void {
    this.#handler.onRequestUpgrade?.(...args);
  }

  onResponseStart(...args: Arguments<'onResponseStart'>): void {
    const [, status] = args;
    if (status >= 200) this.#status = status;
    this.#handler.onResponseStart?.(...args);
  }

  onResponseData(...args: Arguments<'onResponseData'>): void {
    this.#handler.onResponseData?.(...args);
  }

  /** Before the handler's own: undici's retry throws there at a status that it repeats. */
  onResponseEnd(...args: Arguments<'onResponseEnd'>): void {
    this.#hasEnded = true;
    this.#attempts.ended('ok', this.#status);
    this.#handler.onResponseEnd?.(...args);
  }

  onResponseError(...args: Arguments<'onResponseError'>): void {
    const [controller, error] = args;
    // An attempt that was given up with its request has not failed by itself.
    if (!this.#hasEnded && controller?.aborted !== true) {
      const evidence = this.#evidenceOf(rootCause(error));
      this.#attempts.ended(classifyError(error, evidence, this.#status > 0), 0);
    }
    this.#hasEnded = true;
    this.#handler.onResponseError?.(...args);
  }
}

type Interceptor = Dispatcher.DispatcherComposeInterceptor;
type Dispatch = Dispatcher['dispatch'];

function countAttempts(attempts: AttemptSink, evidenceOf: EvidenceOf): Interceptor {
  return dispatch => (options, handler) =>
    dispatch(options, new AttemptHandler(handler, attempts, evidenceOf));
}

/** How often the name of the server was resolved. */
interface Lookups {
  count: number;
}

function createRetry({
  maxRetries,
  minDelayMs,
  maxDelayMs,
  delayFactor,
  statuses,
}: NonNullable<Interceptors['retry']>) {
  return library.interceptors.retry(
    given({
      maxRetries,
      minTimeout: minDelayMs,
      maxTimeout: maxDelayMs,
      timeoutFactor: delayFactor,
      statusCodes: statuses,
    }),
  );
}

/** By Node's own look-up at the time, which leads an external server's name to the address that was checked before the run. */
function createDns({ maxTtlMs }: NonNullable<Interceptors['dns']>, lookups: Lookups): Interceptor {
  return library.interceptors.dns({
    ...given({ maxTTL: maxTtlMs }),
    lookup(origin, _options, callback) {
      lookups.count++;
      dns.lookup(origin.hostname, { all: true }, (error, addresses = []) =>
        callback(
          error,
          addresses.map(({ address, family }) => ({
            address,
            family: family === 6 ? 6 : 4,
            ttl: Number.POSITIVE_INFINITY,
          })),
        ),
      );
    },
  });
}

function createCache({
  maxBytes,
  maxEntries,
  maxEntryBytes,
  freshMs,
}: NonNullable<Interceptors['cache']>): Interceptor {
  return library.interceptors.cache({
    store: new library.cacheStores.MemoryCacheStore(
      given({ maxSize: maxBytes, maxCount: maxEntries, maxEntrySize: maxEntryBytes }),
    ),
    ...given({ cacheByDefault: freshMs }),
  });
}

/** Refuses a version of undici, which `ab` may compare with, that does not have what is asked for. */
function requireInterceptors(names: readonly string[]): void {
  const { interceptors = {} } = library as Partial<typeof library>;
  const missing = names.filter(name => !Object.hasOwn(interceptors, name));
  if (missing.length > 0)
    throw new TypeError(`this version of undici has no interceptor ${missing.join(', ')}`);
}

/** The name of a server that is resolved has a pool for each of its addresses, so a pool of one origin is not enough. */
export function needsAgent({ interceptors }: Client): boolean {
  return interceptors?.dns !== undefined;
}

interface Intercepted {
  dispatch: Dispatch;
  remarks(): string[];
}

/** A dispatcher below its interceptors, in the order that the schema states. */
export function intercept(
  dispatcher: Dispatcher,
  { retry, dns: names, cache }: Interceptors,
  { attempts, evidenceOf }: { attempts: AttemptSink; evidenceOf: EvidenceOf },
): Intercepted {
  requireInterceptors(Object.keys(given({ retry, dns: names, cache })));
  const lookups: Lookups = { count: 0 };
  const composed = dispatcher.compose([
    countAttempts(attempts, evidenceOf),
    ...(names === undefined ? [] : [createDns(names, lookups)]),
    ...(retry === undefined ? [] : [createRetry(retry)]),
    ...(cache === undefined ? [] : [createCache(cache)]),
  ]);
  return {
    dispatch: composed.dispatch.bind(composed),
    remarks: () =>
      names === undefined
        ? []
        : [
            `interceptors.dns resolved the name of the server ${lookups.count} ${lookups.count === 1 ? 'time' : 'times'} in this process.`,
          ],
  };
}

/** The status of an answer that the retry interceptor hands over as an error, once it gives up; undefined for other errors. */
export function retriedStatus(error: unknown): number | undefined {
  // fetch wraps it.
  const given = causesOf(error).find(cause => memberOfForeign(cause, 'code') === 'UND_ERR_REQ_RETRY');
  const status = memberOfForeign(given, 'statusCode');
  return typeof status === 'number' && status >= 300 ? status : undefined;
}

/** What the retry interceptor repeats; anything else it would send once, without a word. */
const REPEATED_METHODS = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE', 'QUERY'];

function retryRefusals(requests: readonly Request[]): Refusal[] {
  const path = 'interceptors.retry';
  return requests.flatMap(({ method, framing }) => {
    const isRepeated = REPEATED_METHODS.includes(method);
    return refuse(
      {
        when: !isRepeated,
        path,
        message: `undici repeats only requests that may be sent twice, and ${method} is not one of them`,
        hint: `${REPEATED_METHODS.slice(0, -1).join(', ')}, or resilience.retry, which repeats any request`,
      },
      {
        when: isRepeated && framing === 'chunked',
        path,
        message: 'undici cannot repeat a body that is sent in chunks',
        hint: 'a body of known length',
      },
    );
  });
}

function cacheRefusals(client: Client, requests: readonly Request[]): Refusal[] {
  const path = 'interceptors.cache';
  return refuse(
    {
      when: requests.length > 0 && requests.every(({ method }) => method !== 'GET'),
      path,
      message: 'undici stores responses to GET only',
      hint: 'a GET request, or no cache',
    },
    {
      when: leavesBody(client),
      path,
      message: 'only a response whose body is read to its end is stored',
      hint: "body: 'read' or 'dump', or no cache",
    },
  );
}

function dnsRefusals(target: Target): Refusal[] {
  const path = 'interceptors.dns';
  const hasSocket = target.socketPath !== undefined;
  return refuse(
    {
      when: hasSocket,
      path,
      message: 'a Unix socket has no name to resolve',
      hint: 'no dns, or no target.socketPath',
    },
    {
      when: !hasSocket && externalUrls(target).every(url => isIP(hostOf(url)) !== 0),
      path,
      message: 'the server has an IP address, so there is no name to resolve',
      hint: 'a target.url with a host name, or no dns',
    },
  );
}

/** Refuses interceptors that could not do for these requests and this target what their settings say. */
export function interceptorRefusals(client: Client, target: Target, requests: readonly Request[]): Refusal[] {
  const { retry, dns: names, cache } = client.interceptors ?? {};
  const stated = INTERCEPTOR_SETTINGS.filter(
    setting => client.interceptors?.[setting.split('.')[1] as keyof Interceptors] !== undefined,
  );
  const throughProxy = stated.map(path => ({
    when: target.proxy !== undefined,
    path,
    message: "undici's ProxyAgent changes the handlers of requests, which interceptors use again",
    hint: 'no interceptors, or no target.proxy',
  }));
  return [
    ...refuse(...throughProxy),
    ...(retry === undefined ? [] : retryRefusals(requests)),
    ...(names === undefined ? [] : dnsRefusals(target)),
    ...(cache === undefined ? [] : cacheRefusals(client, requests)),
  ];
}
