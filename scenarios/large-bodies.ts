// What becomes of connections whose bodies are longer than every buffer on the way.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'large-bodies',
  question:
    'What becomes of a connection whose response body of 1 MiB is read, dumped, cancelled or ignored?',
  tags: ['catalogue', 'bodies', 'leaks'],
  // An answer that takes longer than a timer is late.
  target: { behaviour: { name: 'delay', meanMs: 30, bytes: 1_048_576 } },
  // A rate, so that what leaks is bounded.
  load: { model: 'open', ratePerSec: 40, arrivals: 'constant', maxInFlight: 200 },
  timing: {
    slicing: 'whole',
    warmupMinMs: 0,
    warmupMaxMs: 0,
    measureMs: 700,
    budgetMs: 30_000,
    until: 'decided',
  },
  clients: {
    read: {},
    dump: { body: 'dump' },
    cancel: { body: 'cancel' },
    ignore: { body: 'ignore' },
    'node-ignore': { transport: 'node-http', body: 'ignore' },
  },
  baseline: 'read',
  expect: [
    { metric: 'connectionsPer1kRequests', of: 'read', atMost: 500 },
    // undici gives up a body above 128 KiB, and its connection.
    ...['dump', 'cancel'].flatMap(of => [
      { metric: 'connectionsPer1kRequests' as const, of, atLeast: 900 },
      { metric: 'leftOpenPer1kRequests' as const, of, atMost: 300 },
    ]),
    ...['ignore', 'node-ignore'].flatMap(of => [
      { metric: 'connectionsPer1kRequests' as const, of, atLeast: 900 },
      { metric: 'leftOpenPer1kRequests' as const, of, atLeast: 900 },
    ]),
  ],
});
