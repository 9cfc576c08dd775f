// Small plug-ins without sockets, and a valid scenario, for tests of planning.
import { z } from 'zod';
import type { ScenarioInput } from '../../../scenarios/model/scenario.ts';
import type { TransportModule } from '../../contracts.ts';
import type { PlanPlugins } from '../validate.ts';

export function createTransport(honours: readonly string[], isPicky = false): TransportModule {
  return {
    kind: 'transport',
    honours,
    refusals: client =>
      isPicky && client.body === 'dump'
        ? [{ path: 'body', message: 'cannot dump a body', hint: "body: 'read'" }]
        : [],
    open: () => {
      throw new Error('planning opens no transport');
    },
  };
}

const everything = [
  'api',
  'requestsPerConnection',
  'pool.maxConnections',
  'pool.idleTimeoutMs',
  'pool.pipelining',
  'pool.tlsSessions',
  'timeouts.connectMs',
  'timeouts.headersMs',
  'timeouts.bodyMs',
  'body',
];

const fixed = z.strictObject({ name: z.literal('fixed'), bytes: z.int().min(0).max(1_000).default(10) });
const slow = z.discriminatedUnion('kind', [
  z.strictObject({ name: z.literal('slow'), kind: z.literal('steady'), waitMs: z.number().min(0) }),
  z.strictObject({
    name: z.literal('slow'),
    kind: z.literal('random'),
    meanMs: z.number().min(0).default(5),
  }),
]);

export const plugins: PlanPlugins = {
  transports: {
    able: createTransport(everything),
    picky: createTransport(everything, true),
    plain: createTransport(['requestsPerConnection']),
    undici: createTransport(everything),
  },
  behaviours: {
    fixed: { options: fixed, createResponder: () => () => {}, meanServiceMs: () => 0 },
    slow: { options: slow, createResponder: () => () => {}, meanServiceMs: () => 5 },
  },
};

/** A valid scenario that gives a value for most settings. */
export const fullScenario: ScenarioInput = {
  name: 'full',
  question: 'Does it work?',
  tags: ['quick', 'test'],
  target: { behaviour: { name: 'slow', kind: 'random', meanMs: 3 }, tls: '1.3', keepAliveTimeoutMs: 72_000 },
  load: { model: 'closed', concurrency: 10, thinkMs: 1 },
  timing: { warmupMinMs: 500, warmupMaxMs: 1_000, slicing: 'alternate', minReplicates: 2, maxReplicates: 3 },
  clients: {
    short: { transport: 'able', requestsPerConnection: 1, body: 'dump' },
    long: {
      transport: 'undici',
      api: 'request',
      pool: { maxConnections: 10, idleTimeoutMs: 30_000, pipelining: 1, tlsSessions: 'library' },
      timeouts: { connectMs: 1_000, headersMs: 1_000, bodyMs: 1_000, totalMs: 5_000 },
    },
  },
  baseline: 'short',
};
