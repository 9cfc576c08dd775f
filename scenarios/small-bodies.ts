// Small bodies forgive what large ones do not, in undici: it buffers 64 KiB of a body that nobody reads.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'small-bodies',
  question: 'Does a client leak connections whose bodies of 1 KiB nobody reads?',
  tags: ['catalogue', 'bodies', 'leaks'],
  target: { behaviour: { name: 'fixed', bytes: 1_024 } },
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
    ignore: { body: 'ignore' },
    'ignore-pool-of-2': { body: 'ignore', pool: { maxConnections: 2 } },
    'fetch-ignore': { transport: 'fetch', body: 'ignore' },
    'node-ignore': { transport: 'node-http', body: 'ignore' },
  },
  baseline: 'read',
  expect: [
    ...['read', 'dump', 'ignore', 'ignore-pool-of-2', 'fetch-ignore'].map(of => ({
      metric: 'connectionsPer1kRequests' as const,
      of,
      atMost: 400,
    })),
    { metric: 'leftOpenPer1kRequests', of: 'node-ignore', atLeast: 900 },
  ],
});
