// What a new connection for each request costs on networks with increasing latency.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'round-trip',
  question:
    'At what round-trip time do round trips, rather than CPU, dominate the cost of a new connection for each request?',
  tags: ['link', 'sweep'],
  target: { behaviour: { name: 'delay', meanMs: 5 } },
  link: { roundTripMs: 20 },
  // Twenty users of a 5 ms service send at most 4,000 requests per second: a higher rate without any round trip would measure
  // the relay.
  load: { concurrency: 20 },
  // The budget allows three replicates per cell, because an interval of two is useless. The four windows of warm-up that the
  // test for steadiness needs take the short client over 2 s at 80 ms.
  timing: {
    sliceResponses: 8,
    warmupMinMs: 600,
    warmupMaxMs: 2_400,
    measureMs: 1_000,
    budgetMs: 175_000,
  },
  clients: {
    short: { requestsPerConnection: 1, pool: { maxConnections: 20 } },
    persistent: { pool: { maxConnections: 20 } },
  },
  baseline: 'short',
  sweep: { 'link.roundTripMs': [0, 1, 5, 20, 80] },
});
