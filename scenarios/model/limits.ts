// The schema of limits of the machine under which a scenario's processes run, lower than those that it has.
import { z } from 'zod';

/** Below this, a process takes too long to start. */
const LEAST_CPUS = 0.1;
/** More than the cores of most machines. */
const MOST_CPUS = 1_024;

const cpus = (who: string) =>
  z
    .number()
    .min(LEAST_CPUS)
    .max(MOST_CPUS)
    .optional()
    .describe(
      `CPU limit, in cores, for ${who}, as in a container: when they have used up their time, they wait for the next period of 100 ms. They run in a control group (Linux, as root), and are not pinned to cores. Needs timing.slicing: 'whole'`,
    );

export const Limits = z.strictObject({
  localPorts: z
    .int()
    .min(16)
    .max(28_000)
    .optional()
    .describe(
      'Local ports for connections to the server. Client and server then run in a separate network namespace (Linux, as root or with unprivileged user namespaces), in which a port stays in use for the 60 s of TIME_WAIT, as with a server on another machine, and each client has its own server',
    ),
  openFiles: z
    .int()
    .min(64)
    .max(1_000_000)
    .optional()
    .describe(
      'Files and sockets that the process of a client may have open; Node itself uses about 30 (ulimit -n)',
    ),
  serverCpus: cpus('all processes of a server that conntax starts'),
  clientCpus: cpus('all processes of the clients together'),
});
export type Limits = z.infer<typeof Limits>;
