// Out: the example clients beside each other, and one that is made for each call. Run by its path.
import { defineScenario } from '../../bench/index.ts';

export default defineScenario({
  name: 'own-clients',
  question:
    'What do axios, got and a client from a factory cost, and what does it cost to make a client for each call?',
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
    // No limit to its pool: each call has a pool of its own, and a limit to that would be none.
    'factory-per-call': {
      transport: './factory-client.ts',
      options: { service: 'orders', lifetime: 'per-call' },
    },
  },
  baseline: 'axios',
});
