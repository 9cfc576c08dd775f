// The same over TLS 1.3, where opening a connection also costs a full handshake.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'connection-cost-tls',
  question:
    'What does a new connection with a full TLS 1.3 handshake cost the server and the kernel, with a client that costs next to nothing?',
  tags: ['quick', 'tls'],
  target: { behaviour: { name: 'fixed', bytes: 1024 }, tls: '1.3' },
  // Twenty handshakes queue for one core. With a hundred, a response would take over 100 ms, and a slice seconds.
  load: { concurrency: 20 },
  timing: { sliceResponses: 10, measureMs: 1_000, budgetMs: 20_000 },
  clients: {
    short: {
      transport: 'wire',
      requestsPerConnection: 1,
      pool: { maxConnections: 20, tlsSessions: 'none' },
    },
    persistent: { transport: 'wire', pool: { maxConnections: 20, tlsSessions: 'none' } },
  },
  baseline: 'short',
});
