// The cost of the server's type of key in full TLS handshakes, and that resumed ones avoid it.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'tls-keys',
  question: 'What does an RSA key cost where each request needs a TLS handshake, full or resumed?',
  tags: ['protocols', 'tls', 'sweep'],
  target: { tls: '1.3', behaviour: { name: 'fixed', bytes: 1024 } },
  load: { concurrency: 20 },
  timing: { sliceMs: 250, sliceResponses: 10, warmupMaxMs: 1_500, measureMs: 1_500, budgetMs: 90_000 },
  clients: {
    full: { requestsPerConnection: 1, pool: { maxConnections: 20, tlsSessions: 'none' } },
    resumed: { requestsPerConnection: 1, pool: { maxConnections: 20, tlsSessions: 'pinned' } },
  },
  baseline: 'full',
  sweep: { 'target.tlsKey': ['ec', 'rsa'] },
});
