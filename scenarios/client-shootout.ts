// The HTTP clients of Node programs, each with persistent and with short connections, under the same load.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'client-shootout',
  question: 'What does each HTTP client cost under the same load, and what does a new connection add?',
  tags: ['clients'],
  target: { behaviour: { name: 'fixed', bytes: 1024 } },
  load: { concurrency: 50 },
  // Twelve clients take turns, so a replicate is long: less time per client and more replicates give narrower intervals.
  timing: {
    sliceResponses: 10,
    warmupMinMs: 500,
    warmupMaxMs: 1_000,
    measureMs: 600,
    minReplicates: 5,
    budgetMs: 180_000,
  },
  // No pool has a limit, because fetch does not support one.
  clients: {
    'undici-request': { api: 'request' },
    'undici-dispatch': { api: 'dispatch' },
    'undici-fetch': { api: 'fetch' },
    'node-http': { transport: 'node-http' },
    wire: { transport: 'wire' },
    fetch: { transport: 'fetch' },
    'undici-request-short': { api: 'request', requestsPerConnection: 1 },
    'undici-dispatch-short': { api: 'dispatch', requestsPerConnection: 1 },
    'undici-fetch-short': { api: 'fetch', requestsPerConnection: 1 },
    'node-http-short': { transport: 'node-http', requestsPerConnection: 1 },
    'wire-short': { transport: 'wire', requestsPerConnection: 1 },
    'fetch-short': { transport: 'fetch', requestsPerConnection: 1 },
  },
  baseline: 'undici-request',
});
