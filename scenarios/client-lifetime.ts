// One client for the process, or one for each request: closed afterwards, or forgotten with its open connection.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'client-lifetime',
  question: 'What does a client cost that is made for each request, and one that is then forgotten?',
  tags: ['catalogue', 'pools', 'leaks'],
  // An answer that takes longer than a timer is late.
  target: { behaviour: { name: 'delay', meanMs: 30 } },
  load: { model: 'open', ratePerSec: 50, arrivals: 'constant', maxInFlight: 200 },
  timing: {
    slicing: 'whole',
    warmupMinMs: 0,
    warmupMaxMs: 0,
    measureMs: 1_500,
    budgetMs: 30_000,
    until: 'decided',
  },
  clients: {
    // Compiled, a module has the extension of this file.
    shared: { transport: `./clients/plain-agent${import.meta.url.slice(-3)}`, options: { keepAlive: true } },
    closed: { transport: `./clients/agent-per-request${import.meta.url.slice(-3)}` },
    forgotten: {
      transport: `./clients/agent-per-request${import.meta.url.slice(-3)}`,
      options: { isForgotten: true },
    },
  },
  baseline: 'shared',
  expect: [
    { metric: 'connectionsPer1kRequests', of: 'shared', atMost: 300 },
    { metric: 'connectionsPer1kRequests', of: 'closed', atLeast: 990 },
    { metric: 'leftOpenPer1kRequests', of: 'closed', atMost: 100 },
    { metric: 'connectionsPer1kRequests', of: 'forgotten', atLeast: 990 },
    { metric: 'leftOpenPer1kRequests', of: 'forgotten', atLeast: 900 },
  ],
});
