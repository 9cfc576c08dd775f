// In: what a scenario author may write of the load. Out: the load model, resolved, with every default filled in.
import { z } from 'zod';

/** Beyond any machine: what this one bears is found before the run starts, by its descriptors, ports and memory. */
export const MOST_AT_ONCE = 1_000_000;

const ratePerSec = (about: string) => z.number().min(0.1).max(1_000_000).describe(about);
const maxInFlight = (byDefault: number) =>
  z
    .int()
    .min(1)
    .max(MOST_AT_ONCE)
    .default(byDefault)
    .describe('Requests under way at once; what is due beyond them waits, is counted, and its wait shows');
const arrivals = z
  .enum(['constant', 'poisson'])
  .default('poisson')
  .describe('constant: equally spaced; poisson: as from many independent users');

/** Closed model: a fixed number of users, each waiting for its answer before it asks again. */
export const ClosedLoad = z.strictObject({
  // Optional within the default, so that the union also knows this model by an absent one.
  model: z.literal('closed').optional().default('closed').describe('A fixed number of users'),
  concurrency: z
    .int()
    .min(1)
    .max(MOST_AT_ONCE)
    .default(100)
    .describe('Users that send one request at a time'),
  thinkMs: z
    .number()
    .min(0)
    .max(60_000)
    .default(0)
    .describe('Pause of a user between answer and next request'),
});
export type ClosedLoad = z.infer<typeof ClosedLoad>;

/** Open model: requests are due at times that do not depend on the answers. */
export const OpenLoad = z.strictObject({
  model: z.literal('open').describe('Requests are due at a rate, whatever becomes of the earlier ones'),
  ratePerSec: ratePerSec('Requests due per second'),
  arrivals,
  maxInFlight: maxInFlight(1_000),
});
export type OpenLoad = z.infer<typeof OpenLoad>;

/** Open model in which requests are due together. */
export const BurstLoad = z.strictObject({
  model: z.literal('burst').describe('Many requests are due at once, again and again'),
  size: z.int().min(1).max(MOST_AT_ONCE).describe('Requests due together'),
  everyMs: z.int().min(1).max(60_000).describe('From one burst to the next'),
  maxInFlight: maxInFlight(10_000),
});
export type BurstLoad = z.infer<typeof BurstLoad>;

/** What an arm has to keep at a rate, to be said to bear it. At least one latency. */
export const Objective = z.strictObject({
  p50Ms: z.number().gt(0).max(60_000).optional().describe('Median response time, at most'),
  p99Ms: z.number().gt(0).max(60_000).optional().describe('99th percentile of response time, at most'),
  errorRatio: z
    .number()
    .min(0)
    .max(1)
    .default(0.0005)
    .describe('Share of requests that fail, at most (0.0005 = 0.05 %)'),
});
export type Objective = z.infer<typeof Objective>;

/** Open model at the highest rate at which the arm keeps the objective, found by bisection for each arm. */
export const CapacityLoad = z.strictObject({
  model: z.literal('capacity').describe('Finds the highest rate at which an arm keeps an objective'),
  objective: Objective.describe('What has to hold at a rate'),
  minRatePerSec: ratePerSec('The search begins here').default(10),
  maxRatePerSec: ratePerSec('The search ends here').default(50_000),
  resolutionRatio: z
    .number()
    .min(0.005)
    .max(0.5)
    .default(0.05)
    .describe('The search ends when the rates borne and not borne are this close (0.05 = 5 %)'),
  probeMs: z.int().min(100).max(60_000).default(1_000).describe('How long each rate is tried'),
  arrivals,
  maxInFlight: maxInFlight(1_000),
});
export type CapacityLoad = z.infer<typeof CapacityLoad>;

/** When requests are sent. */
export const Load = z.discriminatedUnion('model', [ClosedLoad, OpenLoad, BurstLoad, CapacityLoad]);
export type Load = z.infer<typeof Load>;

/** How long exchanges may take to end when a slice is cut short. */
export const CUT_DRAIN_MS = 250;

/** The most requests that the load has under way at once. */
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
