// In: a raw scenario that is partly wrong. Out: a valid one from its sound parts, so that rules across fields can run too.
import type { z } from 'zod';
import type { Scenario } from '../../scenarios/model/scenario.ts';
import { issuePaths } from './problems.ts';
import { memberOf, type Path } from './schema-hints.ts';

export interface Salvage {
  scenario: Scenario;
  /** What the scenario was parsed from: the raw content without its faulty members. */
  raw: unknown;
  /** What was taken out or stood in for; whatever depends on these says nothing about the author's scenario. */
  lost: readonly Path[];
}

const STAND_INS = {
  name: 'stand-in',
  question: 'stand-in',
  clients: { 'stand-in': {} },
  baseline: 'stand-in',
};
// Each round takes out at least one member; a schema as deep as this needs very few rounds.
const MAX_ROUNDS = 50;

/** The longest start of the path that exists in the value and holds no list: lists go as a whole. */
function existingPath(value: unknown, path: Path): Path {
  let current = value;
  for (const [index, key] of path.entries()) {
    const isHolder = typeof current === 'object' && current !== null && !Array.isArray(current);
    if (!isHolder || !Object.hasOwn(current as object, key)) return path.slice(0, index);
    current = memberOf(current, key);
  }
  return path;
}

/** A copy without the member at the path, sharing what is not on the way to it. */
function without(value: unknown, [key, ...rest]: Path): unknown {
  if (key === undefined || typeof value !== 'object' || value === null) return undefined;
  const entries = Object.entries(value).flatMap(([name, member]) => {
    if (name !== String(key)) return [[name, member] as const];
    return rest.length === 0 ? [] : [[name, without(member, rest)] as const];
  });
  return Object.fromEntries(entries);
}

/** Takes faulty members out until the rest is valid; undefined when nothing sound is left. */
export function salvage(raw: unknown, schema: z.ZodType<Scenario>): Salvage | undefined {
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

/** Whether something that was lost lies on the path, above or below it. */
export function isTouched(path: Path, lost: readonly Path[]): boolean {
  return lost.some(other => {
    const shared = Math.min(path.length, other.length);
    return path.slice(0, shared).every((key, index) => String(key) === String(other[index]));
  });
}
