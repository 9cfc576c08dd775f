// Server behaviours by name, loaded when needed.

export const behaviours = {
  fixed: () => import('./fixed.ts'),
  delay: () => import('./delay.ts'),
  mixed: () => import('./mixed.ts'),
  stream: () => import('./stream.ts'),
  stall: () => import('./stall.ts'),
  compute: () => import('./compute.ts'),
};
