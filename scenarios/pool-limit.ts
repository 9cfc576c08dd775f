// The knee: users beyond the limit of a pool wait for a connection, and connections beyond the users are never opened.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'pool-limit',
  question: 'How many connections do 100 users of a 100 ms service need: 10, 50, 100 or 200?',
  tags: ['catalogue', 'pools'],
  // So slow that the machine limits nobody: by Little's law 10 connections are good for 100 requests/s, and 100 users for 1,000.
  target: { behaviour: { name: 'delay', meanMs: 100 } },
  load: { concurrency: 100 },
  timing: {
    slicing: 'whole',
    warmupMinMs: 0,
    warmupMaxMs: 0,
    measureMs: 1_000,
    drainMs: 2_000,
    budgetMs: 30_000,
    until: 'decided',
  },
  clients: {
    limited: { transport: 'node-http', pool: { maxConnections: 100 } },
    'one-each': { transport: 'node-http', pool: { maxConnections: 100 } },
  },
  baseline: 'one-each',
  expect: [
    {
      metric: 'requestsPerSec',
      of: 'limited',
      over: 'one-each',
      atMost: 0.25,
      at: { 'clients.limited.pool.maxConnections': [10] },
    },
    {
      metric: 'requestsPerSec',
      of: 'limited',
      over: 'one-each',
      atLeast: 0.25,
      atMost: 0.85,
      at: { 'clients.limited.pool.maxConnections': [50] },
    },
    {
      metric: 'requestsPerSec',
      of: 'limited',
      over: 'one-each',
      atLeast: 0.75,
      at: { 'clients.limited.pool.maxConnections': [100, 200] },
    },
    { metric: 'unneededConnectionsPer1kRequests', of: 'limited', atMost: 20 },
  ],
  sweep: { 'clients.limited.pool.maxConnections': [10, 50, 100, 200] },
});
