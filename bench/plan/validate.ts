// Validates a scenario's content: returns the complete Scenario, or everything that is wrong with it.
import type { Problem } from '../../results/errors.ts';
import type { Scenario } from '../../scenarios/model/scenario.ts';
import type { BehaviourModule } from '../../servers/behaviour.ts';
import type { ClientPlugin } from '../contracts.ts';
import { describeValue, formatPath, isPlainObject, problemsOf } from './problems.ts';
import type { ModuleFault } from './rules/rule.ts';
import { withRules } from './rules.ts';
import { behaviourOptions, createScenarioSchema, scenarioJsonSchema } from './schema.ts';

/** The plug-ins that scenarios may name. */
export interface PlanPlugins {
  transports: Readonly<Record<string, ClientPlugin>>;
  behaviours: Readonly<Record<string, BehaviourModule>>;
}

type Validation = { isValid: true; scenario: Scenario } | { isValid: false; problems: Problem[] };

/** What became of the client modules that a file names, by their paths as written. */
export interface FileModules {
  modules: Readonly<Record<string, ClientPlugin>>;
  faults: Readonly<Record<string, ModuleFault>>;
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
