// The same over TLS 1.3, where opening a connection also costs a full handshake.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'connection-cost-tls',
  question:
    'What does a new connection with a full TLS 1.3 handshake cost client and server, with a client that does as little as it can?',
  tags: ['quick', 'tls'],
  target: { behaviour: { name: 'fixed', bytes: 1024 }, tls: '1.3' },
  // Ten handshakes queue for one core. With a hundred, a response would take over 100 ms, and a slice seconds.
  load: { concurrency: 10 },
  timing: { sliceResponses: 10, warmupMinMs: 250, warmupMaxMs: 850, measureMs: 600, budgetMs: 22_500 },
  clients: {
    short: {
      transport: 'wire',
      requestsPerConnection: 1,
      pool: { maxConnections: 10, tlsSessions: 'none' },
    },
    persistent: { transport: 'wire', pool: { maxConnections: 10, tlsSessions: 'none' } },
  },
  baseline: 'short',
});
