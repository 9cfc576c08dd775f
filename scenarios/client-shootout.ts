// Out: the clients that Node programs use, each with kept and with new connections, under the same load.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'client-shootout',
  question: 'What does each HTTP client cost for the same load, and what does a new connection cost it?',
  tags: ['clients'],
  target: { behaviour: { name: 'fixed', bytes: 1024 } },
  load: { concurrency: 50 },
  // Twelve arms take turns, so a replicate is long: little time for each arm and more replicates know more about the ratios.
  timing: {
    sliceResponses: 10,
    warmupMinMs: 500,
    warmupMaxMs: 1_000,
    measureMs: 600,
    minReplicates: 5,
    budgetMs: 180_000,
  },
  // No limit to any pool: fetch can't have one.
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
