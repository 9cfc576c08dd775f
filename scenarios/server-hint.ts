// Servers that announce how long they keep idle connections: undici keeps a margin of two seconds to the end of that time.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'server-hint',
  question: 'From which announced timeout (Keep-Alive: timeout=N) on does undici reuse connections?',
  tags: ['catalogue', 'pools', 'timeouts'],
  load: { concurrency: 10 },
  // One slice each: a client whose connections expire while others are measured would open them again.
  timing: {
    slicing: 'whole',
    warmupMinMs: 0,
    warmupMaxMs: 0,
    measureMs: 250,
    budgetMs: 30_000,
    until: 'decided',
  },
  clients: {
    undici: { pool: { maxConnections: 10 } },
    // Closes an idle connection when the announced time is over, and not two seconds before.
    'undici-no-margin': { pool: { maxConnections: 10, idleTimeoutBufferMs: 0 } },
  },
  baseline: 'undici',
  expect: [
    {
      metric: 'connectionsPer1kRequests',
      of: 'undici',
      atLeast: 990,
      at: { 'target.keepAliveTimeoutMs': [1_000, 2_000] },
    },
    {
      metric: 'connectionsPer1kRequests',
      of: 'undici',
      atMost: 400,
      at: { 'target.keepAliveTimeoutMs': [3_000, 5_000, 72_000] },
    },
    { metric: 'connectionsPer1kRequests', of: 'undici-no-margin', atMost: 400 },
  ],
  sweep: { 'target.keepAliveTimeoutMs': [1_000, 2_000, 3_000, 5_000, 72_000] },
});
