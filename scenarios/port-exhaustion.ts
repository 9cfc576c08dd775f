// With 256 local ports: a client that closes first has used them up after 256 connections, because each stays taken for a minute.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'port-exhaustion',
  question:
    'After how many requests does a client without a free local port fail, and who closes its connections so that it does not?',
  tags: ['catalogue', 'pools', 'limits'],
  // 512 requests: twice as many as ports.
  limits: { localPorts: 256 },
  // An answer that takes longer than a timer is late.
  target: { behaviour: { name: 'delay', meanMs: 30 } },
  load: { model: 'open', ratePerSec: 512, arrivals: 'constant', maxInFlight: 200 },
  timing: {
    slicing: 'whole',
    warmupMinMs: 0,
    warmupMaxMs: 0,
    measureMs: 1_000,
    budgetMs: 30_000,
    until: 'decided',
  },
  clients: {
    // It asks to keep the connection, and closes it. Compiled, a module has the extension of this file.
    'client-closes': { transport: `./clients/agent-per-request${import.meta.url.slice(-3)}` },
    'server-closes': { transport: 'wire', requestsPerConnection: 1, pool: { closing: 'server' } },
    persistent: { transport: 'wire', pool: { maxConnections: 40 } },
  },
  baseline: 'persistent',
  expect: [
    { metric: 'successRatio', of: 'client-closes', atLeast: 0.4, atMost: 0.6 },
    { metric: 'successRatio', of: 'server-closes', atLeast: 0.95 },
    { metric: 'successRatio', of: 'persistent', atLeast: 0.95 },
  ],
});
