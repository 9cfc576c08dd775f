// Validates a scenario: its schema with the options of the registered behaviours, for parsing and as JSON Schema, and everything that is wrong with its content.

import { z } from 'zod';
import type { Problem } from '../../results/errors.ts';
import { Client } from '../../scenarios/model/client.ts';
import { Scenario } from '../../scenarios/model/scenario.ts';
import { Target, withUnknowns } from '../../scenarios/model/target.ts';
import type { BehaviourModule } from '../../servers/behaviour.ts';
import type { ClientPlugin, Obstacle } from '../contracts.ts';
import { describeValue, formatPath, isPlainObject, type JsonSchema, problemsOf } from './problems.ts';
import { withRules } from './rules.ts';

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

/** The plug-ins that scenarios may name. */
export interface PlanPlugins {
  transports: Readonly<Record<string, ClientPlugin>>;
  behaviours: Readonly<Record<string, BehaviourModule>>;
}

type Validation = { isValid: true; scenario: Scenario } | { isValid: false; problems: Problem[] };

/** What became of the client modules that a file names, by their paths as written. */
export interface FileModules {
  modules: Readonly<Record<string, ClientPlugin>>;
  faults: Readonly<Record<string, Obstacle>>;
}

/** Checks the raw content of one file; `file` only names it in problems. Never throws. */
type Validate = (raw: unknown, file: string, modules?: FileModules) => Validation;

/** A validator for scenarios that use these plug-ins. It reports all problems at once, those across settings included. */
export function createValidator({ transports, behaviours }: PlanPlugins): Validate {
  const options = behaviourOptions(behaviours);
  const schema = createScenarioSchema(options);
  const jsonSchema = scenarioJsonSchema(options);

  return (content, file, { modules, faults } = { modules: {}, faults: {} }) => {
    if (!isPlainObject(content)) {
      const message = `a scenario must be an object, not ${describeValue(content)}`;
      const hint = 'an object with at least name, question, clients and baseline';
      return { isValid: false, problems: [{ file, path: '', message, hint }] };
    }
    const { $schema: _editorKey, ...raw } = content;
    const armNames = isPlainObject(raw['clients']) ? Object.keys(raw['clients']) : [];
    const context = { raw, armNames, faults, behaviours, transports: { ...transports, ...modules } };
    const parsed = withRules(schema, context).safeParse(raw);
    const issues = parsed.error?.issues ?? [];
    const problems = [...problemsOf(issues, raw, file, jsonSchema), ...inheritedNames(raw['clients'], file)];
    return parsed.success && problems.length === 0
      ? { isValid: true, scenario: parsed.data }
      : { isValid: false, problems };
  };
}

/** Names inherited by every object, such as `constructor`: some code that handles client names would confuse them. */
function inheritedNames(clients: unknown, file: string): Problem[] {
  if (!isPlainObject(clients)) return [];
  return Object.keys(clients)
    .filter(name => name in Object.prototype)
    .map(name => {
      const message = `${describeValue(name)} cannot be a name: it has a meaning in JavaScript`;
      return { file, path: formatPath(['clients', name]), message, hint: 'another name' };
    });
}
