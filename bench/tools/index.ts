// Load tools, each with a loop of its own: one lazy line each.

export const loadTools = {
  autocannon: () => import('./autocannon.ts'),
  wrk: () => import('./wrk.ts'),
  hey: () => import('./hey.ts'),
};
