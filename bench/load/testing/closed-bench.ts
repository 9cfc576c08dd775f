// A closed load on a fake transport, by its settings.
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
