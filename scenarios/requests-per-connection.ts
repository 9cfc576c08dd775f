// The amortisation curve: the cost of opening a connection, spread over more and more requests.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'requests-per-connection',
  question: 'After how many requests has opening a connection paid off?',
  tags: ['basics'],
  target: { behaviour: { name: 'fixed', bytes: 1024 } },
  load: { concurrency: 100 },
  timing: { warmupMaxMs: 1_500, measureMs: 1_200, budgetMs: 120_000 },
  clients: {
    k1: { requestsPerConnection: 1, pool: { maxConnections: 100 } },
    k2: { requestsPerConnection: 2, pool: { maxConnections: 100 } },
    k5: { requestsPerConnection: 5, pool: { maxConnections: 100 } },
    k10: { requestsPerConnection: 10, pool: { maxConnections: 100 } },
    k50: { requestsPerConnection: 50, pool: { maxConnections: 100 } },
    unlimited: { requestsPerConnection: 'unlimited', pool: { maxConnections: 100 } },
  },
  baseline: 'k1',
});
