// How pool size and the number of idle connections kept affect bursts of requests, which a closed loop does not show.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'bursts',
  question:
    'When a hundred requests arrive at once, repeatedly, how large a pool do they need, and how many idle connections?',
  tags: ['open'],
  target: { behaviour: { name: 'delay', meanMs: 5 } },
  load: { model: 'burst', size: 100, everyMs: 250, maxInFlight: 1_000 },
  timing: { sliceMs: 500, warmupMinMs: 1_000, warmupMaxMs: 1_500, measureMs: 2_000, budgetMs: 115_000 },
  clients: {
    'pool-100': { pool: { maxConnections: 100 } },
    'pool-50': { pool: { maxConnections: 50 } },
    'pool-10': { pool: { maxConnections: 10 } },
    // undici keeps every idle connection; Node's agent closes those beyond maxIdleConnections as soon as they are idle.
    'idle-100': { transport: 'node-http', pool: { maxIdleConnections: 100 } },
    'idle-10': { transport: 'node-http', pool: { maxIdleConnections: 10 } },
  },
  baseline: 'pool-100',
});
