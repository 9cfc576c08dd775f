// When a limit on silence within a body really ends a request: here two bytes come 1.3 s apart, and the limit is 300 ms.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'timeout-body',
  question: 'How long after its start does a request fail whose body may pause for 300 ms?',
  tags: ['catalogue', 'timeouts'],
  target: {
    behaviour: { name: 'fixed', bytes: 2 },
    faults: [{ kind: 'slowBytes', overMs: 2_600, ratio: 1 }],
  },
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
    'node-http': { transport: 'node-http', timeouts: { bodyMs: 300 } },
    undici: { timeouts: { bodyMs: 300 } },
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
