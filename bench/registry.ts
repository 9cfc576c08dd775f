// Every plug-in, one lazy line each. Opened by the command line and the two child entries only.

/** Client libraries. */
export const transports = {
  undici: () => import('./transports/undici.ts'),
};

/** What a target answers with. */
export const behaviours = {
  fixed: () => import('../servers/behaviours/fixed.ts'),
  delay: () => import('../servers/behaviours/delay.ts'),
  stream: () => import('../servers/behaviours/stream.ts'),
};
