// What becomes of the users of a client when some of their requests are never answered, with a timeout and without.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'hung-server',
  question:
    'When one request in ten is never answered, what is left for the others, with a timeout and without?',
  tags: ['catalogue', 'faults', 'timeouts'],
  target: { behaviour: { name: 'delay', meanMs: 5 }, faults: [{ kind: 'noAnswer', ratio: 0.1 }] },
  load: { concurrency: 20 },
  // One long slice for each client: what hangs in it is what the question is about.
  timing: {
    slicing: 'whole',
    warmupMinMs: 0,
    warmupMaxMs: 0,
    measureMs: 3_000,
    drainMs: 100,
    budgetMs: 30_000,
    until: 'decided',
  },
  clients: {
    'no-timeout': { pool: { maxConnections: 20 } },
    timeout: { pool: { maxConnections: 20 }, timeouts: { totalMs: 100 } },
  },
  baseline: 'no-timeout',
  expect: [
    { metric: 'successRatio', of: 'timeout', atLeast: 0.8 },
    { metric: 'failureMeanUs', of: 'timeout', atLeast: 95_000 },
    { metric: 'requestsPerSec', of: 'timeout', over: 'no-timeout', atLeast: 2 },
  ],
});
