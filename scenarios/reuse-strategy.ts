// Which idle connection is used next decides how many stay warm after a peak.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'reuse-strategy',
  question:
    'How many connections does a pool open again at every peak that takes the first free one, and one that takes each in turn?',
  tags: ['catalogue', 'pools'],
  // Requests pile up while the server stands still, so about 16 are in flight then, and one between the peaks.
  target: { behaviour: { name: 'stall', everyMs: 500, stallMs: 80 } },
  load: { model: 'open', ratePerSec: 200, arrivals: 'constant', maxInFlight: 200 },
  timing: {
    slicing: 'whole',
    warmupMinMs: 0,
    warmupMaxMs: 0,
    measureMs: 2_000,
    budgetMs: 30_000,
    until: 'decided',
  },
  clients: {
    // The later ones idle between the peaks, and expire.
    'first-free': { pool: { maxConnections: 50, idleTimeoutMs: 250 } },
    'round-robin': { pool: { maxConnections: 50, idleTimeoutMs: 250, scheduling: 'round-robin' } },
    // The same two orders in Node's agent: the one used last, and the one used longest ago.
    lifo: {
      transport: 'node-http',
      pool: { maxConnections: 50, idleTimeoutMs: 250, scheduling: 'lifo' },
    },
    fifo: {
      transport: 'node-http',
      pool: { maxConnections: 50, idleTimeoutMs: 250, scheduling: 'fifo' },
    },
  },
  baseline: 'first-free',
  expect: [
    { metric: 'connectionsPer1kRequests', of: 'first-free', atLeast: 90 },
    { metric: 'connectionsPer1kRequests', of: 'round-robin', over: 'first-free', atMost: 0.85 },
    { metric: 'connectionsPer1kRequests', of: 'lifo', atLeast: 90 },
    { metric: 'connectionsPer1kRequests', of: 'fifo', over: 'lifo', atMost: 0.85 },
  ],
});
