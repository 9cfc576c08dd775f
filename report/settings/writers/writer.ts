// The contract of a writer of code, and pieces that several of them use.
import type { Client } from '../../../scenarios/model/client.ts';
import type { LibraryName } from '../libraries/index.ts';
import type { Concept } from '../table.ts';

/** Writes a client as code for one library. */
export interface Writer {
  library: LibraryName;
  /** What begins a comment. */
  comment: '//' | '#';
  /** The code, line by line. Settings that the table says the library lacks are left out. */
  write(client: Client): string[];
  /** Values that the library cannot have, of settings that it has: the reason, or undefined. */
  refuse?(concept: Concept, value: unknown): string | undefined;
  /** Settings that the code has with another meaning or precision: what differs for this value, or undefined. */
  notes?: Partial<Readonly<Record<Concept, (value: unknown) => string | undefined>>>;
}

/** The line for a value; none without one. */
export function when<Value>(value: Value | undefined, write: (value: Value) => string): string[] {
  return value === undefined ? [] : [write(value)];
}

/** A limit as a number; undefined where there is none. */
export function asNumber(limit: number | 'unlimited' | undefined): number | undefined {
  return typeof limit === 'number' ? limit : undefined;
}

/** Whether an order of idle connections is one that pools of agents have. */
export function hasOrder(order: Client['pool']['scheduling']): order is 'lifo' | 'fifo' {
  return order === 'lifo' || order === 'fifo';
}

export function indent(lines: readonly string[], by = '  '): string[] {
  return lines.map(line => (line === '' ? '' : by + line));
}

/** For libraries that only know whole seconds: never less than what was asked for. */
export function wholeSeconds(ms: number): number {
  return Math.ceil(ms / 1_000);
}

/** A note on a time that the code has in whole seconds. */
export function notesRounding(ms: unknown): string | undefined {
  return Number(ms) % 1_000 === 0 ? undefined : 'in whole seconds, rounded up';
}

/** A note where TCP keep-alive can only be switched on. */
export function notesKernelTime(): string {
  return "switched on, after the idle time of the kernel's own";
}

/** Refuses what most libraries cannot: a number of requests for each connection, and connections used in turn. */
export function refuseUsual(concept: Concept, value: unknown): string | undefined {
  if (concept === 'requestsPerConnection' && typeof value === 'number' && value > 1)
    return 'it knows one request for each connection, or no limit';
  if (concept === 'pool.scheduling' && value === 'round-robin') return 'it knows lifo and fifo';
  return undefined;
}
