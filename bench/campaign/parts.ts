// In: nothing. Out: every part of the campaign, one line each.
import type { Counts } from './counts.ts';

export interface PartOptions {
  seed: number;
  /** The first case: with the same seed a case has the same number in every piece of a part. */
  from: number;
  /** How many cases. */
  count: number;
  /** How many cases run side by side, in parts whose cases are runs; no case depends on how fast the machine is. */
  atOnce: number;
  say: (line: string) => void;
}

export interface Part {
  name: string;
  /** Cases unless `--count` says. */
  count: number;
  run(options: PartOptions): Promise<Counts>;
}

export const PARTS: readonly Part[] = [
  { name: 'signals', count: 210, run: async options => (await import('./signals.ts')).runSignals(options) },
  { name: 'disk', count: 24, run: async options => (await import('./disk.ts')).runDisks(options) },
  { name: 'limits', count: 30, run: async options => (await import('./limits.ts')).runLimits(options) },
  { name: 'answers', count: 100, run: async options => (await import('./hostile.ts')).runAnswers(options) },
  { name: 'modules', count: 100, run: async options => (await import('./hostile.ts')).runModules(options) },
  {
    name: 'stored',
    count: 5_000,
    run: async options => (await import('./fuzz.ts')).runStoredRuns(options),
  },
  {
    name: 'scenarios',
    count: 100_000,
    run: async options => (await import('./fuzz.ts')).runScenarioFiles(options),
  },
];
