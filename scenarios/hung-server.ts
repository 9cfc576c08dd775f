// What becomes of a client when its server stops answering for a second, with a timeout and without.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'hung-server',
  question:
    'When a server leaves all requests of one second unanswered, how do requests pile up, and who recovers, with a timeout and without?',
  tags: ['catalogue', 'faults', 'timeouts'],
  target: {
    behaviour: { name: 'delay', meanMs: 5 },
    faults: [{ kind: 'noAnswer', ratio: 1, during: { fromMs: 500, toMs: 1_500 } }],
  },
  // Requests come as customers do, whether or not earlier ones have been answered.
  load: { model: 'open', ratePerSec: 50, arrivals: 'constant', maxInFlight: 1_000 },
  // One long slice for each client: what hangs in it is what the question is about.
  timing: {
    slicing: 'whole',
    warmupMinMs: 0,
    warmupMaxMs: 0,
    measureMs: 3_000,
    drainMs: 100,
    minReplicates: 1,
    maxReplicates: 2,
    budgetMs: 30_000,
    until: 'decided',
  },
  clients: {
    // 20 requests without an answer keep all of its connections.
    'no-timeout': { pool: { maxConnections: 20 } },
    timeout: { pool: { maxConnections: 20 }, timeouts: { totalMs: 250 } },
  },
  baseline: 'no-timeout',
  // 50 of 150 requests arrive while the server does not answer, and 75 later.
  expect: [
    { metric: 'successRatio', of: 'no-timeout', atMost: 0.4 },
    { metric: 'successRatio', of: 'timeout', atLeast: 0.5, atMost: 0.8 },
  ],
});
