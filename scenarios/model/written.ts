// Writes a measured scenario as an author would: what planning filled in is taken out again, so that its file can be run.
import { isDeepStrictEqual } from 'node:util';
import type { ZodType } from 'zod';
import { Client } from './client.ts';
import { Scenario, type ScenarioInput } from './scenario.ts';

/** The text of a scenario file. */
export function scenarioText(scenario: ScenarioInput): string {
  return `${JSON.stringify(scenario, null, 2)}\n`;
}

/**
 * What a file needs to plan the same cells again. Defaults stay out: many settings may not be given beside others, even with the
 * value that they have anyway. Modules are named by their absolute paths, as all other files of a planned scenario are.
 *
 * @param cells one scenario as planned; of a sweep, its cells, the one that was begun first before the others
 * @returns undefined where a file cannot say it, as with names that no scenario may have
 */
export function writtenScenario(cells: readonly Scenario[]): ScenarioInput | undefined {
  const [first] = cells;
  if (first === undefined) return undefined;
  const parsed = Scenario.safeParse(withoutAbsentClients(withModules(withWhole(first, cells))));
  return parsed.success ? (withoutDefaults(parsed.data) as ScenarioInput) : undefined;
}

/** Cells of a sweep share its budget, and each has only the limits of its own point. */
function withWhole(first: Scenario, cells: readonly Scenario[]): Scenario {
  if (first.sweep === undefined) return first;
  const cellCount = Object.values(first.sweep).reduce((product, { length }) => product * length, 1);
  const expect = mergedInOrder(cells.map(cell => cell.expect));
  return { ...first, expect, timing: { ...first.timing, budgetMs: first.timing.budgetMs * cellCount } };
}

/** Each item once, so that every list has its own in this order. */
function mergedInOrder<Item>(lists: readonly (readonly Item[])[]): Item[] {
  const merged: Item[] = [];
  for (const list of lists) {
    let next = 0;
    for (const item of list) {
      const found = merged.findIndex(other => isDeepStrictEqual(other, item));
      if (found === -1) merged.splice(next, 0, item);
      next = (found === -1 ? next : found) + 1;
    }
  }
  return merged;
}

function withModules(scenario: Scenario): Scenario {
  const clients = Object.entries(scenario.clients).map(([name, { modulePath, ...client }]) => [
    name,
    { ...client, transport: modulePath ?? client.transport },
  ]);
  return { ...scenario, clients: Object.fromEntries(clients) };
}

/** Optional clients that could not be measured are not in the plan, and nothing may name them. */
function withoutAbsentClients({ published, ...scenario }: Scenario): Scenario {
  const isThere = (name: string): boolean => Object.hasOwn(scenario.clients, name);
  const rows = published?.rows.filter(({ arm }) => isThere(arm)) ?? [];
  return {
    ...scenario,
    expect: scenario.expect.filter(({ of, over = of }) => isThere(of) && isThere(over)),
    ...(published === undefined || rows.length === 0 ? {} : { published: { ...published, rows } }),
  };
}

type Members = Record<string, unknown>;

/** Every setting without which the scenario is the same. No default depends on another part, so each part is tried by itself. */
function withoutDefaults(scenario: Scenario): Members {
  const parts = Object.entries(Scenario.shape).flatMap(([name, schema]): [string, unknown][] => {
    const value = scenario[name as keyof Scenario];
    if (isReadAs(value, schema, undefined)) return [];
    return [[name, name === 'clients' ? shortenedClients(scenario) : shortened(value, schema)]];
  });
  return Object.fromEntries(parts);
}

function shortenedClients({ clients }: Scenario): Members {
  return Object.fromEntries(
    Object.entries(clients).map(([name, client]) => [name, shortened(client, Client)]),
  );
}

/** Whether a part that is written like this is read as the value. */
function isReadAs(value: unknown, schema: ZodType, written: unknown): boolean {
  const parsed = schema.safeParse(written);
  return parsed.success && isDeepStrictEqual(parsed.data, value);
}

function shortened(whole: unknown, schema: ZodType): unknown {
  /** @param place puts a value in the place of this one, in the whole */
  function shorten(value: unknown, place: (value: unknown) => unknown): unknown {
    if (Array.isArray(value)) {
      const items: unknown[] = [...value];
      for (const [index, item] of items.entries())
        items[index] = shorten(item, shorter => place(items.with(index, shorter)));
      return items;
    }
    if (typeof value !== 'object' || value === null) return value;
    let left: Members = { ...value };
    for (const [key, member] of Object.entries(value)) {
      const { [key]: _, ...others } = left;
      left = isReadAs(whole, schema, place(others)) ? others : left;
      if (key in left) left[key] = shorten(member, shorter => place({ ...left, [key]: shorter }));
    }
    return left;
  }

  return shorten(whole, value => value);
}
