// Out: the amortisation curve, the cost of opening a connection spread over more and more requests.
import { defineScenario } from '../bench/define-scenario.ts';

export default defineScenario({
  name: 'requests-per-connection',
  question: 'After how many requests has a connection paid for being opened?',
  tags: ['quick', 'basics'],
  target: { behaviour: { name: 'fixed', bytes: 1024 } },
  load: { concurrency: 100 },
  // Six arms share the budget: each gets less time than where two are compared, in slices short enough to alternate.
  timing: { warmupMinMs: 1_000, warmupMaxMs: 1_250, measureMs: 600, sliceResponses: 10, budgetMs: 32_000 },
  clients: {
    k1: { requestsPerConnection: 1, pool: { maxConnections: 100 } },
    k2: { requestsPerConnection: 2, pool: { maxConnections: 100 } },
    k5: { requestsPerConnection: 5, pool: { maxConnections: 100 } },
    k10: { requestsPerConnection: 10, pool: { maxConnections: 100 } },
    k50: { requestsPerConnection: 50, pool: { maxConnections: 100 } },
    unlimited: { pool: { maxConnections: 100 } },
  },
  baseline: 'k1',
});
