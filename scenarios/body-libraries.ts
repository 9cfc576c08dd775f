// Bodies that are cancelled or ignored, in node:http and in the fetch of Node.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'body-libraries',
  question:
    'Do node:http and fetch leak connections whose bodies of 256 KiB are ignored, and not those that are cancelled?',
  tags: ['catalogue', 'bodies', 'leaks'],
  target: { behaviour: { name: 'fixed', bytes: 262_144 } },
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
    'node-ignore': { transport: 'node-http', body: 'ignore' },
    'node-cancel': { transport: 'node-http', body: 'cancel' },
    'fetch-ignore': { transport: 'fetch', body: 'ignore' },
    'fetch-cancel': { transport: 'fetch', body: 'cancel' },
  },
  baseline: 'node-ignore',
  expect: [
    { metric: 'connectionsPer1kRequests', of: 'node-cancel', atLeast: 900 },
    { metric: 'leftOpenPer1kRequests', of: 'node-cancel', atMost: 300 },
    // The undici within Node 26.10 sometimes opens another connection after a cancel, which carries nothing.
    { metric: 'connectionsPer1kRequests', of: 'fetch-cancel', atLeast: 700 },
    { metric: 'leftOpenPer1kRequests', of: 'fetch-cancel', atMost: 700 },
    { metric: 'connectionsPer1kRequests', of: 'node-ignore', atLeast: 900 },
    { metric: 'leftOpenPer1kRequests', of: 'node-ignore', atLeast: 900 },
    // Garbage collection cancels some of them, so how many are open depends on it.
    { metric: 'connectionsPer1kRequests', of: 'fetch-ignore', atLeast: 900 },
  ],
});
