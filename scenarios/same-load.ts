// What users notice of a new connection for each request at a rate where throughput is not affected.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'same-load',
  question:
    'At the same rate, well below the capacity of either, how much longer do users wait on short connections?',
  tags: ['open'],
  target: { behaviour: { name: 'fixed', bytes: 1024 } },
  load: { model: 'open', ratePerSec: 1_000, arrivals: 'poisson' },
  // 400 requests per slice: with fewer, the mean is too random.
  timing: { sliceMs: 400, warmupMaxMs: 2_000, measureMs: 2_000, budgetMs: 60_000 },
  clients: {
    short: { requestsPerConnection: 1, pool: { maxConnections: 100 } },
    persistent: { requestsPerConnection: 'unlimited', pool: { maxConnections: 100 } },
  },
  baseline: 'short',
});
