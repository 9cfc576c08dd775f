// The charts, in the order in which a report shows them: one lazy line each.

/** Figures of a cell. */
export const charts = {
  forest: () => import('./forest.ts'),
  requestsPerSec: async () => ({ default: (await import('./bars.ts')).requestsPerSec }),
  meanResponse: async () => ({ default: (await import('./bars.ts')).meanResponse }),
  capacity: async () => ({ default: (await import('./bars.ts')).capacity }),
  capacityProbes: () => import('./probes.ts'),
  phases: () => import('./phases.ts'),
  latencyPercentiles: async () => ({ default: (await import('./percentiles.ts')).latencyPercentiles }),
  responseAndService: async () => ({ default: (await import('./percentiles.ts')).responseAndService }),
  latencyDensity: () => import('./density.ts'),
  replicateRatios: () => import('./ratios.ts'),
  ledger: () => import('./ledger.ts'),
  amortisation: () => import('./amortisation.ts'),
  timeline: () => import('./timeline.ts'),
  held: async () => ({ default: (await import('./held.ts')).held }),
  sockets: async () => ({ default: (await import('./held.ts')).sockets }),
};

/** Figures of a sweep, in this order for each measure. */
export const sweepCharts = {
  ratios: async () => ({ default: (await import('./sweep.ts')).ratioLines }),
  values: async () => ({ default: (await import('./sweep.ts')).valueLines }),
};
