// Why connections that are kept never reach servers that are added, and what it costs to change that.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'spread',
  question:
    'When two backends become eight, which clients reach the new ones, and for how many more connections?',
  tags: ['catalogue', 'pools'],
  target: {
    behaviour: { name: 'fixed', bytes: 1024 },
    backends: { from: 2, to: 8, afterMs: 300 },
  },
  // Users that pause leave the machine time, so that counts, not its speed, are what differs.
  load: { concurrency: 64, thinkMs: 20 },
  timing: {
    slicing: 'whole',
    warmupMinMs: 0,
    warmupMaxMs: 0,
    measureMs: 2_300,
    budgetMs: 30_000,
    until: 'decided',
  },
  clients: {
    pool: { pool: { maxConnections: 64 } },
    // Shorter than what is left until the last second, whose requests count.
    'lifetime-300ms': { pool: { maxConnections: 64, maxLifetimeMs: 300 } },
    short: { requestsPerConnection: 1, pool: { maxConnections: 64 } },
  },
  baseline: 'pool',
  expect: [
    // Two of eight have everything: four times the mean.
    { metric: 'busiestBackendRatio', of: 'pool', atLeast: 3.8 },
    { metric: 'busiestBackendRatio', of: 'lifetime-300ms', atMost: 2 },
    { metric: 'busiestBackendRatio', of: 'short', atMost: 1.2 },
  ],
});
