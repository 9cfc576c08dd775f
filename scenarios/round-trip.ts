// Out: what a new connection for each request costs on networks of more and more latency.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'round-trip',
  question:
    'From which round-trip time on do round trips, not CPU, decide what a new connection for each request costs?',
  tags: ['link', 'sweep'],
  target: { behaviour: { name: 'delay', meanMs: 5 } },
  link: { roundTripMs: 20 },
  // Twenty users of a service of 5 ms ask at most 4,000 times a second: more than that without any round trip would measure
  // the relay.
  load: { concurrency: 20 },
  // With two replicates an interval says next to nothing: there is time for three in each cell. Four windows of warm-up, before which none counts as steady, take a short arm over 2 s at 80 ms.
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
