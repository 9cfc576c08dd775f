// Every transport that a scenario can name: load tools with a loop of their own, and client libraries, each loaded when needed.

export const transports = {
  autocannon: () => import('../tools/autocannon.ts'),
  wrk: () => import('../tools/wrk.ts'),
  hey: () => import('../tools/hey.ts'),
  undici: () => import('./undici.ts'),
  'node-http': () => import('./node-http.ts'),
  wire: () => import('./wire.ts'),
  fetch: () => import('./fetch.ts'),
};

/** The loader of users' client modules, which are named by their paths. */
export const userModules = () => import('./user-module.ts');
