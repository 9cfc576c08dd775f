// Three ways to tell where a response body ends: two keep the connection, and the third is its end.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'framing',
  question: 'Which ways to end a response body let a client reuse the connection?',
  tags: ['catalogue', 'bodies'],
  load: { concurrency: 10 },
  timing: { warmupMinMs: 0, warmupMaxMs: 0, measureMs: 300, budgetMs: 30_000, until: 'decided' },
  clients: {
    undici: { pool: { maxConnections: 10 } },
    'node-http': { transport: 'node-http', pool: { maxConnections: 10 } },
  },
  baseline: 'undici',
  expect: ['undici', 'node-http'].flatMap(of => [
    {
      metric: 'connectionsPer1kRequests' as const,
      of,
      atMost: 200,
      at: { 'target.framing': ['length', 'chunked'] },
    },
    { metric: 'connectionsPer1kRequests' as const, of, atLeast: 990, at: { 'target.framing': ['close'] } },
  ]),
  sweep: { 'target.framing': ['length', 'chunked', 'close'] },
});
