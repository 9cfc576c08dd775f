// Throughput and latency of the same users with pools of more and more connections.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'pool-size',
  question:
    'How many connections does a pool need so that 100 users of a 5 ms service get the same as with one connection each?',
  tags: ['basics', 'sweep'],
  target: { behaviour: { name: 'delay', meanMs: 5 } },
  load: { concurrency: 100 },
  // 100 users of 10 connections wait 50 ms for a response: with 20 of them a slice would last 1 s, too long for the clients to
  // see the same machine.
  timing: { sliceResponses: 10, warmupMinMs: 500, warmupMaxMs: 1_000, measureMs: 800, budgetMs: 115_000 },
  clients: {
    sized: { pool: { maxConnections: 100 } },
    'one-each': { pool: { maxConnections: 100 } },
  },
  baseline: 'one-each',
  sweep: { 'clients.sized.pool.maxConnections': [10, 20, 50, 100, 200] },
});
