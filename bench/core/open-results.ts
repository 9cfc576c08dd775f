// In: nothing. Out: the nouns of what only an open load can tell, as schemas and types. Plain data.
import { z } from 'zod';

const count = () => z.int().min(0);
const amount = () => z.number().min(0);

/** How an open load kept its schedule, over the steady windows. */
export const Arrivals = z.strictObject({
  due: count().describe('Requests that were due'),
  heldBack: count().describe('Of them, those that had to wait because maxInFlight were under way'),
  unsent: count().describe('Of them, those that were never sent: still held back when the slice ended'),
  unfinished: count().describe(
    'Of them, those given up at the end of a drain: their times are in no histogram',
  ),
  ended: count().describe(
    'Exchanges that ended within the windows, whenever they were due: far fewer than due, and the backlog grew',
  ),
});
export type Arrivals = z.infer<typeof Arrivals>;

/** What did not hold at a rate: a part of the objective, the rate itself, or the generator that was to send at it. */
export const ProbeLimit = z.enum(['latency', 'errors', 'rate', 'generator']);
export type ProbeLimit = z.infer<typeof ProbeLimit>;

/** One rate that a capacity search tried. */
export const Probe = z.strictObject({
  ratePerSec: amount(),
  isKept: z.boolean().describe('Whether the objective held at this rate'),
  p50Us: amount(),
  p99Us: amount(),
  errorRatio: amount(),
  achievedPerSec: amount().describe('Ended per second of the window'),
  limit: ProbeLimit.nullable().describe('What did not hold first; null: all did'),
  why: z.string().describe('The same in a sentence, with the figures'),
});
export type Probe = z.infer<typeof Probe>;

/** The highest rate found at which the arm keeps the objective. */
export const Capacity = z.strictObject({
  ratePerSec: amount().describe(
    'Highest rate at which the objective held; 0: it held at none that was tried',
  ),
  notKeptPerSec: amount()
    .nullable()
    .describe('Lowest rate above it at which it did not; null: none was found'),
  isSettled: z.boolean().describe('Whether the search came to its end; false: it was interrupted'),
  probes: z.array(Probe).describe('In the order in which they were made'),
});
export type Capacity = z.infer<typeof Capacity>;
