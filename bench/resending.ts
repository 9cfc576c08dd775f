// Settings of a client that decide how often a request is sent, and why libraries and load tools do not have them.
import type { ClientSetting } from './contracts.ts';

// Lists, not read from the schema: generators, which load client modules, do without it.

/** conntax itself implements them around any client library (bench/clients/resilience.ts). */
export const RESILIENCE_SETTINGS = [
  'resilience.retry',
  'resilience.breaker',
  'resilience.bulkhead',
  'resilience.timeout',
] as const satisfies readonly ClientSetting[];

export const INTERCEPTOR_SETTINGS = [
  'interceptors.retry',
  'interceptors.dns',
  'interceptors.cache',
] as const satisfies readonly ClientSetting[];

function unsupported(settings: readonly ClientSetting[], why: string): Record<ClientSetting, string> {
  return Object.fromEntries(settings.map(setting => [setting, why]));
}

/** Of libraries that have none. */
export const NO_INTERCEPTORS = unsupported(
  INTERCEPTOR_SETTINGS,
  'interceptors belong to the dispatchers of the npm package undici',
);

/** Of load tools. */
export const NO_RESENDING = {
  ...NO_INTERCEPTORS,
  ...unsupported(
    RESILIENCE_SETTINGS,
    'it sends its requests itself, so conntax cannot repeat, limit or reject them',
  ),
};
