// Prepares the requests of a scenario for sending: reads the files of their bodies, and the environment for their secrets.

import { readFileSync } from 'node:fs';
import { UsageError } from '../../results/errors.ts';
import { regularFileBytes } from '../../results/files.ts';
import type { Trial } from '../../results/model/trial.ts';
import { sumOf } from '../../results/stats.ts';
import { nameOfOrigin, originShares } from '../../scenarios/model/facts.ts';
import type { NamedRequest, Request, Value } from '../../scenarios/model/request.ts';
import { MAX_REQUEST_BYTES, nameOfRequest, PLAIN_REQUEST } from '../../scenarios/model/request-facts.ts';
import type { Scenario } from '../../scenarios/model/scenario.ts';
import type { Endpoint } from '../../servers/protocol.ts';
import type { PreparedRequest, PreparedRequests } from '../contracts.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** A GET without anything of its own. */
export function plainRequest(path: string): PreparedRequest {
  return prepare(PLAIN_REQUEST, path, { env: {}, place: 'request' });
}

/**
 * All requests of a scenario; one if it states none.
 * @param path path and query that apply where a request has none
 * @throws UsageError when an environment variable is not set, or the file of a body cannot be read
 */
export function prepareRequests(
  { request, requests = [] }: Pick<Scenario, 'request' | 'requests'>,
  path: string,
  env: Environment,
): PreparedRequests {
  const [first, ...others] = requests.map((each, index) =>
    prepare(each, path, { env, place: `requests.${index}` }),
  );
  if (first !== undefined) return requireRoom([first, ...others]);
  return [request === undefined ? plainRequest(path) : prepare(request, path, { env, place: 'request' })];
}

/** What a scenario's clients send, and where to. */
type Asked = Pick<Trial, 'request' | 'requests' | 'target'>;

/**
 * The requests of a scenario; with several origins each request once per origin, with its share: an origin is drawn as a request
 * is, by the same sequence.
 * @throws UsageError as prepareRequests
 */
export function requestsTo(
  endpoint: Pick<Endpoint, 'path' | 'origins'>,
  asked: Asked,
  env: Environment,
): PreparedRequests {
  const requests = prepareRequests(asked, endpoint.path, env);
  const { origins } = endpoint;
  if (origins === undefined) return requests;
  const shares = originShares(asked.target);
  const total = sumOf(shares, share => share);
  // Bodies are the same everywhere, and may be long or a file: they are read once.
  const bodiless = withoutBodies(asked);
  const [first, ...others] = origins.flatMap(({ origin, path }, index) => {
    const originName = nameOfOrigin(asked.target, index);
    return prepareRequests(bodiless, path, env).map((request, place) => ({
      ...request,
      body: requests[place]!.body,
      name: requests.length === 1 ? originName : `${request.name}, ${originName}`,
      weight: (request.weight * shares[index]!) / total,
      origin,
    }));
  });
  return [first!, ...others];
}

function withoutBodies({ request, requests, target }: Asked): Asked {
  const bodiless = <One extends Request>({ body, bodyFile, bodyBytes, ...rest }: One) => rest;
  return {
    target,
    ...(request === undefined ? {} : { request: bodiless(request) }),
    ...(requests === undefined ? {} : { requests: requests.map(bodiless) }),
  } as Asked;
}

/** @throws UsageError when the bodies are too long together */
function requireRoom(requests: PreparedRequests): PreparedRequests {
  const bytes = sumOf(requests, ({ body }) => body?.length ?? 0);
  if (bytes <= MAX_REQUEST_BYTES) return requests;
  throw new UsageError(
    `requests: their bodies have ${bytes} bytes together; expected: at most ${MAX_REQUEST_BYTES}`,
  );
}

/** Values of all of them that no output may contain. */
export function secretsOf(requests: PreparedRequests): string[] {
  return byLength([...new Set(requests.flatMap(({ secrets }) => secrets))]);
}

