// A target whose answers each take CPU time.
import { z } from 'zod';
import type { BehaviourModule } from '../behaviour.ts';
import { createBodyResponder, jsonBytes } from './fixed.ts';

const options = z.strictObject({
  name: z
    .literal('compute')
    .describe('Every answer takes CPU time, during which the server does nothing else'),
  bytes: jsonBytes(),
  cpuMs: z
    .number()
    .min(0)
    .max(1_000)
    .default(1)
    .describe('CPU time per answer, in addition to that of HTTP and TLS; waiting for a core does not count'),
});

/** Between two looks at the clock of CPU time, some microseconds apart. */
const ROUNDS = 1_000;

/** CPU time of the whole process, because the kernel keeps that of a single thread only to its tick, some milliseconds. */
function usedUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function compute(ms: number): number {
  const untilUs = usedUs() + ms * 1_000;
  let sum = 0;
  while (usedUs() < untilUs) for (let round = 0; round < ROUNDS; round++) sum += Math.sqrt(round + sum);
  return sum;
}

export default {
  options,
  createResponder({ bytes, cpuMs }) {
    const respond = createBodyResponder(bytes);
    return response => {
      compute(cpuMs);
      respond(response);
    };
  },
  meanServiceMs: ({ cpuMs }) => cpuMs,
} satisfies BehaviourModule<z.output<typeof options>>;
