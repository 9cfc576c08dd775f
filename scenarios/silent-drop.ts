// What a middlebox that forgets idle connections does to a pool, and which settings of the client help.
import { defineScenario } from '../bench/index.ts';

/** A NAT forgets after minutes; with pauses in the same proportion to it, seconds show the same. */
const FORGETS_AFTER_MS = 800;
/** Of a user, between an answer and the next request: longer than that. */
const THINK_MS = 1_600;

export default defineScenario({
  name: 'silent-drop',
  question:
    'A middlebox forgets idle connections without a word: what do requests meet, and which settings help?',
  tags: ['pools', 'link'],
  link: { silentAfterIdleMs: FORGETS_AFTER_MS },
  load: { concurrency: 20, thinkMs: THINK_MS },
  timing: {
    slicing: 'whole',
    warmupMinMs: 0,
    warmupMaxMs: 0,
    measureMs: 6_000,
    minReplicates: 1,
    maxReplicates: 1,
    budgetMs: 30_000,
  },
  clients: {
    // Each request after a pause is sent into the void, and fails only when its time is up.
    unaware: { transport: 'wire', pool: { maxConnections: 20 }, timeouts: { headersMs: 1_000 } },
    // It closes connections before the middlebox forgets them.
    'idle-timeout': {
      transport: 'wire',
      pool: { maxConnections: 20, idleTimeoutMs: FORGETS_AFTER_MS / 2 },
      timeouts: { headersMs: 1_000 },
    },
    short: { transport: 'wire', requestsPerConnection: 1, timeouts: { headersMs: 1_000 } },
  },
  baseline: 'unaware',
  expect: [
    { metric: 'successRatio', of: 'unaware', atMost: 0.75 },
    { metric: 'successRatio', of: 'idle-timeout', atLeast: 0.99 },
    { metric: 'successRatio', of: 'short', atLeast: 0.99 },
    { metric: 'connectionsPer1kRequests', of: 'idle-timeout', atLeast: 900 },
  ],
});
