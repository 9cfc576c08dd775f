// Every plug-in, one lazy line each. Opened by the command line and the two child entries only.

/** Client libraries, and load tools with a loop of their own. */
export const transports = {
  undici: () => import('../clients/undici.ts'),
  'node-http': () => import('../clients/node-http.ts'),
  fetch: () => import('../clients/fetch.ts'),
  autocannon: () => import('../tools/autocannon.ts'),
  wrk: () => import('../tools/wrk.ts'),
  hey: () => import('../tools/hey.ts'),
};

/** Reads the client modules of users, which are named by their paths. */
export const userModules = () => import('../clients/user-module.ts');

/** What a target answers with. */
export const behaviours = {
  fixed: () => import('../../servers/behaviours/fixed.ts'),
  delay: () => import('../../servers/behaviours/delay.ts'),
  mixed: () => import('../../servers/behaviours/mixed.ts'),
  stream: () => import('../../servers/behaviours/stream.ts'),
  stall: () => import('../../servers/behaviours/stall.ts'),
};

/** Figures of a report, in the order in which they are shown. */
export const charts = {
  requestsPerSec: () => import('../../report/charts/requests-per-sec.ts'),
  meanResponse: () => import('../../report/charts/mean-response.ts'),
  capacity: () => import('../../report/charts/capacity.ts'),
  capacityProbes: () => import('../../report/charts/probes.ts'),
  phases: () => import('../../report/charts/phases.ts'),
  latencyPercentiles: () => import('../../report/charts/latency-percentiles.ts'),
  responseAndService: () => import('../../report/charts/response-and-service.ts'),
  replicateRatios: () => import('../../report/charts/ratios.ts'),
  ledger: () => import('../../report/charts/ledger.ts'),
  amortisation: () => import('../../report/charts/amortisation.ts'),
  timeline: () => import('../../report/charts/timeline.ts'),
};

/** Figures of a sweep, in the order in which they are shown for each measure. */
export const sweepCharts = {
  ratios: () => import('../../report/charts/sweep-ratios.ts'),
  values: () => import('../../report/charts/sweep-values.ts'),
};

/** Files beside a report that other programs read. */
export const outputs = {
  junit: () => import('../../report/formats/junit.ts'),
  prometheus: () => import('../../report/outputs/prometheus.ts'),
};

/** Forms of a report. */
export const formats = {
  terminal: () => import('../../report/formats/terminal.ts'),
  markdown: () => import('../../report/formats/markdown.ts'),
  html: () => import('../../report/formats/html.ts'),
  json: () => import('../../report/formats/json-format.ts'),
};
