// Responses that nobody reads: as many connections stay open as requests were made.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'leak',
  question: 'How many connections are open after 100, 500 and 1,000 requests whose responses nobody reads?',
  tags: ['catalogue', 'bodies', 'leaks'],
  load: { model: 'open', ratePerSec: 400, arrivals: 'constant', maxInFlight: 200 },
  timing: {
    slicing: 'whole',
    warmupMinMs: 0,
    warmupMaxMs: 0,
    measureMs: 250,
    budgetMs: 30_000,
    until: 'decided',
  },
  clients: { ignored: { transport: 'node-http', body: 'ignore' } },
  baseline: 'ignored',
  expect: [
    { metric: 'connectionsPer1kRequests', of: 'ignored', atLeast: 950 },
    { metric: 'leftOpenPer1kRequests', of: 'ignored', atLeast: 950 },
  ],
  // 400 requests/s for so long.
  sweep: { 'timing.measureMs': [250, 1_250, 2_500] },
});
