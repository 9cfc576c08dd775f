// A stand-in for a target, for tests of arms that never send it anything.
import type { MeasuredTarget } from '../targets.ts';

export const noTarget: MeasuredTarget = {
  endpoint: { origin: 'http://127.0.0.1:9', path: '/' },
  isLoopback: true,
  isAlive: true,
  read: () => Promise.reject(new Error('there is no target in this test')),
  kill: async () => {},
};
