// The schema of resilience policies around any client library: retry, circuit breaker, bulkhead, timeout.
import { z } from 'zod';

const ms = () => z.int().min(1).max(3_600_000);

/** From the outside in: retry, breaker, bulkhead, timeout. */
export const Resilience = z
  .strictObject({
    retry: z
      .strictObject({
        maxRetries: z.int().min(1).max(100).default(3).describe('Most repetitions of a request'),
        minDelayMs: ms()
          .default(100)
          .describe('Delay before the first repetition; each further one is twice as long'),
        maxDelayMs: ms().default(30_000).describe('Longest delay before a repetition'),
      })
      .refine(({ minDelayMs, maxDelayMs }) => minDelayMs <= maxDelayMs, {
        path: ['maxDelayMs'],
        error: 'must be at least minDelayMs',
      })
      .optional()
      .describe('Repeats attempts that failed, but not those that the breaker or the bulkhead has rejected'),
    breaker: z
      .strictObject({
        consecutiveFailures: z
          .int()
          .min(1)
          .max(10_000)
          .default(5)
          .describe('Failed attempts in a row after which the breaker opens'),
        openMs: ms().default(1_000).describe('How long it rejects all attempts, before it lets one try'),
      })
      .optional()
      .describe(
        'Circuit breaker: after failures in a row it rejects attempts without sending them (breakerOpen), for a while',
      ),
    bulkhead: z
      .strictObject({
        maxConcurrent: z.int().min(1).max(100_000).describe('Most attempts in flight at once'),
        maxQueued: z
          .int()
          .min(0)
          .max(1_000_000)
          .default(0)
          .describe('Most attempts that wait for one to end; more are rejected (bulkheadFull)'),
      })
      .optional()
      .describe('Limits the attempts in flight, and rejects more without sending them (bulkheadFull)'),
    timeout: z
      .strictObject({ attemptMs: ms().describe('Time limit of one attempt, to the end of its body') })
      .optional()
      .describe('Gives up each attempt that takes too long (timeoutAttempt)'),
  })
  .refine(
    one => Object.values(one).some(member => member !== undefined),
    'needs one of retry, breaker, bulkhead, timeout',
  )
  .describe(
    'Policies around the client library, by cockatiel: an attempt meets retry first, then the breaker, the bulkhead and the timeout. Each process of a client has its own',
  );
export type Resilience = z.infer<typeof Resilience>;
