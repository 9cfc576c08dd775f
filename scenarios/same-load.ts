// Out: what users feel of a new connection for each request where it costs no throughput, since both arms get the same rate.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'same-load',
  question:
    'At the same rate, well below what either can bear, how much longer do users wait on short connections?',
  tags: ['open'],
  target: { behaviour: { name: 'fixed', bytes: 1024 } },
  load: { model: 'open', ratePerSec: 1_000, arrivals: 'poisson' },
  // Four hundred requests a slice: of fewer, the mean is a matter of dice.
  timing: { sliceMs: 400, warmupMaxMs: 2_000, measureMs: 2_000, budgetMs: 60_000 },
  clients: {
    short: { requestsPerConnection: 1, pool: { maxConnections: 100 } },
    persistent: { requestsPerConnection: 'unlimited', pool: { maxConnections: 100 } },
  },
  baseline: 'short',
});
