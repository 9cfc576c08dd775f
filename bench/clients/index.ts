// Every transport that a scenario can name: client libraries and load tools, each loaded when needed.
import { loadTools } from '../tools/index.ts';

/** Client libraries, and load tools with their own loop. Imported only by the command line and the child processes. */
export const transports = {
  ...loadTools,
  undici: () => import('./undici.ts'),
  'node-http': () => import('./node-http.ts'),
  wire: () => import('./wire.ts'),
  fetch: () => import('./fetch.ts'),
};

/** The loader of users' client modules, which are named by their paths. */
export const userModules = () => import('./user-module.ts');
