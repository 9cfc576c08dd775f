// What a connection costs, with a client that is fast enough to see the server.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'connection-cost',
  question: 'What does a new connection cost client and server, with a client that does as little as it can?',
  tags: ['quick', 'basics'],
  target: { behaviour: { name: 'fixed', bytes: 1024 } },
  load: { concurrency: 100 },
  // Five replicates that are warm narrow the interval more than eight that are hardly so (docs/measured.md).
  timing: { sliceResponses: 10, warmupMinMs: 1_000, warmupMaxMs: 1_500, measureMs: 900, budgetMs: 40_000 },
  clients: {
    short: { transport: 'wire', requestsPerConnection: 1, pool: { maxConnections: 100 } },
    persistent: { transport: 'wire', pool: { maxConnections: 100 } },
  },
  baseline: 'short',
});
