// A leak of connections until the process may open no more files.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'descriptor-limit',
  question:
    'After how many requests does a client that never reads its responses run out of descriptors, and what does it see?',
  tags: ['catalogue', 'bodies', 'leaks', 'limits'],
  // 400 requests, each of which keeps a connection if its response is not read.
  limits: { openFiles: 256 },
  // An answer that takes longer than a timer is late.
  target: { behaviour: { name: 'delay', meanMs: 30 } },
  load: { model: 'open', ratePerSec: 400, arrivals: 'constant', maxInFlight: 200 },
  timing: {
    slicing: 'whole',
    warmupMinMs: 0,
    warmupMaxMs: 0,
    measureMs: 1_000,
    maxReplicates: 5,
    budgetMs: 30_000,
    until: 'decided',
  },
  clients: {
    read: { transport: 'node-http', pool: { maxConnections: 50 } },
    ignored: { transport: 'node-http', body: 'ignore' },
  },
  baseline: 'read',
  expect: [
    { metric: 'successRatio', of: 'read', atLeast: 0.95 },
    { metric: 'successRatio', of: 'ignored', atLeast: 0.4, atMost: 0.7 },
  ],
});
