// In: a scenario. Out: the same with the baseline's client once more, under a name of its own: what it differs by is noise.
import type { Variant } from '../../scenarios/model/sweep.ts';

/** The A/A arm: every deviation of it from the baseline is noise, for it is the same client. */
export const NULL_ARM = 'null';

/** Adds the null arm. A scenario whose author has named an arm so keeps it as it is. */
export function withNullArm(scenario: Variant): Variant {
  const { clients, baseline } = scenario;
  if (Object.hasOwn(clients, NULL_ARM)) return scenario;
  return { ...scenario, clients: { ...clients, [NULL_ARM]: clients[baseline]! } };
}
