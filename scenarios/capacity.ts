// The highest rate that each client sustains within an objective, found by search.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'capacity',
  question:
    'What request rate can clients with short and with persistent connections sustain while p99 stays within 50 ms?',
  tags: ['open'],
  target: { behaviour: { name: 'fixed', bytes: 1024 } },
  load: {
    model: 'capacity',
    objective: { p99Ms: 50, errorRatio: 0.0005 },
    minRatePerSec: 1_000,
    maxRatePerSec: 64_000,
    resolutionRatio: 0.1,
    probeMs: 700,
  },
  timing: { warmupMinMs: 1_500, warmupMaxMs: 3_000, measureMs: 1_000, precision: 0.1, budgetMs: 150_000 },
  clients: {
    short: { requestsPerConnection: 1, pool: { maxConnections: 100 } },
    persistent: { requestsPerConnection: 'unlimited', pool: { maxConnections: 100 } },
  },
  baseline: 'short',
});
