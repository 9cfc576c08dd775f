// What timeouts, a bulkhead, a breaker and retries make of a server that is slow and failing for a while.
import { defineScenario } from '../bench/index.ts';

const pool = { maxConnections: 200 };
const timeout = { attemptMs: 300 };

export default defineScenario({
  name: 'brownout',
  question:
    'When a server is slow or failing for a second and a half, what do timeouts, a bulkhead, a breaker and retries save, and what do they send?',
  tags: ['catalogue', 'faults', 'timeouts', 'resilience'],
  target: {
    behaviour: { name: 'delay', meanMs: 5 },
    // Half of the answers fail at once, the others take 1.5 s.
    faults: [
      { kind: 'status', status: 503, ratio: 0.5, during: { fromMs: 500, toMs: 2_000 } },
      { kind: 'slowBytes', overMs: 1_500, ratio: 0.5, during: { fromMs: 500, toMs: 2_000 } },
    ],
  },
  load: { model: 'open', arrivals: 'constant', ratePerSec: 100, maxInFlight: 1_000 },
  // One long slice for each client: how it fares in these seconds is what the question is about.
  timing: {
    slicing: 'whole',
    warmupMinMs: 250,
    warmupMaxMs: 250,
    measureMs: 3_500,
    minReplicates: 1,
    budgetMs: 30_000,
    until: 'decided',
  },
  clients: {
    nothing: { pool },
    timeout: { pool, resilience: { timeout } },
    bulkhead: { pool, resilience: { bulkhead: { maxConcurrent: 10 } } },
    breaker: { pool, resilience: { timeout, breaker: { consecutiveFailures: 5, openMs: 500 } } },
    retry: { pool, resilience: { timeout, retry: { maxRetries: 4, minDelayMs: 200 } } },
  },
  baseline: 'nothing',
  // 150 of 350 requests arrive while the server is slow or failing.
  expect: [
    { metric: 'successRatio', of: 'nothing', atLeast: 0.65, atMost: 0.9 },
    { metric: 'successRatio', of: 'timeout', atLeast: 0.4, atMost: 0.75 },
    { metric: 'successRatio', of: 'bulkhead', atLeast: 0.35, atMost: 0.75 },
    { metric: 'successRatio', of: 'breaker', atLeast: 0.25, atMost: 0.7 },
    { metric: 'successRatio', of: 'retry', atLeast: 0.9 },
  ],
});
