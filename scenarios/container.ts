// A server in a container with half a CPU, one and two: what it uses up, requests wait for.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'container',
  question:
    'What does a TLS server of one thread answer in a container with half a CPU, one and two, over short connections and persistent ones?',
  tags: ['catalogue', 'limits'],
  limits: { serverCpus: 2 },
  // CPU time, so that half a CPU is good for 250 answers/s at most on any machine, which leaves a core of clients idle on a slow one.
  target: { behaviour: { name: 'compute', cpuMs: 2 }, tls: '1.3', tlsKey: 'rsa' },
  load: { concurrency: 20 },
  timing: {
    slicing: 'whole',
    warmupMinMs: 100,
    warmupMaxMs: 100,
    measureMs: 600,
    drainMs: 1_000,
    budgetMs: 30_000,
    until: 'decided',
  },
  clients: {
    short: { transport: 'wire', requestsPerConnection: 1, pool: { maxConnections: 20 } },
    persistent: { transport: 'wire', pool: { maxConnections: 20 } },
  },
  baseline: 'persistent',
  expect: [
    { metric: 'targetThrottledRatio', of: 'short', atLeast: 0.5, at: { 'limits.serverCpus': [0.5] } },
    { metric: 'targetThrottledRatio', of: 'persistent', atLeast: 0.5, at: { 'limits.serverCpus': [0.5] } },
    { metric: 'targetThrottledRatio', of: 'short', atMost: 0.1, at: { 'limits.serverCpus': [2] } },
    { metric: 'targetThrottledRatio', of: 'persistent', atMost: 0.1, at: { 'limits.serverCpus': [2] } },
    // A whole CPU answers almost 500. A window has so few periods that one more or less is a seventh of its answers.
    { metric: 'requestsPerSec', of: 'persistent', atMost: 350, at: { 'limits.serverCpus': [0.5] } },
    {
      metric: 'requestsPerSec',
      of: 'short',
      over: 'persistent',
      atMost: 0.95,
      at: { 'limits.serverCpus': [0.5] },
    },
  ],
  sweep: { 'limits.serverCpus': [0.5, 1, 2] },
});
