// Stored sweeps of every kind: over numbers, over words, over two settings, with failures.
import { sampleSweep, troubledSweep } from '../../results/testing/sample-run.ts';
import type { StoredSample } from './sample-runs.ts';

export const sampleSweeps: Record<string, StoredSample> = {
  'a sweep': sampleSweep('link'),
  'a sweep of two settings': sampleSweep('link-and-reuse'),
  'a sweep of words': sampleSweep('pool'),
  'a troubled sweep': troubledSweep(),
};
