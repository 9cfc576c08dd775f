// Node's agent without keep-alive still reuses connections when it has a limit of sockets.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'agent-trap',
  question: 'Does an agent with keepAlive: false open a connection for each request?',
  tags: ['catalogue', 'pools'],
  load: { concurrency: 100 },
  timing: { warmupMinMs: 0, warmupMaxMs: 0, measureMs: 400, budgetMs: 30_000, until: 'decided' },
  clients: {
    // Compiled, a module has the extension of this file.
    unlimited: {
      transport: `./clients/plain-agent${import.meta.url.slice(-3)}`,
      options: { keepAlive: false },
    },
    limited: {
      transport: `./clients/plain-agent${import.meta.url.slice(-3)}`,
      options: { keepAlive: false, maxSockets: 50 },
    },
    // What closes each connection whatever the limit: the header.
    short: { transport: 'node-http', requestsPerConnection: 1, pool: { maxConnections: 50 } },
  },
  baseline: 'unlimited',
  expect: [
    { metric: 'connectionsPer1kRequests', of: 'unlimited', atLeast: 990 },
    { metric: 'connectionsPer1kRequests', of: 'limited', atMost: 600 },
    { metric: 'connectionsPer1kRequests', of: 'short', atLeast: 990 },
  ],
});
