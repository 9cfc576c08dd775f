// One user who pauses between requests: what it takes to use an idle connection again, which a busy pool does not show.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'sequential',
  question:
    'A single user pauses between requests: how long does a request take on the idle connection, and on a new one?',
  tags: ['basics'],
  target: { behaviour: { name: 'fixed', bytes: 1024 } },
  // Long enough for a connection to be idle, and short enough that what a request takes still shows in requests/s.
  load: { concurrency: 1, thinkMs: 1 },
  timing: { warmupMinMs: 500, warmupMaxMs: 1_500, measureMs: 1_500, budgetMs: 40_000 },
  clients: {
    short: { requestsPerConnection: 1, pool: { maxConnections: 1 } },
    persistent: { pool: { maxConnections: 1 } },
  },
  baseline: 'short',
});
