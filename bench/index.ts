// The package's public entry: type-checked definitions of scenarios and clients.
import type { z } from 'zod';
import type { Client } from '../scenarios/model/client.ts';
import type { ScenarioInput } from '../scenarios/model/scenario.ts';
import type { behaviours } from '../servers/behaviours/index.ts';
import type { ClientDefinition } from './contracts.ts';

/**
 * Describes a client of your own for conntax to measure: the default export of a module that a scenario names by its
 * path, as in `transport: './my-client.ts'`. Returns its argument.
 *
 * @example
 * export default defineClient({
 *   honours: ['pool.maxConnections'],
 *   open({ url, settings }) {
 *     const client = createMyClient({ maxSockets: settings.pool.maxConnections });
 *     return {
 *       async send({ signal }) {
 *         const answer = await client.get(url, { signal });
 *         return { status: answer.status, bytes: answer.body.byteLength };
 *       },
 *       close: () => client.destroy(),
 *     };
 *   },
 * });
 */
export function defineClient(definition: ClientDefinition): ClientDefinition {
  return definition;
}

type BehaviourName = keyof typeof behaviours;
type BehaviourInput = {
  [Name in BehaviourName]: z.input<Awaited<ReturnType<(typeof behaviours)[Name]>>['default']['options']>;
}[BehaviourName];

/** The argument of `defineScenario`: a scenario with a registered behaviour. */
type ScenarioDefinition = Omit<ScenarioInput, 'target' | 'clients'> & {
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
