// In: a scenario as an author writes it. Out: the same, type-checked. The package's public entry.
import type { z } from 'zod';
import type { Client } from '../scenarios/model/client.ts';
import type { ScenarioInput } from '../scenarios/model/scenario.ts';
import type { behaviours } from './cli/plugins.ts';

export { defineClient } from './define-client.ts';

type BehaviourName = keyof typeof behaviours;
type BehaviourInput = {
  [Name in BehaviourName]: z.input<Awaited<ReturnType<(typeof behaviours)[Name]>>['default']['options']>;
}[BehaviourName];

/** What `defineScenario` takes: a scenario whose behaviour is one of the registry's. */
export type ScenarioDefinition = Omit<ScenarioInput, 'target' | 'clients'> & {
  clients: Record<string, Omit<z.input<typeof Client>, 'modulePath'>>;
  target?: Omit<NonNullable<ScenarioInput['target']>, 'behaviour'> & { behaviour?: BehaviourInput };
};

/**
 * Describes one question for conntax to measure. Returns its argument; everything is checked when the file is loaded,
 * so that a JSON file with the same content works too.
 *
 * @example
 * export default defineScenario({
 *   name: 'pool-of-ten',
 *   question: 'Is a pool of 10 enough for 100 users?',
 *   clients: { ten: { pool: { maxConnections: 10 } }, hundred: { pool: { maxConnections: 100 } } },
 *   baseline: 'hundred',
 * });
 */
export function defineScenario(scenario: ScenarioDefinition): ScenarioDefinition {
  return scenario;
}
