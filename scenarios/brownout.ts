// What timeouts, a bulkhead, a breaker and retries make of a server that is slow and failing for a while.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'brownout',
  question:
    'When a server is slow or failing for a second, what do timeouts, a bulkhead, a breaker and retries save, and what do they send?',
  tags: ['catalogue', 'faults', 'timeouts', 'resilience'],
  target: {
    behaviour: { name: 'delay', meanMs: 50 },
    // Half of the answers fail at once, the others take 1.5 s.
    faults: [
      { kind: 'status', status: 503, ratio: 0.5, during: { fromMs: 500, toMs: 1_500 } },
      { kind: 'slowBytes', overMs: 1_500, ratio: 0.5, during: { fromMs: 500, toMs: 1_500 } },
    ],
  },
  load: { model: 'open', arrivals: 'constant', ratePerSec: 50, maxInFlight: 1_000 },
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
    nothing: { pool: { maxConnections: 100 } },
    timeout: { pool: { maxConnections: 100 }, resilience: { timeout: { attemptMs: 400 } } },
    bulkhead: { pool: { maxConnections: 100 }, resilience: { bulkhead: { maxConcurrent: 8 } } },
    // Six times as large, with a queue.
    'bulkhead-50': {
      pool: { maxConnections: 100 },
      resilience: { bulkhead: { maxConcurrent: 50, maxQueued: 2_000 } },
    },
    breaker: {
      pool: { maxConnections: 100 },
      resilience: { timeout: { attemptMs: 400 }, breaker: { consecutiveFailures: 5, openMs: 500 } },
    },
    retry: {
      pool: { maxConnections: 100 },
      resilience: { timeout: { attemptMs: 400 }, retry: { maxRetries: 4, minDelayMs: 200 } },
    },
  },
  baseline: 'nothing',
  // 50 of 175 requests arrive while the server is slow or failing.
  expect: [
    { metric: 'successRatio', of: 'nothing', atLeast: 0.7, atMost: 0.95 },
    { metric: 'successRatio', of: 'timeout', atLeast: 0.5, atMost: 0.85 },
    { metric: 'successRatio', of: 'bulkhead', atLeast: 0.3, atMost: 0.75 },
    { metric: 'successRatio', of: 'bulkhead-50', atLeast: 0.7, atMost: 0.95 },
    { metric: 'successRatio', of: 'breaker', atLeast: 0.3, atMost: 0.85 },
    { metric: 'successRatio', of: 'retry', atLeast: 0.9 },
  ],
});
