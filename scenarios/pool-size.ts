// Out: the throughput and latency that pools of more and more connections give to the same users.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'pool-size',
  question:
    'Is my pool set right: with how many connections do 100 users of a 5 ms service get what a connection each would give them?',
  tags: ['basics', 'sweep'],
  target: { behaviour: { name: 'delay', meanMs: 5 } },
  load: { concurrency: 100 },
  // 100 users of 10 connections wait 50 ms for an answer: 20 of them would make slices of 1 s, too long for the arms to see
  // the same machine.
  timing: { sliceResponses: 10, warmupMinMs: 500, warmupMaxMs: 1_000, measureMs: 800, budgetMs: 115_000 },
  clients: {
    sized: { pool: { maxConnections: 100 } },
    'one-each': { pool: { maxConnections: 100 } },
  },
  baseline: 'one-each',
  sweep: { 'clients.sized.pool.maxConnections': [10, 20, 50, 100, 200] },
});
