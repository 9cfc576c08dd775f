// Counts what was found wrong by kind, as a table.
import Table from 'cli-table3';

/** Every kind that is counted; all of them have to be zero. */
export const DEFECTS = ['orphans', 'halfWritten', 'stacks', 'wrongStatus', 'hangs', 'unmarked'] as const;
export type Defect = (typeof DEFECTS)[number];

/** One thing that is wrong. */
export interface Finding {
  defect: Defect;
  detail: string;
}

/** What one part of the campaign has found: cases tried, a number for each kind of defect, and some of them in words. */
export interface Counts {
  tried: number;
  examples: readonly string[];
  [defect: string]: number | readonly string[];
}

const MOST_EXAMPLES = 20;

/** @param cases by name; a name says how to see the case again */
export function countFindings(cases: ReadonlyMap<string, readonly Finding[]>): Counts {
  const all = [...cases].flatMap(([name, findings]) => findings.map(finding => ({ name, ...finding })));
  return {
    tried: cases.size,
    ...Object.fromEntries(DEFECTS.map(kind => [kind, all.filter(({ defect }) => defect === kind).length])),
    examples: all.slice(0, MOST_EXAMPLES).map(({ name, defect, detail }) => `${name}: ${defect}: ${detail}`),
  };
}

function defectsOf({ tried, examples, ...defects }: Counts): [string, number][] {
  return Object.entries(defects).map(([name, value]) => [name, Number(value)]);
}

export function isClean(counts: Counts): boolean {
  return defectsOf(counts).every(([, count]) => count === 0);
}

/** One line a part: how many cases, and each kind of defect. */
export function formatCounts(parts: ReadonlyMap<string, Counts>): string {
  const table = new Table({ head: ['part', 'tried', 'defects'], style: { head: [], border: [] } });
  for (const [name, counts] of parts) {
    const words = defectsOf(counts).map(([defect, count]) => `${defect} ${count}`);
    table.push([name, counts.tried, words.join(', ')]);
  }
  return table.toString();
}

export interface PartOptions {
  seed: number;
  /** The first case: with the same seed a case has the same number in every piece of a part. */
  from: number;
  /** How many cases. */
  count: number;
  /** How many cases run side by side, in parts whose cases are runs; no case depends on how fast the machine is. */
  atOnce: number;
  say: (line: string) => void;
}

export interface Part {
  name: string;
  /** Cases unless `--count` says. */
  count: number;
  run(options: PartOptions): Promise<Counts>;
}
