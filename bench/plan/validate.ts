// In: what a scenario file holds. Out: a Scenario with every default filled in, or everything that is wrong with it.
import type { BehaviourModule, ClientPlugin } from '../contracts.ts';
import type { Problem } from '../../results/errors.ts';
import type { Scenario } from '../../scenarios/model/scenario.ts';
import { crossProblems, type ModuleFault } from './rules.ts';
import { pathText, problemsOf, valueText } from './problems.ts';
import { isTouched, salvage } from './salvage.ts';
import { behaviourOptions, createScenarioSchema, scenarioJsonSchema } from './schema.ts';

/** The plug-ins that scenarios may name. */
export interface PlanPlugins {
  transports: Readonly<Record<string, ClientPlugin>>;
  behaviours: Readonly<Record<string, BehaviourModule>>;
}

export type Validation = { isValid: true; scenario: Scenario } | { isValid: false; problems: Problem[] };

/** What became of the client modules that a file names, by their paths as written. */
export interface FileModules {
  modules: Readonly<Record<string, ClientPlugin>>;
  faults: Readonly<Record<string, ModuleFault>>;
}

/** Checks the raw content of one file; `file` only names it in problems. Never throws. */
export type Validate = (raw: unknown, file: string, modules?: FileModules) => Validation;

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A validator for scenarios that name these plug-ins. It reports all problems at once, those across fields too. */
export function createValidator({ transports, behaviours }: PlanPlugins): Validate {
  const options = behaviourOptions(behaviours);
  const schema = createScenarioSchema(options);
  const jsonSchema = scenarioJsonSchema(options);

  return (content, file, { modules, faults } = { modules: {}, faults: {} }) => {
    if (!isPlainObject(content)) {
      const message = `a scenario is an object, not ${valueText(content)}`;
      const hint = 'name, question, clients and baseline at least';
      return { isValid: false, problems: [{ file, path: '', message, hint }] };
    }
    const { $schema: _editorKey, ...raw } = content;
    const parsed = schema.safeParse(raw);
    const problems = parsed.success ? [] : problemsOf(parsed.error.issues, raw, file, jsonSchema);
    const sound = parsed.success ? { scenario: parsed.data, raw, lost: [] } : salvage(raw, schema);
    if (sound !== undefined) {
      const { behaviour } = sound.scenario.target;
      const serviceMs = behaviours[behaviour.name]?.meanServiceMs(behaviour) ?? 0;
      const armNames = isPlainObject(raw['clients']) ? Object.keys(raw['clients']) : [];
      const context = { scenario: sound.scenario, raw: sound.raw, armNames, faults, serviceMs };
      const across = crossProblems({ ...context, transports: { ...transports, ...modules } })
        .filter(({ about }) => !about.some(path => isTouched(path, sound.lost)))
        .map(({ path, message, hint }) => ({ file, path: pathText(path), message, hint }));
      problems.push(...across);
    }
    problems.push(...inheritedNames(raw['clients'], file));
    if (parsed.success && problems.length === 0) return { isValid: true, scenario: parsed.data };
    return { isValid: false, problems };
  };
}

/** Names that every object has: some of what a client's name passes through would take them for its own. */
function inheritedNames(clients: unknown, file: string): Problem[] {
  if (!isPlainObject(clients)) return [];
  return Object.keys(clients)
    .filter(name => name in Object.prototype)
    .map(name => {
      const message = `${valueText(name)} cannot be a name: it means something in JavaScript`;
      return { file, path: pathText(['clients', name]), message, hint: 'another name' };
    });
}
