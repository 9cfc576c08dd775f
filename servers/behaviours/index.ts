// Server behaviours by name, loaded when needed.

export const behaviours = {
  fixed: () => import('./fixed.ts'),
  delay: async () => ({ default: (await import('./delay.ts')).delay }),
  mixed: async () => ({ default: (await import('./delay.ts')).mixed }),
  stream: () => import('./stream.ts'),
  stall: async () => ({ default: (await import('./delay.ts')).stall }),
  compute: () => import('./compute.ts'),
};
