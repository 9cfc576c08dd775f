// The example clients side by side, with one that is created for each call. Run it by its path.
import { defineScenario } from '../../bench/index.ts';

export default defineScenario({
  name: 'own-clients',
  question:
    'What do axios, got and a client from a factory cost, and what does creating a client for each call cost?',
  tags: ['clients'],
  load: { concurrency: 50 },
  timing: { warmupMaxMs: 1_500, measureMs: 1_200, budgetMs: 75_000 },
  clients: {
    axios: { transport: './axios-client.ts', pool: { maxConnections: 50 } },
    got: { transport: './got-client.ts', pool: { maxConnections: 50 } },
    factory: {
      transport: './factory-client.ts',
      pool: { maxConnections: 50 },
      options: { service: 'orders' },
    },
    // No pool limit: each call has its own pool, so a limit would have no effect.
    'factory-per-call': {
      transport: './factory-client.ts',
      options: { service: 'orders', lifetime: 'per-call' },
    },
  },
  baseline: 'axios',
});
