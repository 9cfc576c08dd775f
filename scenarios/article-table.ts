// Reproduces and explains the table of the article that started this project: a network, TLS 1.2 and a service time.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'article-table',
  question:
    'Where do the published 89 ms with short connections and 26 ms with persistent ones come from, and what does TLS session resumption save?',
  tags: ['link', 'tls'],
  target: { behaviour: { name: 'delay', meanMs: 5 }, tls: '1.2' },
  link: { roundTripMs: 21 },
  load: { concurrency: 100 },
  // A short response takes 90 to 140 ms: with 20 of them a slice would last over 2 s, too long for the clients to see the same
  // machine. With three replicates the interval of a mean would be wider than its expected range.
  timing: { sliceResponses: 10, warmupMaxMs: 3_000, measureMs: 2_000, minReplicates: 4, budgetMs: 115_000 },
  clients: {
    short: { requestsPerConnection: 1, pool: { maxConnections: 100, tlsSessions: 'none' } },
    'short-resumed': { requestsPerConnection: 1, pool: { maxConnections: 100, tlsSessions: 'pinned' } },
    persistent: { pool: { maxConnections: 100, tlsSessions: 'none' } },
  },
  baseline: 'short',
  expect: [
    { metric: 'requestsPerSec', of: 'persistent', over: 'short', atLeast: 3 },
    { metric: 'meanUs', of: 'persistent', atLeast: 26_000, atMost: 31_000 },
    { metric: 'successRatio', of: 'persistent', atLeast: 0.9995 },
  ],
  published: {
    source:
      'an article on long-lived HTTP connections in Go, which names neither network nor TLS; these are guessed from its figures',
    rows: [
      { arm: 'short', meanMs: 89, requestsPerSec: 1_124, errorRatio: 0.002 },
      { arm: 'persistent', meanMs: 26, requestsPerSec: 3_789, errorRatio: 0 },
    ],
  },
});
