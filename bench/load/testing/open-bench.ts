// An open load on a fake transport, by its settings.

import { createOpenLoad, type OpenLoadOptions } from '../open.ts';
import type { Schedule } from '../schedule.ts';
import { createBench } from './load-bench.ts';

/** Due at these times, ms since the start of the slice, and then no more. */
export function dueAt(...timesMs: readonly number[]): () => Schedule {
  return () => {
    const left = [...timesMs];
    return () => left.shift() ?? Infinity;
  };
}

type Stated = Partial<Pick<OpenLoadOptions, 'scheduleOf' | 'maxInFlight' | 'totalMs' | 'draw'>>;

export function createOpen(stated: Stated = {}) {
  const bench = createBench(
    on => createOpenLoad({ scheduleOf: dueAt(), maxInFlight: 1_000, totalMs: undefined, ...stated, ...on }),
    stated.draw?.size,
  );
  return { ...bench, schedule: bench.load.schedule! };
}
