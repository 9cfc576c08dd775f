// The classic comparison over TLS 1.3, where opening a connection also costs a full handshake.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'short-vs-persistent-tls',
  question: 'How much faster are persistent connections when each new one needs a full TLS 1.3 handshake?',
  tags: ['tls'],
  target: { behaviour: { name: 'fixed', bytes: 1024 }, tls: '1.3' },
  // Ten handshakes queue for one core. With a hundred, a response would take over 100 ms, and a slice seconds.
  load: { concurrency: 10 },
  timing: { sliceResponses: 10, warmupMinMs: 250, warmupMaxMs: 2_500, measureMs: 600, budgetMs: 60_000 },
  clients: {
    short: { requestsPerConnection: 1, pool: { maxConnections: 10, tlsSessions: 'none' } },
    persistent: { requestsPerConnection: 'unlimited', pool: { maxConnections: 10, tlsSessions: 'none' } },
  },
  baseline: 'short',
});
