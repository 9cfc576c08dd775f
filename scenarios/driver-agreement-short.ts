// Out: the same load by five drivers, each with a connection for every request, to see whether they find the same server.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'driver-agreement-short',
  question: 'Do other load tools find the same server as undici, with a new connection for each request?',
  tags: ['drivers'],
  // Far below saturation, where a driver's own CPU would set the pace; and not constant, or the users would come in step.
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
