// The schema of a scenario with the options of the registered behaviours, for parsing and as JSON Schema.
import { z } from 'zod';
import { Client } from '../../scenarios/model/client.ts';
import { Scenario } from '../../scenarios/model/scenario.ts';
import { Target, withUnknowns } from '../../scenarios/model/target.ts';
import type { BehaviourModule } from '../../servers/behaviour.ts';

/** A plain JSON Schema node, as zod writes it. */
export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** Options of one behaviour: an object with a literal `name`, or alternatives that all carry the same one. */
export type BehaviourOptions = z.ZodObject | z.ZodDiscriminatedUnion;

/**
 * The option schemas of behaviours, as a union on `name` needs them.
 *
 * @throws TypeError when a behaviour's options are of another kind: a bug in that behaviour.
 */
export function behaviourOptions(behaviours: Readonly<Record<string, BehaviourModule>>): BehaviourOptions[] {
  return Object.entries(behaviours).map(([name, { options }]) => {
    if (options instanceof z.ZodObject || options instanceof z.ZodDiscriminatedUnion) return options;
    throw new TypeError(`behaviour ${name}: its options must be an object schema, or a union of them`);
  });
}

/** The base scenario with `target.behaviour` narrowed to the given behaviours; the default is `fixed`. */
export function createScenarioSchema(options: readonly BehaviourOptions[]): z.ZodType<Scenario> {
  const [first, ...others] = options;
  if (first === undefined) throw new TypeError('a scenario schema needs at least one behaviour');
  const behaviour: z.ZodType = z.discriminatedUnion('name', [first, ...others]);
  const target = Target.extend({
    behaviour: behaviour
      .prefault({ name: 'fixed' })
      .describe('What the target answers with') as unknown as typeof Target.shape.behaviour,
  });
  return Scenario.extend({
    // conntax fills in the path of a module.
    clients: z
      .record(Scenario.shape.clients.keyType, Client.omit({ modulePath: true }))
      .describe(Scenario.shape.clients.description ?? ''),
    target: z.preprocess(withUnknowns<z.input<typeof Target>>, target).prefault({}),
  });
}

/** What an author may write, as JSON Schema 2020-12 with descriptions and defaults. `$schema` is for editors only. */
export function scenarioJsonSchema(options: readonly BehaviourOptions[]): JsonSchema {
  const schema = z.toJSONSchema(createScenarioSchema(options), { io: 'input' });
  const editorKey = {
    type: 'string',
    description: 'Path of this schema, for editors; not part of the scenario',
  };
  return {
    ...schema,
    title: 'conntax scenario',
    properties: { $schema: editorKey as JsonSchema, ...schema.properties },
  };
}
