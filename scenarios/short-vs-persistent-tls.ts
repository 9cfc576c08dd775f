// The classic comparison over TLS 1.3, where opening a connection also costs a full handshake.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'short-vs-persistent-tls',
  question: 'How much faster are persistent connections when each new one needs a full TLS 1.3 handshake?',
  tags: ['quick', 'tls'],
  target: { behaviour: { name: 'fixed', bytes: 1024 }, tls: '1.3' },
  load: { concurrency: 100 },
  // A hundred handshakes queue for one core, so a response takes over 100 ms: with 20 of them a slice would last seconds, too
  // long for the clients to see the same machine.
  timing: { sliceResponses: 10, warmupMaxMs: 1_500, measureMs: 1_500, budgetMs: 50_000 },
  clients: {
    short: { requestsPerConnection: 1, pool: { maxConnections: 100, tlsSessions: 'none' } },
    persistent: { requestsPerConnection: 'unlimited', pool: { maxConnections: 100, tlsSessions: 'none' } },
  },
  baseline: 'short',
});
