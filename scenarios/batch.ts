// The traffic of a batch job: one request after another, each with a page of data, to a distant service over TLS.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'batch',
  question:
    'What does one persistent connection save a batch job that fetches pages of 32 KiB from 100 ms away?',
  tags: ['catalogue', 'traffic-shapes'],
  target: { behaviour: { name: 'delay', meanMs: 5, bytes: 32_768 }, tls: '1.3' },
  link: { roundTripMs: 100 },
  load: { concurrency: 1 },
  timing: {
    slicing: 'whole',
    warmupMinMs: 0,
    warmupMaxMs: 0,
    measureMs: 2_000,
    budgetMs: 30_000,
    until: 'decided',
  },
  clients: {
    short: { requestsPerConnection: 1, pool: { maxConnections: 1, tlsSessions: 'none' } },
    persistent: { pool: { maxConnections: 1, tlsSessions: 'none' } },
  },
  baseline: 'short',
  expect: [
    { metric: 'connectionsPer1kRequests', of: 'short', atLeast: 990 },
    { metric: 'connectionsPer1kRequests', of: 'persistent', atMost: 300 },
    { metric: 'requestsPerSec', of: 'persistent', over: 'short', atLeast: 1.5 },
  ],
});
