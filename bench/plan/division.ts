// Divides the load and the connections of a client over several generators by weight, and refuses what cannot be divided.
import type { Trial } from '../../results/model/trial.ts';
import { createRandom } from '../../results/random.ts';
import { sumOf } from '../../results/stats.ts';
import type { Client } from '../../scenarios/model/client.ts';
import { own } from '../../scenarios/model/facts.ts';
import { type Load, mostInFlight } from '../../scenarios/model/load.ts';
import type { Scenario } from '../../scenarios/model/scenario.ts';
import type { ClientPlugin, EngineModule, Refusal } from '../contracts.ts';

/** Number of generators per client; 1 if it was left to the machine and the machine is unknown. */
export function countGenerators({ generators = 1 }: Pick<Scenario, 'generators'>): number {
  return generators === 'auto' ? 1 : generators;
}

/** The load tool of this name; undefined for a client library. */
export function findTool(
  transport: string,
  transports: Readonly<Record<string, ClientPlugin>>,
): EngineModule | undefined {
  const plugin = own(transports, transport);
  return plugin?.kind === 'engine' ? plugin : undefined;
}

/** The weights of processes on one machine. */
export function evenWeights(count: number): number[] {
  return Array<number>(count).fill(1);
}

/**
 * Divides a whole number by weight: everyone gets the whole part of a fair share, and the rest goes to the largest fractions,
 * the earlier one of equal ones.
 */
export function apportion(total: number, weights: readonly number[]): number[] {
  const fair = proportion(total, weights);
  const parts = fair.map(Math.floor);
  const rest = total - sumOf(parts, part => part);
  const byFraction = [...fair.keys()].sort((a, b) => fair[b]! - parts[b]! - (fair[a]! - parts[a]!) || a - b);
  for (const index of byFraction.slice(0, rest)) parts[index]!++;
  return parts;
}

/** Divides any quantity by weight. */
function proportion(total: number, weights: readonly number[]): number[] {
  const sum = sumOf(weights, weight => weight);
  return weights.map(weight => (total * weight) / sum);
}

/** The load of each generator; together they are the whole load. */
export function divideLoad(load: Load, weights: readonly number[]): Load[] {
  switch (load.model) {
    case 'closed':
      return apportion(load.concurrency, weights).map(concurrency => ({ ...load, concurrency }));
    case 'open': {
      const inFlight = apportion(load.maxInFlight, weights);
      return proportion(load.ratePerSec, weights).map((ratePerSec, index) => ({
        ...load,
        ratePerSec,
        maxInFlight: inFlight[index]!,
      }));
    }
    case 'burst': {
      const inFlight = apportion(load.maxInFlight, weights);
      return apportion(load.size, weights).map((size, index) => ({
        ...load,
        size,
        maxInFlight: inFlight[index]!,
      }));
    }
    case 'capacity': // each slice has its own rate (divideRate)
      return apportion(load.maxInFlight, weights).map(maxInFlight => ({ ...load, maxInFlight }));
    default:
      return load satisfies never;
  }
}

/** The part of one generator of a load at a rate. */
export interface RatePart {
  ratePerSec: number;
  /** Constant arrivals: delays its schedule, so that the requests of all generators are evenly spaced together. */
  offsetMs: number;
}

export function divideRate(ratePerSec: number, weights: readonly number[]): RatePart[] {
  const sum = sumOf(weights, weight => weight);
  let before = 0;
  return proportion(ratePerSec, weights).map((part, index) => {
    const offsetMs = (before / sum) * (1_000 / part);
    before += weights[index]!;
    return { ratePerSec: part, offsetMs };
  });
}

/** Limits of a pool that count connections of the whole client; others apply to each connection. */
const POOL_LIMITS = ['maxConnections', 'maxTotalConnections', 'maxIdleConnections'] as const;

/** The client of each generator. */
export function divideClient(client: Client, weights: readonly number[]): Client[] {
  const parts = POOL_LIMITS.flatMap(name => {
    const limit = client.pool[name];
    return typeof limit === 'number' ? [{ name, parts: apportion(limit, weights) }] : [];
  });
  return weights.map((_, index) => ({
    ...client,
    pool: {
      ...client.pool,
      ...Object.fromEntries(parts.map(({ name, parts: limits }) => [name, limits[index]!])),
    },
  }));
}

