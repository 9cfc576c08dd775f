// The same load by five load tools with one connection per request, to check that their results agree.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'driver-agreement-short',
  question:
    'Do other load tools measure the same response times as undici, with a new connection for each request?',
  tags: ['drivers'],
  // Far below saturation, where a load tool's own CPU would limit the rate; and not constant, or the users would synchronise.
  target: { behaviour: { name: 'delay', distribution: 'uniform', minMs: 15, maxMs: 25 } },
  load: { concurrency: 20 },
  // wrk and hey are started for each slice.
  timing: { sliceMs: 1_000, measureMs: 2_000, warmupMinMs: 500, warmupMaxMs: 1_500, budgetMs: 100_000 },
  clients: {
    request: { transport: 'undici', api: 'request', requestsPerConnection: 1, pool: { maxConnections: 20 } },
    dispatch: {
      transport: 'undici',
      api: 'dispatch',
      requestsPerConnection: 1,
      pool: { maxConnections: 20 },
    },
    autocannon: { transport: 'autocannon', requestsPerConnection: 1 },
    wrk: { transport: 'wrk', requestsPerConnection: 1, ifInstalled: true },
    hey: { transport: 'hey', requestsPerConnection: 1, ifInstalled: true },
  },
  baseline: 'request',
});
