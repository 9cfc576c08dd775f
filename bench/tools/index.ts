// Load tools, each with its own loop, loaded when needed.

export const loadTools = {
  autocannon: () => import('./autocannon.ts'),
  wrk: () => import('./wrk.ts'),
  hey: () => import('./hey.ts'),
};
