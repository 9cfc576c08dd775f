// The charts, in the order in which a report shows them: one lazy line each.

const ratios = () => import('./ratios.ts');
const deciding = () => import('./deciding-metric.ts');
const latency = () => import('./percentiles.ts');
const connections = () => import('./connections.ts');
const course = () => import('./timeline.ts');
const sweep = () => import('./sweep.ts');

/** Figures of a cell. */
export const charts = {
  forest: async () => ({ default: (await ratios()).forest }),
  requestsPerSec: async () => ({ default: (await deciding()).requestsPerSec }),
  meanResponse: async () => ({ default: (await deciding()).meanResponse }),
  capacity: async () => ({ default: (await deciding()).capacity }),
  capacityProbes: async () => ({ default: (await deciding()).capacityProbes }),
  phases: () => import('./phases.ts'),
  latencyPercentiles: async () => ({ default: (await latency()).latencyPercentiles }),
  responseAndService: async () => ({ default: (await latency()).responseAndService }),
  latencyDensity: () => import('./density.ts'),
  replicateRatios: async () => ({ default: (await ratios()).replicateRatios }),
  ledger: async () => ({ default: (await connections()).ledger }),
  amortisation: async () => ({ default: (await connections()).amortisation }),
  timeline: async () => ({ default: (await course()).timeline }),
  held: async () => ({ default: (await course()).held }),
  sockets: async () => ({ default: (await course()).sockets }),
};

/** Figures of a sweep, in this order for each measure. */
export const sweepCharts = {
  ratios: async () => ({ default: (await sweep()).ratioLines }),
  values: async () => ({ default: (await sweep()).valueLines }),
};
