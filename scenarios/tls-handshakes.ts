// The cost of a full TLS handshake compared with a resumed one, if each request needs a new connection.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'tls-handshakes',
  question: 'How much of the cost of a new connection does resuming a TLS session save?',
  tags: ['protocols', 'tls', 'sweep'],
  target: { behaviour: { name: 'fixed', bytes: 1024 } },
  load: { concurrency: 20 },
  timing: { sliceMs: 250, sliceResponses: 10, warmupMaxMs: 1_500, measureMs: 1_500, budgetMs: 90_000 },
  clients: {
    full: { requestsPerConnection: 1, pool: { maxConnections: 20, tlsSessions: 'none' } },
    resumed: { requestsPerConnection: 1, pool: { maxConnections: 20, tlsSessions: 'pinned' } },
    persistent: { pool: { maxConnections: 20, tlsSessions: 'none' } },
  },
  baseline: 'full',
  sweep: { 'target.tls': ['1.2', '1.3'] },
});
