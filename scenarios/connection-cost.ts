// What a connection costs, with a client that is fast enough to see the server.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'connection-cost',
  question: 'What does a new connection cost client and server, with a client that does as little as it can?',
  tags: ['quick', 'basics'],
  target: { behaviour: { name: 'fixed', bytes: 1024 } },
  load: { concurrency: 100 },
  // There is little code to compile, so CPU time per request is flat after about a second.
  timing: { sliceResponses: 10, warmupMinMs: 250, warmupMaxMs: 900, measureMs: 600, budgetMs: 40_000 },
  clients: {
    short: { transport: 'wire', requestsPerConnection: 1, pool: { maxConnections: 100 } },
    persistent: { transport: 'wire', pool: { maxConnections: 100 } },
  },
  baseline: 'short',
});
