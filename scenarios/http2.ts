// Many streams of one HTTP/2 connection compared with pools of HTTP/1.1 connections, over TLS to the same server.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'http2',
  question: 'Can one HTTP/2 connection with a hundred streams replace a pool of HTTP/1.1 connections?',
  tags: ['protocols', 'tls'],
  target: {
    protocol: 'h2',
    tls: '1.3',
    maxConcurrentStreams: 100,
    behaviour: { name: 'delay', meanMs: 2, bytes: 1024 },
  },
  load: { concurrency: 100 },
  // On one HTTP/1.1 connection a hundred users queue for a quarter of a second: with 20 responses a slice would last many
  // seconds, too long for the clients to see the same machine.
  timing: { sliceResponses: 4, warmupMaxMs: 1_500, measureMs: 2_000, budgetMs: 95_000 },
  clients: {
    'pool-1': { pool: { maxConnections: 1, tlsSessions: 'none' } },
    'pool-10': { pool: { maxConnections: 10, tlsSessions: 'none' } },
    'pool-100': { pool: { maxConnections: 100, tlsSessions: 'none' } },
    h2: {
      protocol: 'h2',
      pool: { maxConnections: 1, maxConcurrentStreams: 100, idleTimeoutMs: 60_000, tlsSessions: 'none' },
    },
  },
  baseline: 'pool-100',
});
