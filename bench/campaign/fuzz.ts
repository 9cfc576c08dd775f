// In: a seed and a number. Out: stored runs and scenario files, damaged in that many ways, and what went wrong with them.
import { fuzzStoredRuns } from '../testing/damaged-results.ts';
import { fuzzScenarioFiles } from '../testing/mutated-scenarios.ts';
import type { Counts, PartOptions } from './counts.ts';

export async function runStoredRuns({ seed, from, count }: PartOptions): Promise<Counts> {
  const { shown: _, ...counts } = await fuzzStoredRuns({ seed, from, count });
  return counts;
}

export async function runScenarioFiles({ seed, from, count }: PartOptions): Promise<Counts> {
  const { valid: _, ...counts } = await fuzzScenarioFiles({ seed, from, count });
  return counts;
}
