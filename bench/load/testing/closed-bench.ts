// In: a closed load's settings. Out: it on a fake transport.
import { type ClosedLoadOptions, createClosedLoad } from '../closed.ts';
import { createBench } from './load-bench.ts';

type Stated = Partial<Pick<ClosedLoadOptions, 'concurrency' | 'thinkMs' | 'totalMs' | 'random'>>;

export function createLoad(stated: Stated = {}) {
  return createBench(on =>
    createClosedLoad({
      concurrency: 4,
      thinkMs: 0,
      totalMs: undefined,
      random: () => 0.5,
      ...stated,
      ...on,
    }),
  );
}
