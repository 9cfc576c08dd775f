// The scheduled CI measurement: what connection reuse gains, with limits for every change.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'ci-reuse',
  question:
    'Does connection reuse still pay off as before, and do clients open only the connections they need?',
  tags: ['ci'],
  target: { behaviour: { name: 'fixed', bytes: 1024 } },
  load: { concurrency: 50 },
  timing: { warmupMaxMs: 1_500, measureMs: 1_200, budgetMs: 60_000 },
  clients: {
    short: { requestsPerConnection: 1, pool: { maxConnections: 50 } },
    persistent: { requestsPerConnection: 'unlimited', pool: { maxConnections: 50 } },
    'node-http': {
      transport: 'node-http',
      requestsPerConnection: 'unlimited',
      pool: { maxConnections: 50 },
    },
  },
  baseline: 'short',
  expect: [
    { metric: 'successRatio', of: 'persistent', atLeast: 0.9995 },
    { metric: 'successRatio', of: 'node-http', atLeast: 0.9995 },
    { metric: 'unneededConnectionsPer1kRequests', of: 'persistent', atMost: 1 },
    { metric: 'requestsPerSec', of: 'persistent', over: 'short', atLeast: 1.5 },
  ],
});
