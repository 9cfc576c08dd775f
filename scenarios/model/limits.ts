// The schema of limits of the machine under which a scenario's processes run, lower than those that it has.
import { z } from 'zod';

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
});
export type Limits = z.infer<typeof Limits>;