/** How messages name an environment variable. */
export function variableNamed(name: string): string {
  return `the environment variable ${name}`;
}

/** Says why an environment variable gives nothing. */
export function describeMissing(name: string, value: string | undefined): string {
  return `${variableNamed(name)} is ${value === undefined ? 'not set' : 'set, but empty'}`;
}

/** @param place of the request in the scenario, for messages */
function prepare(
  request: Request | NamedRequest,
  path: string,
  { env, place }: { env: Environment; place: string },
): PreparedRequest {
  const secrets: string[] = [];
  const read = (value: Value, where: string): string => {
    if (typeof value === 'string') return value;
    const secret = env[value.env];
    if (secret === undefined || secret === '') {
      throw new UsageError(`${place}.${where}: ${describeMissing(value.env, secret)}`);
    }
    if (!/^[\t\x20-\x7e]*$/.test(secret)) {
      throw new UsageError(
        `${place}.${where}: ${variableNamed(value.env)} has characters that are not visible ASCII (a line break at its end?)`,
      );
    }
    secrets.push(secret);
    return `${value.prefix ?? ''}${secret}`;
  };
  const headers = Object.entries(request.headers).map(([name, value]) => [
    name,
    read(value, `headers.${name}`),
  ]);
  const query = Object.entries(request.query).map(
    ([name, value]) => [name, read(value, `query.${name}`)] as const,
  );
  return {
    name: nameOfRequest(request),
    weight: 'weight' in request ? request.weight : 1,
    method: request.method,
    path: withQuery(request.path ?? path, query),
    headers: Object.fromEntries(headers),
    body: readBody(request, place),
    isChunked: request.framing === 'chunked',
    secrets: everyForm(secrets),
  };
}

function withQuery(path: string, parameters: readonly (readonly [string, string])[]): string {
  if (parameters.length === 0) return path;
  const text = parameters.map(pair => pair.map(encodeURIComponent).join('=')).join('&');
  return `${path}${path.includes('?') ? '&' : '?'}${text}`;
}

function readBody({ body, bodyFile, bodyBytes }: Request, place: string): Buffer | undefined {
  if (body !== undefined) return Buffer.from(body);
  if (bodyBytes !== undefined) return Buffer.alloc(bodyBytes, 'abcdefghijklmnopqrstuvwxyz');
  if (bodyFile === undefined) return undefined;
  let bytes: number;
  try {
    bytes = regularFileBytes(bodyFile);
    if (bytes <= MAX_REQUEST_BYTES) return readFileSync(bodyFile);
  } catch (error) {
    throw new UsageError(`${place}.bodyFile: cannot be read: ${(error as Error).message}`);
  }
  throw new UsageError(
    `${place}.bodyFile: ${bodyFile} has ${bytes} bytes; expected: at most ${MAX_REQUEST_BYTES}`,
  );
}

/** For node:http, which frames a body by itself with some methods only. */
export function framedHeaders({
  headers,
  body,
  isChunked,
}: PreparedRequest): Record<string, string | number> {
  if (body === undefined) return { ...headers };
  return {
    ...headers,
    ...(isChunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': body.length }),
  };
}

/** A body without a length can be sent again and again: each request begins a new iteration. */
export function bodyOf(body: Buffer, isChunked: boolean): Buffer | AsyncIterable<Buffer> {
  if (!isChunked) return body;
  return {
    async *[Symbol.asyncIterator]() {
      yield body;
    },
  };
}

/** As they are, and as they stand in a URL; the longest first, because one may contain another. */
export function everyForm(secrets: readonly string[]): string[] {
  return byLength([...secrets, ...secrets.map(encodeURIComponent)]);
}

function byLength(texts: readonly string[]): string[] {
  return texts.toSorted((left, right) => right.length - left.length);
}

/** The text without secrets, which a library may have put into its error. */
export function redact(text: string, secrets: readonly string[]): string {
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), text);
}
