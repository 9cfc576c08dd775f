// The race when a server closes an idle connection just as the client sends: it lasts as long as the round trip.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'stale-connection',
  question:
    'After which pauses do requests fail because the server has just closed their connection, and what prevents it?',
  tags: ['catalogue', 'pools', 'faults'],
  // A request fails that is sent after the server has closed, and before the client can know: here 300 to 500 ms after the last
  // response, on its side. everyMs less a round trip is the pause of a connection.
  target: { keepAliveTimeoutMs: 500, keepAliveHint: false },
  link: { roundTripMs: 200 },
  load: { model: 'burst', size: 30, everyMs: 600, maxInFlight: 200 },
  timing: {
    slicing: 'whole',
    warmupMinMs: 0,
    warmupMaxMs: 0,
    measureMs: 1_800,
    // The interval of a share needs one.
    minReplicates: 1,
    budgetMs: 30_000,
    until: 'decided',
  },
  clients: {
    uncured: { pool: { maxConnections: 30 } },
    // Gives up each connection before the server does, with a round trip to spare.
    'shorter-idle-timeout': { pool: { maxConnections: 30, idleTimeoutMs: 250 } },
    // Sends again what failed, on a new connection.
    retry: {
      pool: { maxConnections: 30 },
      resilience: { retry: { maxRetries: 1, minDelayMs: 1 } },
    },
  },
  baseline: 'uncured',
  expect: [
    { metric: 'successRatio', of: 'uncured', atLeast: 0.9, at: { 'load.everyMs': [400, 1_000] } },
    { metric: 'successRatio', of: 'uncured', atMost: 0.9, at: { 'load.everyMs': [600] } },
    { metric: 'successRatio', of: 'shorter-idle-timeout', atLeast: 0.9 },
    { metric: 'successRatio', of: 'retry', atLeast: 0.9 },
  ],
  sweep: { 'load.everyMs': [400, 600, 1_000] },
});
