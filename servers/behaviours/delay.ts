// Targets that wait before they answer: for a service time from a distribution, for a longer one now and then, or until a stall is over.
import { randomExponential, randomLogNormal, randomUniform } from 'd3-random';
import { z } from 'zod';
import type { Random } from '../../results/random.ts';
import type { BehaviourModule, Responder } from '../behaviour.ts';
import { createBodyResponder, jsonBytes } from './fixed.ts';

/**
 * A responder that answers after a delay. Each request has its own timer, so concurrent requests are served concurrently, even
 * on one connection. Whole milliseconds; 0 answers at once.
 */
function delayedResponder(respond: Responder, nextMs: () => number): Responder {
  return response => {
    const waitMs = nextMs();
    if (waitMs === 0) {
      respond(response);
      return;
    }
    const timer = setTimeout(respond, waitMs, response);
    response.once('close', () => clearTimeout(timer));
  };
}

/** Distribution of the service time. The mean of the lognormal is meanMs itself; sigma is the spread of its logarithm. */
export type ServiceTime =
  | { distribution: 'constant'; meanMs: number }
  | { distribution: 'uniform'; minMs: number; maxMs: number }
  | { distribution: 'exponential'; meanMs: number }
  | { distribution: 'lognormal'; meanMs: number; sigma: number };

/** Expected value in ms. */
export function meanServiceTimeMs(time: ServiceTime): number {
  return time.distribution === 'uniform' ? (time.minMs + time.maxMs) / 2 : time.meanMs;
}

/**
 * A source of service times in ms, fractions included. The lognormal's mu is ln(mean) - sigma^2 / 2. A mean of 0 gives 0
 * always, through the infinities.
 */
export function createServiceTimeSampler(time: ServiceTime, random: Random): () => number {
  switch (time.distribution) {
    case 'constant':
      return () => time.meanMs;
    case 'uniform':
      return randomUniform.source(random)(time.minMs, time.maxMs);
    case 'exponential':
      return randomExponential.source(random)(1 / time.meanMs);
    case 'lognormal':
      return randomLogNormal.source(random)(Math.log(time.meanMs) - time.sigma ** 2 / 2, time.sigma);
    default:
      return time satisfies never;
  }
}

/**
 * The same draws in whole milliseconds, the resolution of timers. The rounding error is carried to the next
 * draw, so the sum of n results is within 1 ms of the sum of n draws, and the mean is right even far below 1 ms (a constant
 * 0.25 ms becomes 0, 0, 0, 1, ...). A single result is up to 1 ms off its draw, so quantiles below a few ms are coarse.
 */
export function createWholeMsSampler(sample: () => number): () => number {
  let carriedMs = 0;
  return () => {
    const wantedMs = sample() + carriedMs;
    const wholeMs = Math.floor(wantedMs);
    carriedMs = wantedMs - wholeMs;
    return wholeMs;
  };
}

const milliseconds = () => z.number().min(0).max(60_000);
const meanMs = milliseconds()
  .default(5)
  .describe('Mean service time; fractions of a ms are exact on average');

const shared = {
  name: z.literal('delay').describe('Every request is answered after a service time'),
  bytes: jsonBytes(),
};

const delayOptions = z.discriminatedUnion('distribution', [
  z.strictObject({
    ...shared,
    // Optional within the default, so that the union also selects this option if none is given.
    distribution: z.literal('constant').optional().default('constant').describe('Constant service time'),
    meanMs,
  }),
  z
    .strictObject({
      ...shared,
      distribution: z.literal('uniform').describe('Every time between two bounds is equally likely'),
      minMs: milliseconds().describe('Shortest service time'),
      maxMs: milliseconds().describe('Longest service time, at least minMs'),
    })
    .refine(({ minMs, maxMs }) => minMs <= maxMs, { path: ['maxMs'], error: 'must be at least minMs' }),
  z.strictObject({
    ...shared,
    distribution: z.literal('exponential').describe('Memoryless: many short times, few long ones'),
    meanMs,
  }),
  z.strictObject({
    ...shared,
    distribution: z.literal('lognormal').describe('A heavy tail, as services often have'),
    meanMs,
    sigma: z
      .number()
      .gt(0)
      .max(3)
      .default(0.5)
      .describe('Standard deviation of the logarithm: 0.5 puts p99 at 2.8 x the mean, 1 at 6.2 x'),
  }),
]);

