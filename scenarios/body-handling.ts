// What a program does with bodies decides whether connections are reused, closed, leaked, or all waited for.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'body-handling',
  question:
    'What becomes of a connection whose response body of 256 KiB undici reads, dumps, cancels or ignores?',
  tags: ['catalogue', 'bodies', 'leaks'],
  target: { behaviour: { name: 'fixed', bytes: 262_144 } },
  // A rate, so that what leaks is bounded.
  load: { model: 'open', ratePerSec: 50, arrivals: 'constant', maxInFlight: 200 },
  timing: {
    slicing: 'whole',
    warmupMinMs: 0,
    warmupMaxMs: 0,
    measureMs: 800,
    budgetMs: 30_000,
    until: 'decided',
  },
  clients: {
    read: {},
    dump: { body: 'dump' },
    cancel: { body: 'cancel' },
    ignore: { body: 'ignore' },
    // All of its connections hold a body that nobody reads: every later request waits.
    'ignore-pool-of-2': { body: 'ignore', pool: { maxConnections: 2 }, timeouts: { totalMs: 100 } },
  },
  baseline: 'read',
  expect: [
    { metric: 'connectionsPer1kRequests', of: 'read', atMost: 400 },
    // undici gives up a body above 128 KiB, and its connection.
    ...['dump', 'cancel'].flatMap(of => [
      { metric: 'connectionsPer1kRequests' as const, of, atLeast: 900 },
      { metric: 'leftOpenPer1kRequests' as const, of, atMost: 300 },
    ]),
    { metric: 'connectionsPer1kRequests', of: 'ignore', atLeast: 900 },
    { metric: 'leftOpenPer1kRequests', of: 'ignore', atLeast: 900 },
    { metric: 'successRatio', of: 'ignore-pool-of-2', atMost: 0.2 },
  ],
});
