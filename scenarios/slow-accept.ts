// A server that stands still for longer than its accept queue lasts: new connections wait for the kernel to send their SYN again.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'slow-accept',
  question:
    'What do new connections meet while a server stands still and its accept queue is full, and what do kept ones?',
  tags: ['catalogue', 'faults', 'pools'],
  // In 300 ms, 60 connections arrive, and five of them find a place.
  target: { backlog: 4, behaviour: { name: 'stall', everyMs: 1_900, stallMs: 300, stops: 'process' } },
  load: { model: 'open', ratePerSec: 200, arrivals: 'constant', maxInFlight: 400 },
  timing: {
    slicing: 'whole',
    warmupMinMs: 0,
    warmupMaxMs: 0,
    measureMs: 1_900,
    budgetMs: 30_000,
    until: 'decided',
  },
  clients: {
    short: { requestsPerConnection: 1 },
    persistent: { pool: { maxConnections: 4 } },
  },
  baseline: 'short',
  expect: [
    // The kernel waits 1 s before it sends a SYN again.
    { metric: 'p99Us', of: 'short', atLeast: 900_000 },
    { metric: 'p99Us', of: 'persistent', atMost: 800_000 },
    { metric: 'successRatio', of: 'short', atLeast: 0.9 },
    { metric: 'successRatio', of: 'persistent', atLeast: 0.9 },
  ],
});
