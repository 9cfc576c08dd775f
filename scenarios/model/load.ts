// The schema of the load: when requests are sent.
import { z } from 'zod';
import { positiveUpTo, whole, within } from './values.ts';

/** More than any machine can do: the limits of this one (descriptors, ports, memory) are checked before the run starts. */
export const MAX_AT_ONCE = 1_000_000;

const ratePerSec = (about: string) => within(0.1, 1_000_000).describe(about);
const maxInFlight = (byDefault: number) =>
  whole(1, MAX_AT_ONCE)
    .default(byDefault)
    .describe('Maximum requests in flight; further requests wait, and their wait counts as response time');
const arrivals = z
  .enum(['constant', 'poisson'])
  .default('poisson')
  .describe('constant: evenly spaced; poisson: random, as from many independent users');

/** Closed model: a fixed number of users, each waiting for the response before the next request. */
export const ClosedLoad = z.strictObject({
  // Optional within the default, so that the union also selects this model if none is given.
  model: z.literal('closed').optional().default('closed').describe('A fixed number of users'),
  concurrency: whole(1, MAX_AT_ONCE)
    .default(100)
    .describe('Number of users, each with one request in flight'),
  thinkMs: within(0, 60_000).default(0).describe('Pause of a user between a response and the next request'),
});
export type ClosedLoad = z.infer<typeof ClosedLoad>;

/** Open model: requests are due at times that do not depend on responses. */
export const OpenLoad = z.strictObject({
  model: z.literal('open').describe('Requests are due at a given rate, regardless of earlier responses'),
  ratePerSec: ratePerSec('Requests due per second'),
  arrivals,
  maxInFlight: maxInFlight(1_000),
});
export type OpenLoad = z.infer<typeof OpenLoad>;

/** Open model in which requests are due together. */
export const BurstLoad = z.strictObject({
  model: z.literal('burst').describe('Many requests are due at once, repeatedly'),
  size: whole(1, MAX_AT_ONCE).describe('Requests due together'),
  everyMs: whole(1, 60_000).describe('Time from one burst to the next'),
  maxInFlight: maxInFlight(10_000),
});
export type BurstLoad = z.infer<typeof BurstLoad>;

/** The limits that a client must meet to sustain a rate; at least one is a latency. */
export const Objective = z.strictObject({
  p50Ms: positiveUpTo(60_000).optional().describe('Maximum median response time'),
  p99Ms: positiveUpTo(60_000).optional().describe('Maximum 99th percentile of response time'),
  errorRatio: within(0, 1).default(0.0005).describe('Maximum share of failed requests (0.0005 = 0.05 %)'),
});
export type Objective = z.infer<typeof Objective>;

/** Open model at the highest rate at which each client meets the objective, found by bisection. */
export const CapacityLoad = z.strictObject({
  model: z
    .literal('capacity')
    .describe('Searches for the highest rate at which a client meets the objective'),
  objective: Objective.describe('Limits that a client must meet to sustain a rate'),
  minRatePerSec: ratePerSec('Lowest rate of the search').default(10),
  maxRatePerSec: ratePerSec('Highest rate of the search').default(50_000),
  resolutionRatio: within(0.005, 0.5)
    .default(0.05)
    .describe(
      'The search ends when the highest sustained and the lowest failing rate are this close (0.05 = 5 %)',
    ),
  probeMs: whole(100, 60_000).default(1_000).describe('Duration of the probe of each rate'),
  arrivals,
  maxInFlight: maxInFlight(1_000),
});
export type CapacityLoad = z.infer<typeof CapacityLoad>;

/** When requests are sent. */
export const Load = z.discriminatedUnion('model', [ClosedLoad, OpenLoad, BurstLoad, CapacityLoad]);
export type Load = z.infer<typeof Load>;

/** The figure that shows whether a client is warm: it improves until then. */
export const WARM_UP_FIGURES = {
  closed: 'CPU time per request',
  open: 'response time',
  burst: 'response time',
  capacity: 'rate',
} as const satisfies Record<Load['model'], string>;

/** The most requests that the load has in flight. */
export function mostInFlight(load: Load): number {
  switch (load.model) {
    case 'closed':
      return load.concurrency;
    case 'open':
    case 'burst':
    case 'capacity':
      return load.maxInFlight;
    default:
      return load satisfies never;
  }
}
