// In: nothing. Out: every part of the campaign, one line each.
import type { Part } from './counts.ts';

export const PARTS: readonly Part[] = [
  { name: 'signals', count: 210, run: async options => (await import('./signals.ts')).runSignals(options) },
  { name: 'disk', count: 24, run: async options => (await import('./disk.ts')).runDisks(options) },
  { name: 'limits', count: 30, run: async options => (await import('./limits.ts')).runLimits(options) },
  { name: 'answers', count: 100, run: async options => (await import('./hostile.ts')).runAnswers(options) },
  { name: 'modules', count: 100, run: async options => (await import('./hostile.ts')).runModules(options) },
  {
    name: 'stored',
    count: 5_000,
    run: async options => (await import('./hostile.ts')).runStoredRuns(options),
  },
  {
    name: 'scenarios',
    count: 100_000,
    run: async options => (await import('./hostile.ts')).runScenarioFiles(options),
  },
];
