// Whether clients notice every kind of failure of a server, as what it is.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'faulty-server',
  question: 'When two in a hundred answers of a server go wrong, does every client notice each of them?',
  tags: ['catalogue', 'faults'],
  target: {
    behaviour: { name: 'delay', meanMs: 2 },
    faults: [
      { kind: 'status', status: 503, ratio: 0.01 },
      { kind: 'close', ratio: 0.004 },
      { kind: 'closeInBody', ratio: 0.003 },
      { kind: 'reset', ratio: 0.003 },
      { kind: 'connectionClose', ratio: 0.01 },
    ],
  },
  load: { concurrency: 20 },
  timing: { warmupMinMs: 0, warmupMaxMs: 0, measureMs: 1_000, budgetMs: 30_000, until: 'decided' },
  clients: {
    undici: { pool: { maxConnections: 20 } },
    'node-http': { transport: 'node-http', pool: { maxConnections: 20 } },
    wire: { transport: 'wire', pool: { maxConnections: 20 } },
  },
  baseline: 'undici',
  // The audit "faults" compares the counts of both ends one by one; these limits check the share.
  expect: ['undici', 'node-http', 'wire'].flatMap(of => [
    { metric: 'successRatio' as const, of, atLeast: 0.97, atMost: 0.99 },
    { metric: 'unneededConnectionsPer1kRequests' as const, of, atMost: 1 },
  ]),
});
