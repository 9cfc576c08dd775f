// The traffic of a microservice: a few users at a time, with pauses, without TLS.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'microservice',
  question:
    'What do persistent connections save ten users of a service on the same machine, with pauses of 20 ms?',
  tags: ['catalogue', 'traffic-shapes'],
  target: { behaviour: { name: 'delay', meanMs: 3 } },
  load: { concurrency: 10, thinkMs: 20 },
  timing: { warmupMinMs: 250, warmupMaxMs: 500, measureMs: 1_500, budgetMs: 30_000, until: 'decided' },
  clients: {
    short: { requestsPerConnection: 1, pool: { maxConnections: 10 } },
    persistent: { pool: { maxConnections: 10 } },
  },
  baseline: 'short',
  expect: [
    { metric: 'connectionsPer1kRequests', of: 'short', atLeast: 990 },
    { metric: 'connectionsPer1kRequests', of: 'persistent', atMost: 200 },
  ],
});