/** The trial of each generator: its part of load and client, and randomness of its own. */
export function divideTrial(trial: Trial, weights: readonly number[]): Trial[] {
  const loads = divideLoad(trial.load, weights);
  const clients = divideClient(trial.client, weights);
  return weights.map((_, index) => ({
    ...trial,
    load: loads[index]!,
    client: clients[index]!,
    seed: Math.floor(createRandom(trial.seed, 'generator', index)() * 2 ** 31),
  }));
}

type Divided = Pick<Scenario, 'load' | 'clients'>;

/** Why these loads and clients cannot be divided by these weights; paths are those of the scenario. */
export function refuseDivision(
  { load, clients }: Divided,
  transports: Readonly<Record<string, ClientPlugin>>,
  weights: readonly number[],
): Refusal[] {
  if (weights.length === 1) return [];
  return [
    ...refuseLoad(load, weights),
    ...Object.entries(clients).flatMap(([arm, client]) => [
      ...refuseTool(arm, client, transports, weights),
      ...refusePool(arm, client, load, weights),
      ...refusePolicies(arm, client, weights),
    ]),
  ];
}

function refuseLoad(load: Load, weights: readonly number[]): Refusal[] {
  const counts = {
    closed: { concurrency: 'users' },
    open: { maxInFlight: 'requests in flight' },
    burst: { size: 'requests of a burst', maxInFlight: 'requests in flight' },
    capacity: { maxInFlight: 'requests in flight' },
  }[load.model];
  return Object.entries(counts).flatMap(([setting, noun]) => {
    const total = (load as unknown as Record<string, number>)[setting]!;
    if (apportion(total, weights).every(part => part >= 1)) return [];
    return [
      {
        path: `load.${setting}`,
        message: `${total} ${noun} cannot be divided over ${weights.length} generators: each needs at least one`,
        hint: `at least ${weights.length}, or generators: ${total} at most`,
      },
    ];
  });
}

function refuseTool(
  arm: string,
  { transport }: Client,
  transports: Readonly<Record<string, ClientPlugin>>,
  weights: readonly number[],
): Refusal[] {
  if (findTool(transport, transports) === undefined) return [];
  return [
    {
      path: `clients.${arm}.transport`,
      message: `${transport} is a load tool with a loop of its own, whose load and figures conntax cannot divide over ${weights.length} generators`,
      hint: 'a client library, or generators: 1',
    },
  ];
}

/**
 * A limit that is divided unevenly gives the users of one generator more connections than those of another, unless each
 * generator may have a connection for each of its requests anyway.
 */
function refusePool(arm: string, { pool }: Client, load: Load, weights: readonly number[]): Refusal[] {
  const inFlight = apportion(mostInFlight(load), weights);
  return POOL_LIMITS.flatMap(name => {
    const limit = pool[name];
    if (typeof limit !== 'number') return [];
    const parts = apportion(limit, weights);
    const isEven = proportion(limit, weights).every(Number.isInteger);
    if (isEven || parts.every((part, index) => part >= inFlight[index]!)) return [];
    const connections = limit === 1 ? '1 connection' : `${limit} connections`;
    return [
      {
        path: `clients.${arm}.pool.${name}`,
        message: `${connections} cannot be divided evenly over ${weights.length} generators: each is a process with a pool of its own`,
        hint: `${evenLimits(limit, weights.length)}, or generators: 1`,
      },
    ];
  });
}

/** What counts the requests of a whole client, or keeps answers for all of them, is not the same in several processes. */
function refusePolicies(
  arm: string,
  { interceptors, resilience }: Client,
  weights: readonly number[],
): Refusal[] {
  const own = {
    'interceptors.cache': interceptors?.cache,
    'resilience.breaker': resilience?.breaker,
    'resilience.bulkhead': resilience?.bulkhead,
  };
  return Object.entries(own)
    .filter(([, policy]) => policy !== undefined)
    .map(([setting]) => ({
      path: `clients.${arm}.${setting}`,
      message: `each of ${weights.length} generators is a process with one of its own, so it would not be that of the whole client`,
      hint: 'generators: 1',
    }));
}

/** `4 or 6`, `2`: the nearest limits that divide evenly. */
function evenLimits(limit: number, count: number): string {
  const below = Math.floor(limit / count) * count;
  return below === 0 ? `${count}` : `${below} or ${below + count}`;
}
