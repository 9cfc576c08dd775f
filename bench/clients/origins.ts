// Sends a scenario's requests to the origins of its target, and tells connections to one from those to another.
import type { Trial } from '../../results/model/trial.ts';
import { sumOf } from '../../results/stats.ts';
import { hostAndPort, nameOfOrigin, originShares } from '../../scenarios/model/facts.ts';
import type { Request } from '../../scenarios/model/request.ts';
import type { Endpoint } from '../../servers/protocol.ts';
import type { PreparedRequest, PreparedRequests } from '../contracts.ts';
import { prepareRequests } from './request.ts';

type Asked = Pick<Trial, 'request' | 'requests' | 'target'>;

/**
 * The requests of a scenario; with several origins each request once per origin, with its share: an origin is drawn as a request
 * is, by the same sequence.
 * @throws UsageError as prepareRequests
 */
export function requestsTo(
  endpoint: Pick<Endpoint, 'path' | 'origins'>,
  asked: Asked,
  env: Readonly<Record<string, string | undefined>>,
): PreparedRequests {
  const requests = prepareRequests(asked, endpoint.path, env);
  const { origins } = endpoint;
  if (origins === undefined) return requests;
  const shares = originShares(asked.target);
  const total = sumOf(shares, share => share);
  // Bodies are the same everywhere, and may be long or a file: they are read once.
  const bodiless = withoutBodies(asked);
  const [first, ...others] = origins.flatMap(({ origin, path }, index) =>
    prepareRequests(bodiless, path, env).map((request, place) => ({
      ...request,
      body: requests[place]!.body,
      name: nameAt(request, nameOfOrigin(asked.target, index), requests.length),
      weight: (request.weight * shares[index]!) / total,
      origin,
    })),
  );
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

function nameAt({ name }: PreparedRequest, origin: string, requestCount: number): string {
  return requestCount === 1 ? origin : `${name}, ${origin}`;
}

/** By the host (as in its URL, without brackets, or its address) and the port that a client connects to: which of several origins it is; undefined where there is one. */
export function findOrigin({
  origins = [],
}: Pick<Endpoint, 'origins'>): (host: unknown, port: unknown) => number | undefined {
  const byPlace = new Map<string, number>(
    origins.flatMap(({ origin, address }, index) => {
      const { host, port } = hostAndPort(origin);
      return [host, address ?? host].map(place => [`${place}:${port}`, index] as const);
    }),
  );
  return (host, port) => byPlace.get(`${host}:${port}`);
}
