// A server in a container with half a CPU, one and two: what handshakes use up, requests wait for.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'container',
  question:
    'How many CPUs does the container of a TLS server need for 40 users with a connection each, and how many with one for every request?',
  tags: ['catalogue', 'limits'],
  limits: { serverCpus: 2 },
  // Its handshake takes more than a millisecond of the server's CPU time, and a request some hundredths of that.
  target: { tls: '1.3', tlsKey: 'rsa' },
  // At most 800 requests/s.
  load: { concurrency: 40, thinkMs: 50 },
  timing: {
    slicing: 'whole',
    warmupMinMs: 250,
    warmupMaxMs: 250,
    measureMs: 1_000,
    drainMs: 1_000,
    budgetMs: 30_000,
    until: 'decided',
  },
  clients: {
    short: { requestsPerConnection: 1, pool: { maxConnections: 40 } },
    persistent: { pool: { maxConnections: 40 } },
  },
  baseline: 'persistent',
  expect: [
    { metric: 'targetThrottledRatio', of: 'short', atLeast: 0.3, at: { 'limits.serverCpus': [0.5] } },
    { metric: 'targetThrottledRatio', of: 'short', atMost: 0.1, at: { 'limits.serverCpus': [2] } },
    { metric: 'targetThrottledRatio', of: 'persistent', atMost: 0.1 },
    { metric: 'p99Us', of: 'short', atLeast: 50_000, at: { 'limits.serverCpus': [0.5] } },
    {
      metric: 'requestsPerSec',
      of: 'short',
      over: 'persistent',
      atMost: 0.7,
      at: { 'limits.serverCpus': [0.5] },
    },
  ],
  sweep: { 'limits.serverCpus': [0.5, 1, 2] },
});
