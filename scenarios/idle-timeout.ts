// A pool whose idle timeout is shorter than the pauses of its load opens every connection again.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'idle-timeout',
  question: 'Which idle timeout does a client need whose requests come in bursts, 200 ms apart?',
  tags: ['catalogue', 'pools'],
  load: { model: 'burst', size: 20, everyMs: 200, maxInFlight: 200 },
  timing: {
    slicing: 'whole',
    warmupMinMs: 0,
    warmupMaxMs: 0,
    measureMs: 1_400,
    budgetMs: 30_000,
    until: 'decided',
  },
  clients: {
    'undici-80ms': { pool: { maxConnections: 20, idleTimeoutMs: 80 } },
    'undici-60s': { pool: { maxConnections: 20, idleTimeoutMs: 60_000 } },
    'node-80ms': { transport: 'node-http', pool: { maxConnections: 20, idleTimeoutMs: 80 } },
    'node-60s': { transport: 'node-http', pool: { maxConnections: 20, idleTimeoutMs: 60_000 } },
  },
  baseline: 'undici-80ms',
  expect: ['undici', 'node'].flatMap(library => [
    { metric: 'connectionsPer1kRequests' as const, of: `${library}-80ms`, atLeast: 600 },
    { metric: 'connectionsPer1kRequests' as const, of: `${library}-60s`, atMost: 300 },
  ]),
});
