// Every name that a scenario's transport can have: client libraries, one lazy line each, and the load tools.
import { loadTools } from '../tools/index.ts';

// Every plug-in, one lazy line each. Opened by the command line and the two child entries only.

/** Client libraries, and load tools with a loop of their own. */
export const transports = {
  ...loadTools,
  undici: () => import('./undici.ts'),
  'node-http': () => import('./node-http.ts'),
  wire: () => import('./wire.ts'),
  fetch: () => import('./fetch.ts'),
};

/** Reads the client modules of users, which are named by their paths. */
export const userModules = () => import('./user-module.ts');
