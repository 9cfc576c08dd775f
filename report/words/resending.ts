// Describes what a client does beside sending each request once: undici's interceptors, and resilience policies.
import type { Client } from '../../scenarios/model/client.ts';
import { formatCount } from './numbers.ts';

/** `retry by undici (at most 2 repetitions, first after 50 ms)`; a default of undici is left out. */
function phrase(name: string, members: readonly (string | false)[]): string {
  const given = members.filter(member => member !== false);
  return given.length === 0 ? name : `${name} (${given.join(', ')})`;
}

function when<Value>(value: Value | undefined, describe: (value: Value) => string): string | false {
  return value === undefined ? false : describe(value);
}

const ms = (value: number): string => `${formatCount(value)} ms`;
const repetitions = (most: number): string =>
  `at most ${formatCount(most)} repetition${most === 1 ? '' : 's'}`;

export function describeInterceptors({ interceptors: { retry, dns, cache } = {} }: Client): string[] {
  return [
    ...(retry === undefined
      ? []
      : [
          phrase('retry by undici', [
            when(retry.maxRetries, repetitions),
            when(retry.minDelayMs, value => `first after ${ms(value)}`),
            when(retry.maxDelayMs, value => `delays of at most ${ms(value)}`),
            when(retry.delayFactor, value => `each ${value} times as long`),
            when(retry.statuses, value => `on status ${value.join(', ')}`),
          ]),
        ]),
    ...(dns === undefined
      ? []
      : [phrase('addresses kept by undici', [when(dns.maxTtlMs, value => `for at most ${ms(value)}`)])]),
    ...(cache === undefined
      ? []
      : [
          phrase('cache of undici', [
            when(cache.maxBytes, value => `at most ${formatCount(value)} bytes`),
            when(cache.maxEntries, value => `at most ${formatCount(value)} responses`),
            when(cache.maxEntryBytes, value => `bodies of at most ${formatCount(value)} bytes`),
            when(cache.freshMs, value => `responses used for ${ms(value)} unless they say otherwise`),
          ]),
        ]),
  ];
}

export function describeResilience({
  resilience: { retry, breaker, bulkhead, timeout } = {},
}: Client): string[] {
  return [
    when(
      retry,
      ({ maxRetries, minDelayMs, maxDelayMs }) =>
        `retry (${repetitions(maxRetries)}, after ${ms(minDelayMs)}, then twice as long each, ${ms(maxDelayMs)} at most)`,
    ),
    when(
      breaker,
      ({ consecutiveFailures, openMs }) =>
        `breaker (open for ${ms(openMs)} after ${formatCount(consecutiveFailures)} failures in a row)`,
    ),
    when(
      bulkhead,
      ({ maxConcurrent, maxQueued }) =>
        `bulkhead (at most ${formatCount(maxConcurrent)} in flight, ${formatCount(maxQueued)} waiting)`,
    ),
    when(timeout, ({ attemptMs }) => `timeout of ${ms(attemptMs)} for each attempt`),
  ].filter(text => text !== false);
}
