// Out: the classic comparison over TLS 1.3, where opening a connection also costs a full handshake.
import { defineScenario } from '../bench/define-scenario.ts';

export default defineScenario({
  name: 'short-vs-persistent-tls',
  question: 'How much faster are persistent connections when each new one needs a full TLS 1.3 handshake?',
  tags: ['quick', 'tls'],
  target: { behaviour: { name: 'fixed', bytes: 1024 }, tls: '1.3' },
  load: { concurrency: 100 },
  timing: {
    warmupMinMs: 1_000,
    warmupMaxMs: 1_500,
    measureMs: 1_500,
    // A hundred handshakes queue for one core, so a response takes 100 ms and more: 20 of them would make a slice of
    // seconds, too long for the arms to see the same machine.
    sliceResponses: 6,
    budgetMs: 22_000,
  },
  clients: {
    short: { requestsPerConnection: 1, pool: { tlsSessions: 'none' } },
    persistent: { pool: { maxConnections: 100, tlsSessions: 'none' } },
  },
  baseline: 'short',
});
