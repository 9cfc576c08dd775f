// Server behaviours by name: one lazy line each.

/** What a target answers with. */
export const behaviours = {
  fixed: () => import('./fixed.ts'),
  delay: () => import('./delay.ts'),
  mixed: () => import('./mixed.ts'),
  stream: () => import('./stream.ts'),
  stall: () => import('./stall.ts'),
};
