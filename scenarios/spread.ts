// Why connections that are kept never reach servers that are added, and what it costs to change that.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'spread',
  question:
    'When two backends become eight, which clients reach the new ones, how soon, and for how many more connections?',
  tags: ['pools'],
  target: {
    behaviour: { name: 'fixed', bytes: 1024 },
    backends: { from: 2, to: 8, afterMs: 1_000 },
  },
  // Users that pause leave the machine time, so that counts, not its speed, are what differs.
  load: { concurrency: 64, thinkMs: 20 },
  timing: {
    slicing: 'whole',
    warmupMinMs: 500,
    warmupMaxMs: 500,
    measureMs: 5_000,
    minReplicates: 3,
    maxReplicates: 3,
    budgetMs: 130_000,
  },
  clients: {
    pool: { pool: { maxConnections: 64 } },
    'round-robin': { pool: { maxConnections: 64, scheduling: 'round-robin' } },
    'lifetime-1s': { pool: { maxConnections: 64, maxLifetimeMs: 1_000 } },
    'requests-50': { requestsPerConnection: 50, pool: { maxConnections: 64 } },
    short: { requestsPerConnection: 1, pool: { maxConnections: 64 } },
  },
  baseline: 'pool',
  expect: [
    // Two of eight have everything: four times the mean.
    { metric: 'busiestBackendRatio', of: 'pool', atLeast: 3.9 },
    { metric: 'busiestBackendRatio', of: 'round-robin', atLeast: 3.9 },
    { metric: 'busiestBackendRatio', of: 'lifetime-1s', atMost: 1.5 },
    { metric: 'busiestBackendRatio', of: 'requests-50', atMost: 1.5 },
    { metric: 'busiestBackendRatio', of: 'short', atMost: 1.05 },
    { metric: 'connectionsPer1kRequests', of: 'requests-50', atMost: 30 },
  ],
});
