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
      `CPU time per time, in cores, for ${who} together, as the limit of a container: once it is used up, they wait for the next 100 ms. They run in a control group (Linux, as root), and are not pinned to cores. Needs timing.slicing: 'whole'`,
    );

export const Limits = z.strictObject({
  localPorts: z
    .int()
    .min(16)
    .max(28_000)
    .optional()
    .describe(
      'Local ports that connections to the server can have. Client and server then run in a network namespace of their own (Linux, as root or with unprivileged user namespaces), in which a port stays taken for the 60 s of TIME_WAIT, as towards another machine, and each client has a server of its own',
    ),
  openFiles: z
    .int()
    .min(64)
    .max(1_000_000)
    .optional()
    .describe(
      'Files and sockets that the process of a client may have open, about 30 of which are its own (ulimit -n)',
    ),
  serverCpus: cpus('the server, which conntax has to start itself,'),
  clientCpus: cpus('all processes of the clients'),
});
export type Limits = z.infer<typeof Limits>;
