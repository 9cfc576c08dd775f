// Writes a client of a scenario as code for a library, with a comment for each setting that the library does not have.
import { visibleLine } from '../../results/visible.ts';
import type { Client } from '../../scenarios/model/client.ts';
import { libraries } from './libraries/index.ts';
import { CONCEPTS, CONNTAX_ONLY, type Concept, givenSettings, type Setting, UNKNOWN } from './table.ts';
import { languageWriters } from './writers/languages.ts';
import { nodeWriters } from './writers/node.ts';
import { proxyWriters } from './writers/proxies.ts';
import type { Writer } from './writers/writer.ts';

/** What code can be written for, by the names of `conntax settings --for`. */
export const writers = { ...nodeWriters, ...languageWriters, ...proxyWriters } as const satisfies Record<
  string,
  Writer
>;

export type WriterName = keyof typeof writers;

/** A setting of a client that the code does not have, or has in another way. */
export interface Remark {
  setting: string;
  value: unknown;
  reason: string;
}

export interface SettingsCode {
  /** Such as `Go net/http`. */
  title: string;
  /** The version in which names and defaults were read. */
  version: string;
  lacking: Remark[];
  notes: Remark[];
  /** Comments and code. */
  text: string;
}

/** Whether a library without the setting does what is asked for all the same. */
function isAsAsked(concept: Concept, value: unknown, setting: Setting): boolean {
  switch (concept) {
    case 'pool.maxConnections':
    case 'pool.maxTotalConnections':
      return value === 'unlimited';
    case 'protocol':
      return value === 'http1';
    case 'pool.pipelining':
      return value === 1;
    case 'pool.scheduling':
      return value === setting.default;
    case 'pool.tlsSessions':
      return value === 'none' ? setting.default === 'none resumed' : setting.default.startsWith('resumed');
    default:
      return false;
  }
}

/** Why the library cannot have a setting, or undefined if it can. */
function reasonAgainst(setting: string, value: unknown, { library, refuse }: Writer): string | undefined {
  const own = CONNTAX_ONLY[setting];
  if (own !== undefined) return own;
  if (!(setting in CONCEPTS)) return 'has no counterpart';
  const concept = setting as Concept;
  const entry = libraries[library].settings[concept];
  if (entry.name !== null) return refuse?.(concept, value);
  if (isAsAsked(concept, value, entry)) return undefined;
  if (entry.default === UNKNOWN) return entry.remark || 'no setting was found';
  const fixed = ['', 'none'].includes(entry.default) ? '' : `fixed: ${entry.default}`;
  return [fixed, entry.remark].filter(Boolean).join('; ') || 'no such setting';
}

/** A setting with its value. */
function describe({ setting, value, reason }: Remark): string {
  return `${setting} = ${JSON.stringify(value)} (${reason})`;
}

/**
 * @param origin where the client comes from, one comment line each
 */
export function settingsCode(client: Client, name: WriterName, origin: readonly string[]): SettingsCode {
  const writer: Writer = writers[name];
  const { title, version } = libraries[writer.library];
  const given = [...givenSettings(client)];
  const remarks = (reasonFor: (setting: string, value: unknown) => string | undefined): Remark[] =>
    given.flatMap(([setting, value]) => {
      const reason = reasonFor(setting, value);
      // The table is Markdown; compilers may read a file as ASCII where no locale is set, and Java's then refuses it.
      const plain = reason?.replaceAll('`', '').replaceAll('…', '...');
      return plain === undefined ? [] : [{ setting, value, reason: plain }];
    });
  const lacking = remarks((setting, value) => reasonAgainst(setting, value, writer));
  const notes = remarks((setting, value) => writer.notes?.[setting as Concept]?.(value));
  const comments = [
    ...origin,
    `For ${title}; names as in ${version}.`,
    ...lacking.map(remark => `Not set: ${describe(remark)}`),
    ...notes.map(remark => `Set in another way: ${describe(remark)}`),
  ];
  // Values come from the scenario's file, and may have what ends a line in some language.
  const lines = [
    ...comments.map(line => `${writer.comment} ${visibleLine(line)}`),
    '',
    ...writer.write(client),
  ];
  return { title, version, lacking, notes, text: lines.join('\n') };
}
