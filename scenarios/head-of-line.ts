// How a slow request delays fast ones that share its connection: pipelined, as HTTP/2 streams, or not shared.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'head-of-line',
  question: 'How long do fast requests wait behind slow ones on the same connection?',
  tags: ['protocols', 'tls'],
  target: {
    protocol: 'h2',
    tls: '1.3',
    // Fewer than one in ten is slow: if no request waits for another, median and p90 are those of fast requests.
    behaviour: { name: 'mixed', fastMs: 2, slowMs: 50, slowRatio: 0.08, bytes: 1024 },
  },
  load: { concurrency: 10 },
  timing: { sliceMs: 300, sliceResponses: 10, warmupMaxMs: 1_500, measureMs: 2_000, budgetMs: 95_000 },
  clients: {
    'pool-10': { pool: { maxConnections: 10, tlsSessions: 'none' } },
    'one-connection': { pool: { maxConnections: 1, pipelining: 1, tlsSessions: 'none' } },
    'pipelined-4': { pool: { maxConnections: 1, pipelining: 4, tlsSessions: 'none' } },
    'pipelined-10': { pool: { maxConnections: 1, pipelining: 10, tlsSessions: 'none' } },
    h2: {
      protocol: 'h2',
      pool: { maxConnections: 1, maxConcurrentStreams: 10, idleTimeoutMs: 60_000, tlsSessions: 'none' },
    },
  },
  baseline: 'pool-10',
});
