// When a limit on opening a connection really ends a request: here no SYN is answered, and the limit is 300 ms.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'timeout-connect',
  question: 'How long after its start does a request fail whose connection may take 300 ms to open?',
  tags: ['catalogue', 'timeouts'],
  target: { accepts: false },
  load: { model: 'open', ratePerSec: 8, arrivals: 'constant', maxInFlight: 200 },
  timing: {
    slicing: 'whole',
    warmupMinMs: 0,
    warmupMaxMs: 0,
    measureMs: 1_500,
    budgetMs: 30_000,
    until: 'decided',
  },
  clients: {
    'node-http': { transport: 'node-http', timeouts: { connectMs: 300 } },
    undici: { timeouts: { connectMs: 300 } },
  },
  baseline: 'node-http',
  expect: [
    ...['node-http', 'undici'].flatMap(of => [
      { metric: 'successRatio' as const, of, atMost: 0.1 },
      { metric: 'failureMeanUs' as const, of, atLeast: 250_000 },
    ]),
    { metric: 'failureMeanUs', of: 'undici', over: 'node-http', atLeast: 1.3 },
  ],
});
