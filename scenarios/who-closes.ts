// The end that closes a connection first keeps it in TIME_WAIT for a minute: counted at both ends, by who closes.
import { defineScenario } from '../bench/index.ts';

export default defineScenario({
  name: 'who-closes',
  question:
    'Which end of a short connection is left with TIME_WAIT when the client closes first, the server, or a reset?',
  tags: ['catalogue', 'pools'],
  // An answer that takes longer than a timer is late.
  target: { behaviour: { name: 'delay', meanMs: 50 } },
  load: { model: 'open', ratePerSec: 100, arrivals: 'constant', maxInFlight: 200 },
  timing: {
    slicing: 'whole',
    warmupMinMs: 0,
    warmupMaxMs: 0,
    measureMs: 900,
    budgetMs: 30_000,
    until: 'decided',
  },
  clients: {
    // It asks to keep the connection, and closes it. Compiled, a module has the extension of this file.
    'client-closes': { transport: `./clients/agent-per-request${import.meta.url.slice(-3)}` },
    // By its header it asks the server to close too, and whichever is first does.
    'both-close': { transport: 'wire', requestsPerConnection: 1, pool: { closing: 'client' } },
    'server-closes': { transport: 'wire', requestsPerConnection: 1, pool: { closing: 'server' } },
    reset: { transport: 'wire', requestsPerConnection: 1, pool: { closing: 'reset' } },
    persistent: { transport: 'wire' },
  },
  baseline: 'persistent',
  expect: [
    { metric: 'clientTimeWaitPer1kRequests', of: 'client-closes', atLeast: 900 },
    { metric: 'serverTimeWaitPer1kRequests', of: 'client-closes', atMost: 100 },
    { metric: 'clientTimeWaitPer1kRequests', of: 'server-closes', atMost: 100 },
    { metric: 'serverTimeWaitPer1kRequests', of: 'server-closes', atLeast: 900 },
    { metric: 'connectionsPer1kRequests', of: 'both-close', atLeast: 900 },
    ...['reset', 'persistent'].flatMap(of => [
      { metric: 'clientTimeWaitPer1kRequests' as const, of, atMost: 100 },
      { metric: 'serverTimeWaitPer1kRequests' as const, of, atMost: 100 },
    ]),
  ],
});
