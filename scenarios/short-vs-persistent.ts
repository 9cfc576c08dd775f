// The classic comparison: the same load with a connection per request and with a pool.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'short-vs-persistent',
  question:
    'How much faster is the same load over persistent connections than with one connection per request?',
  tags: ['quick', 'basics'],
  target: { behaviour: { name: 'fixed', bytes: 1024 } },
  load: { concurrency: 100 },
  timing: { sliceResponses: 10, warmupMinMs: 250, warmupMaxMs: 1_900, measureMs: 600, budgetMs: 27_500 },
  clients: {
    short: { requestsPerConnection: 1, pool: { maxConnections: 100 } },
    persistent: { requestsPerConnection: 'unlimited', pool: { maxConnections: 100 } },
  },
  baseline: 'short',
});