/**
 * The draw is the service time of an unloaded target. Timers add an error: about 0.1 ms late on average on
 * an idle event loop, a little early on a busy one, and late by its queue on an overloaded one. This is not
 * corrected, because a target that hurried when overloaded would hide its queue.
 */
export const delay = {
  options: delayOptions,
  createResponder(chosen, random) {
    const respond = createBodyResponder(chosen.bytes);
    const nextMs = createWholeMsSampler(createServiceTimeSampler(chosen, random));
    return delayedResponder(respond, nextMs);
  },
  meanServiceMs: meanServiceTimeMs,
} satisfies BehaviourModule<z.output<typeof delayOptions>>;

const mixedOptions = z
  .strictObject({
    name: z
      .literal('mixed')
      .describe('A share of slow requests among fast ones, drawn with the seed of the run'),
    bytes: jsonBytes(),
    fastMs: milliseconds()
      .default(1)
      .describe('Service time of most requests; fractions of a ms are exact on average'),
    slowMs: milliseconds().default(50).describe('Service time of the slow requests, at least fastMs'),
    slowRatio: z.number().min(0).max(1).default(0.05).describe('Share of slow requests (0.05 = 5 %)'),
  })
  .refine(({ fastMs, slowMs }) => fastMs <= slowMs, { path: ['slowMs'], error: 'must be at least fastMs' });

/**
 * With a slowRatio below a tenth, median and p90 are those of fast requests if no request waits for another. On a shared
 * connection, their excess over fastMs is the wait behind slow requests.
 */
export const mixed = {
  options: mixedOptions,
  createResponder({ bytes, fastMs, slowMs, slowRatio }, random) {
    const nextFastMs = createWholeMsSampler(() => fastMs);
    const nextSlowMs = createWholeMsSampler(() => slowMs);
    const respond = createBodyResponder(bytes);
    return delayedResponder(respond, () => (random() < slowRatio ? nextSlowMs() : nextFastMs()));
  },
  meanServiceMs: ({ fastMs, slowMs, slowRatio }) => fastMs + slowRatio * (slowMs - fastMs),
} satisfies BehaviourModule<z.output<typeof mixedOptions>>;

const stallOptions = z
  .strictObject({
    name: z.literal('stall').describe('Requests are answered at once, except during regular stalls'),
    bytes: jsonBytes(),
    everyMs: z
      .int()
      .min(1)
      .max(60_000)
      .default(1_000)
      .describe('Time from the start of one stall to the start of the next'),
    stallMs: z.int().min(0).max(60_000).default(100).describe('Duration of each stall, at most everyMs'),
    stops: z
      .enum(['answers', 'process'])
      .default('answers')
      .describe(
        'What stalls. answers: no answers, but connections are still accepted; process: the event loop, from the first request in a stall, so that connections wait in the accept queue (target.backlog)',
      ),
  })
  .refine(({ stallMs, everyMs }) => stallMs <= everyMs, {
    path: ['stallMs'],
    error: 'must be at most everyMs',
  });

/** Stops the event loop. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)), 0, 0, ms);
}

/**
 * The stall is the last part of each cycle, and the first cycle begins when the target starts. Requests that arrive during a stall
 * are all answered at its end.
 */
export const stall = {
  options: stallOptions,
  createResponder({ bytes, everyMs, stallMs, stops }) {
    const startedAtMs = performance.now();
    return delayedResponder(createBodyResponder(bytes), () => {
      const intoCycleMs = (performance.now() - startedAtMs) % everyMs;
      if (intoCycleMs < everyMs - stallMs) return 0;
      const leftMs = Math.ceil(everyMs - intoCycleMs);
      if (stops === 'answers') return leftMs;
      block(leftMs);
      return 0;
    });
  },
  /** For a request at a random time: the share of stalled time, times half a stall. */
  meanServiceMs: ({ everyMs, stallMs }) => stallMs ** 2 / (2 * everyMs),
} satisfies BehaviourModule<z.output<typeof stallOptions>>;
