// Out: what a pool's size means to requests that come all at once, which a closed loop without pauses never shows.
import { defineScenario } from '../bench/define-scenario.ts';

export default defineScenario({
  name: 'bursts',
  question: 'A hundred requests come at once, again and again: how large a pool do they need?',
  tags: ['open'],
  target: { behaviour: { name: 'delay', meanMs: 5 } },
  load: { model: 'burst', size: 100, everyMs: 250, maxInFlight: 1_000 },
  timing: { sliceMs: 500, warmupMinMs: 1_500, warmupMaxMs: 2_500, measureMs: 2_500, budgetMs: 90_000 },
  clients: {
    unlimited: { pool: { maxConnections: 'unlimited' } },
    hundred: { pool: { maxConnections: 100 } },
    fifty: { pool: { maxConnections: 50 } },
    ten: { pool: { maxConnections: 10 } },
  },
  baseline: 'hundred',
});
