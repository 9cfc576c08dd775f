// Puts texts together: parts that apply, facts, and capitals.
import type { Fact } from '../model.ts';

/** Those of the parts that there are: `compact([isFast && 'fast'])` is empty unless it is fast. Empty texts are left out too. */
export function compact<Part>(parts: readonly (Part | false | null | undefined)[]): Part[] {
  return parts.filter((part): part is Part => part !== false && part != null && part !== '');
}

/** Facts by their labels; those without a value are left out. */
export function listFacts(values: Readonly<Record<string, string | false | null | undefined>>): Fact[] {
  return Object.entries(values).flatMap(([label, value]) =>
    typeof value === 'string' ? [{ label, value }] : [],
  );
}

/** For the beginning of a sentence; a URL stays as it is. */
export function capitalize(text: string): string {
  return /^[a-z]+:\/\//.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);
}
