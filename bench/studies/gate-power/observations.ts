// Stores what gates have seen, one per line, so that a study can be run in parts.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { KINDS } from './kinds.ts';

export const DESIGNS = ['processes', 'short replicates'] as const;
export type DesignName = (typeof DESIGNS)[number];

const State = z.enum(['pass', 'fail', 'unsure']);

/** One replicate: both arms, in the same slices. */
const Replicate = z.strictObject({
  /** Natural logarithms of after / before. */
  logRate: z.number(),
  logCpu: z.number(),
  ratePerSecBefore: z.number(),
  ratePerSecAfter: z.number(),
  connectionsPer1kBefore: z.number(),
  connectionsPer1kAfter: z.number(),
});
export type Replicate = z.infer<typeof Replicate>;

const Observation = z.strictObject({
  at: z.iso.datetime(),
  design: z.enum(DESIGNS),
  kind: z.enum(KINDS),
  minEffect: z.number(),
  budgetMs: z.number(),
  loadAverage: z.number(),
  elapsedMs: z.number(),
  /** As first judged, and once a failure was measured again; null where replicates were only gathered. */
  first: State.nullable(),
  state: State.nullable(),
  replicates: z.array(Replicate),
});
export type Observation = z.infer<typeof Observation>;

/** None where there is no file yet. @throws ZodError, SyntaxError for a line that is none. */
export function readObservations(file: string): Observation[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter(line => line !== '').map(line => Observation.parse(JSON.parse(line)));
}

export function appendObservation(file: string, observation: Observation): void {
  appendFileSync(file, `${JSON.stringify(observation)}\n`);
}
