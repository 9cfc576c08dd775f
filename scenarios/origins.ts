// Eight origins behind one client: as many connections by a limit per host, and by a limit to all hosts together.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'origins',
  question:
    'When requests go to eight hosts, how much do 32 connections serve with a limit of 4 per host, and with one limit of 32 for all hosts together?',
  tags: ['pools'],
  target: { origins: 8, behaviour: { name: 'delay', meanMs: 5 } },
  load: { concurrency: 32 },
  // A limit to all hosts makes some requests wait for hundreds of ms: slices are to be longer than that.
  timing: { sliceMs: 1_000, warmupMaxMs: 1_500, measureMs: 2_000, budgetMs: 95_000 },
  clients: {
    'per-host': { transport: 'node-http', pool: { maxConnections: 4 } },
    'all-hosts': { transport: 'node-http', pool: { maxTotalConnections: 32 } },
    undici: { pool: { maxConnections: 4 } },
  },
  baseline: 'per-host',
  expect: [
    { metric: 'successRatio', of: 'all-hosts', atLeast: 0.999 },
    { metric: 'unneededConnectionsPer1kRequests', of: 'per-host', atMost: 1 },
    { metric: 'unneededConnectionsPer1kRequests', of: 'undici', atMost: 1 },
    { metric: 'connectionsPer1kRequests', of: 'all-hosts', atMost: 500 },
  ],
});
