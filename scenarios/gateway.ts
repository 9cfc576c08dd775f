// The traffic of an API gateway: many small requests at a steady rate to a backend over TLS.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'gateway',
  question: 'What do persistent connections save an API gateway: 20 requests/s over TLS, 100 ms away?',
  tags: ['catalogue', 'traffic-shapes'],
  target: { behaviour: { name: 'delay', meanMs: 5 }, tls: '1.3' },
  link: { roundTripMs: 100 },
  load: { model: 'open', ratePerSec: 20, maxInFlight: 200 },
  timing: {
    slicing: 'whole',
    warmupMinMs: 0,
    warmupMaxMs: 0,
    measureMs: 2_000,
    budgetMs: 30_000,
    until: 'decided',
  },
  clients: {
    short: { requestsPerConnection: 1, pool: { tlsSessions: 'none' } },
    persistent: { pool: { maxConnections: 50, tlsSessions: 'none' } },
  },
  baseline: 'short',
  expect: [
    { metric: 'connectionsPer1kRequests', of: 'short', atLeast: 990 },
    { metric: 'connectionsPer1kRequests', of: 'persistent', atMost: 600 },
    { metric: 'meanUs', of: 'short', over: 'persistent', atLeast: 1.4 },
  ],
});
