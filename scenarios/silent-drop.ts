// What a middlebox that forgets idle connections does to a pool, and which settings of the client help.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'silent-drop',
  question:
    'A middlebox silently forgets idle connections: what happens to requests, and which settings help?',
  tags: ['catalogue', 'pools', 'faults'],
  // A NAT forgets after minutes; with pauses in the same proportion to it, seconds show the same.
  link: { roundTripMs: 40, silentAfterIdleMs: 800 },
  // At once, so that each request needs a connection of its own: a few at a time would keep the same connection busy.
  load: { model: 'burst', size: 20, everyMs: 1_600, maxInFlight: 100 },
  timing: {
    slicing: 'whole',
    warmupMinMs: 0,
    warmupMaxMs: 0,
    measureMs: 3_400,
    // The interval of a share needs one.
    minReplicates: 1,
    budgetMs: 30_000,
    until: 'decided',
  },
  clients: {
    // Each request on a connection that was idle is sent into the void, and fails only when its time is up.
    unaware: { transport: 'wire', pool: { maxConnections: 20 }, timeouts: { headersMs: 1_000 } },
    // It closes connections before the middlebox forgets them.
    'idle-timeout': {
      transport: 'wire',
      pool: { maxConnections: 20, idleTimeoutMs: 400 },
      timeouts: { headersMs: 1_000 },
    },
    // Nor is there one that is old enough to be forgotten.
    lifetime: {
      transport: 'wire',
      pool: { maxConnections: 20, maxLifetimeMs: 600 },
      timeouts: { headersMs: 1_000 },
    },
    // It pays the timeout each time, and then sends the request again.
    retry: {
      transport: 'wire',
      pool: { maxConnections: 20 },
      timeouts: { headersMs: 1_000 },
      resilience: { retry: { maxRetries: 1, minDelayMs: 1 } },
    },
    short: { transport: 'wire', requestsPerConnection: 1, timeouts: { headersMs: 1_000 } },
  },
  baseline: 'unaware',
  expect: [
    { metric: 'successRatio', of: 'unaware', atMost: 0.75 },
    { metric: 'successRatio', of: 'idle-timeout', atLeast: 0.9 },
    { metric: 'successRatio', of: 'lifetime', atLeast: 0.9 },
    { metric: 'successRatio', of: 'retry', atLeast: 0.9 },
    { metric: 'successRatio', of: 'short', atLeast: 0.9 },
  ],
});
