// Charts in the order in which a report shows them: one lazy line each.

/** Figures of a report, in the order in which they are shown. */
export const charts = {
  requestsPerSec: () => import('./requests-per-sec.ts'),
  meanResponse: () => import('./mean-response.ts'),
  capacity: () => import('./capacity.ts'),
  capacityProbes: () => import('./probes.ts'),
  phases: () => import('./phases.ts'),
  latencyPercentiles: () => import('./latency-percentiles.ts'),
  responseAndService: () => import('./response-and-service.ts'),
  replicateRatios: () => import('./ratios.ts'),
  ledger: () => import('./ledger.ts'),
  amortisation: () => import('./amortisation.ts'),
  timeline: () => import('./timeline.ts'),
};

/** Figures of a sweep, in the order in which they are shown for each measure. */
export const sweepCharts = {
  ratios: () => import('./sweep-ratios.ts'),
  values: () => import('./sweep-values.ts'),
};
