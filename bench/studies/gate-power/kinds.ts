// What is injected into the second of two arms, by name: nothing, a slowdown, or too many connections.
import { fileURLToPath } from 'node:url';
import { Client } from '../../../scenarios/model/client.ts';

export const KINDS = ['nothing', 'cpu-5', 'cpu-10', 'connections'] as const;
export type Kind = (typeof KINDS)[number];

/** Of whose second arm only the time per request differs: what was recorded of equal arms can stand in for it. */
export const SLOWDOWNS: readonly Kind[] = ['cpu-5', 'cpu-10'];

const CONCURRENCY = 100;
/** A client that closes each connection after this number of requests opens one more per 100. */
const REQUESTS_PER_CONNECTION = 100;
const pool = { maxConnections: CONCURRENCY };

function slowed(slowerByRatio: number): Client {
  const modulePath = fileURLToPath(new URL('slowed-client.ts', import.meta.url));
  const transport = './slowed-client.ts';
  return { ...Client.parse({ transport, pool, options: { slowerByRatio } }), modulePath };
}

interface Pair {
  before: Client;
  after: Client;
}

const PAIRS: Record<Kind, Pair> = {
  nothing: { before: slowed(0), after: slowed(0) },
  'cpu-5': { before: slowed(0), after: slowed(0.05) },
  'cpu-10': { before: slowed(0), after: slowed(0.1) },
  connections: {
    before: slowed(0),
    // As a version of a library that closes what its settings tell it to keep.
    after: { ...slowed(0), options: { slowerByRatio: 0, requestsPerConnection: REQUESTS_PER_CONNECTION } },
  },
};

/** The two clients that a gate of that kind compares. */
export function pairOf(kind: Kind): Pair {
  return PAIRS[kind];
}

export const LOAD = { concurrency: CONCURRENCY };
