// Sends a scenario's requests to the origins of its target, and tells connections to one from those to another.
import type { Endpoint } from '../../servers/protocol.ts';
import type { PreparedRequest, PreparedRequests } from '../contracts.ts';

/**
 * Each request once per origin, with its share: an origin is drawn as a request is, by the same sequence.
 * @param shares of the origins, relative to each other
 */
export function spreadOverOrigins(
  requests: PreparedRequests,
  { origins = [] }: Pick<Endpoint, 'origins'>,
  shares: readonly number[],
): PreparedRequests {
  if (origins.length < 2) return requests;
  const total = shares.reduce((sum, share) => sum + share, 0);
  const spread = requests.flatMap(request =>
    origins.map((origin, index) => ({
      ...request,
      name: nameAt(request, index, requests.length),
      weight: (request.weight * shares[index]!) / total,
      origin,
    })),
  );
  return spread as PreparedRequest[] as unknown as PreparedRequests;
}

/** Ports differ from run to run, so an origin is named by its place. */
function nameAt({ name }: PreparedRequest, index: number, requestCount: number): string {
  const place = `origin ${index + 1}`;
  return requestCount === 1 ? place : `${name}, ${place}`;
}

/** By the port that a connection leads to, which of the origins it is; undefined where there is one. */
export function originByPort({
  origins = [],
}: Pick<Endpoint, 'origins'>): (port: unknown) => number | undefined {
  const byPort = new Map(origins.map((origin, index) => [Number(new URL(origin).port), index]));
  return port => byPort.get(Number(port));
}
