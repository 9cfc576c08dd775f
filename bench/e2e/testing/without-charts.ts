// Loaded into the program before all else: its reports have no charts, whose drawing takes as long as the processes of a tiny run.
import { registerHooks } from 'node:module';

registerHooks({
  load: (url, context, nextLoad) =>
    url.endsWith('/report/charts/index.ts')
      ? {
          format: 'module',
          source: 'export const charts = {}; export const sweepCharts = {};',
          shortCircuit: true,
        }
      : nextLoad(url, context),
});
