// In: a client as its user has configured it. Out: the same, type-checked. Part of the package's public entry.
import type { ClientDefinition } from './core/client-definition.ts';

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
