// Validates a scenario's content: returns the complete Scenario, or everything that is wrong with it.
import type { z } from 'zod';
import type { Problem } from '../../results/errors.ts';
import type { Scenario } from '../../scenarios/model/scenario.ts';
import type { BehaviourModule } from '../../servers/behaviour.ts';
import type { ClientPlugin } from '../contracts.ts';
import { issuePaths, memberOf, type Path, pathText, problemsOf, valueText } from './problems.ts';
import { crossProblems, type ModuleFault } from './rules.ts';
import { behaviourOptions, createScenarioSchema, scenarioJsonSchema } from './schema.ts';

interface Salvage {
  scenario: Scenario;
  /** The raw content without its faulty members, from which the scenario was parsed. */
  raw: unknown;
  /** Paths that were removed or replaced by stand-ins; problems that depend on them are not the author's. */
  lost: readonly Path[];
}

const STAND_INS = {
  name: 'stand-in',
  question: 'stand-in',
  clients: { 'stand-in': {} },
  baseline: 'stand-in',
};
// Each round removes at least one member; this schema needs very few rounds.
const MAX_ROUNDS = 50;

/** The longest prefix of the path that exists in the value without entering a list: lists are removed as a whole. */
function existingPath(value: unknown, path: Path): Path {
  let current = value;
  for (const [index, key] of path.entries()) {
    const isHolder = typeof current === 'object' && current !== null && !Array.isArray(current);
    if (!isHolder || !Object.hasOwn(current as object, key)) return path.slice(0, index);
    current = memberOf(current, key);
  }
  return path;
}

/** A copy without the member at the path, sharing everything else. */
function without(value: unknown, [key, ...rest]: Path): unknown {
  if (key === undefined || typeof value !== 'object' || value === null) return undefined;
  const entries = Object.entries(value).flatMap(([name, member]) => {
    if (name !== String(key)) return [[name, member] as const];
    return rest.length === 0 ? [] : [[name, without(member, rest)] as const];
  });
  return Object.fromEntries(entries);
}

/** Removes faulty members until the rest is valid, so that rules across settings can run too; undefined if that fails. */
function salvage(raw: unknown, schema: z.ZodType<Scenario>): Salvage | undefined {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return undefined;
  const lost: Path[] = [];
  let current: unknown = raw;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const stoodIn = Object.entries(STAND_INS).filter(([key]) => memberOf(current, key) === undefined);
    lost.push(...stoodIn.map(([key]) => [key]));
    current = { ...(current as object), ...Object.fromEntries(stoodIn) };
    const parsed = schema.safeParse(current);
    if (parsed.success) return { scenario: parsed.data, raw: current, lost };
    for (const path of parsed.error.issues.flatMap(issuePaths)) {
      const faulty = existingPath(current, path);
      if (faulty.length === 0) continue;
      lost.push(faulty, path);
      current = without(current, faulty);
    }
  }
  return undefined;
}

/** Whether a lost path is above, at or below the path. */
function isTouched(path: Path, lost: readonly Path[]): boolean {
  return lost.some(other => {
    const shared = Math.min(path.length, other.length);
    return path.slice(0, shared).every((key, index) => String(key) === String(other[index]));
  });
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
  faults: Readonly<Record<string, ModuleFault>>;
}

/** Checks the raw content of one file; `file` only names it in problems. Never throws. */
type Validate = (raw: unknown, file: string, modules?: FileModules) => Validation;

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A validator for scenarios that use these plug-ins. It reports all problems at once, those across settings included. */
export function createValidator({ transports, behaviours }: PlanPlugins): Validate {
  const options = behaviourOptions(behaviours);
  const schema = createScenarioSchema(options);
  const jsonSchema = scenarioJsonSchema(options);

  return (content, file, { modules, faults } = { modules: {}, faults: {} }) => {
    if (!isPlainObject(content)) {
      const message = `a scenario must be an object, not ${valueText(content)}`;
      const hint = 'an object with at least name, question, clients and baseline';
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

/** Names inherited by every object, such as `constructor`: some code that handles client names would confuse them. */
function inheritedNames(clients: unknown, file: string): Problem[] {
  if (!isPlainObject(clients)) return [];
  return Object.keys(clients)
    .filter(name => name in Object.prototype)
    .map(name => {
      const message = `${valueText(name)} cannot be a name: it has a meaning in JavaScript`;
      return { file, path: pathText(['clients', name]), message, hint: 'another name' };
    });
}
