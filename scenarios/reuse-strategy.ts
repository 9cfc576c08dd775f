// Which idle connection is used next decides how many stay warm after a peak.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'reuse-strategy',
  question: 'How many connections does each order of reuse open again after every peak?',
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
    // undici takes the first connection that is free, so the later ones idle.
    'undici-first-free': { pool: { maxConnections: 50, idleTimeoutMs: 200 } },
    'undici-round-robin': { pool: { maxConnections: 50, idleTimeoutMs: 200, scheduling: 'round-robin' } },
    'node-lifo': { transport: 'node-http', pool: { idleTimeoutMs: 200, scheduling: 'lifo' } },
    'node-fifo': { transport: 'node-http', pool: { idleTimeoutMs: 200, scheduling: 'fifo' } },
  },
  baseline: 'undici-first-free',
  expect: [
    { metric: 'connectionsPer1kRequests', of: 'undici-first-free', atLeast: 90 },
    { metric: 'connectionsPer1kRequests', of: 'node-lifo', atLeast: 90 },
    ...['node-fifo', 'undici-round-robin'].map(of => ({
      metric: 'connectionsPer1kRequests' as const,
      of,
      atMost: 80,
    })),
  ],
});
