// How many connections bursts of requests cost when an agent keeps few of them idle.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'idle-cap',
  question:
    'How many connections does a burst of 100 requests open when a pool keeps only some of them idle?',
  tags: ['catalogue', 'pools'],
  load: { model: 'burst', size: 100, everyMs: 300, maxInFlight: 200 },
  timing: {
    slicing: 'whole',
    warmupMinMs: 0,
    warmupMaxMs: 0,
    measureMs: 900,
    budgetMs: 30_000,
    until: 'decided',
  },
  clients: {
    // undici has no such limit: it keeps every idle connection.
    undici: { pool: { maxConnections: 100 } },
    // The default of Go.
    'idle-2': { transport: 'node-http', pool: { maxIdleConnections: 2 } },
    'idle-10': { transport: 'node-http', pool: { maxIdleConnections: 10 } },
    'idle-50': { transport: 'node-http', pool: { maxIdleConnections: 50 } },
    'idle-100': { transport: 'node-http', pool: { maxIdleConnections: 100 } },
  },
  baseline: 'undici',
  expect: [
    { metric: 'connectionsPer1kRequests', of: 'idle-2', atLeast: 900 },
    { metric: 'connectionsPer1kRequests', of: 'idle-10', atLeast: 850, atMost: 965 },
    { metric: 'connectionsPer1kRequests', of: 'idle-50', atLeast: 450, atMost: 800 },
    { metric: 'connectionsPer1kRequests', of: 'idle-100', atMost: 500 },
    { metric: 'connectionsPer1kRequests', of: 'undici', atMost: 500 },
  ],
});
