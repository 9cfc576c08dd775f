// Writes a client of a scenario as code for a library, with a comment for each setting that the library does not have.
import { visibleLine } from '../../results/visible.ts';
import type { Client } from '../../scenarios/model/client.ts';
import { type WriterName, writers } from './libraries/index.ts';
import {
  CONCEPTS,
  CONNTAX_ONLY,
  type Concept,
  type Setting,
  UNKNOWN,
  type WritableLibrary,
} from './library.ts';

/** A setting of a client that the code does not have, or has in another way. */
interface Remark {
  setting: string;
  value: unknown;
  reason: string;
}

interface SettingsCode {
  /** Such as `Go net/http`. */
  title: string;
  /** The version in which names and defaults were read. */
  version: string;
  lacking: Remark[];
  notes: Remark[];
  /** Comments and code. */
  text: string;
}

/** What a scenario's client sets, by concept; defaults of the schema are left out where they say nothing. */
function givenSettings(client: Client): [setting: string, value: unknown][] {
  const { requestsPerConnection, protocol, pool, timeouts, api, options, body, interceptors, resilience } =
    client;
  const nested = (prefix: string, members: object): [string, unknown][] =>
    Object.entries(members).map(([name, value]) => [`${prefix}.${name}`, value]);
  const all: [string, unknown][] = [
    ['requestsPerConnection', requestsPerConnection],
    ['protocol', protocol],
    ...nested('pool', pool),
    ...nested('timeouts', timeouts),
    ...nested('interceptors', interceptors ?? {}),
    ...nested('resilience', resilience ?? {}),
    ['api', api],
    ['options', options],
    ['body', body === 'read' ? undefined : body],
  ];
  return all.filter(([, value]) => value !== undefined);
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
function reasonAgainst(setting: string, value: unknown, library: WritableLibrary): string | undefined {
  const own = CONNTAX_ONLY[setting];
  if (own !== undefined) return own;
  if (!(setting in CONCEPTS)) return 'has no counterpart';
  const concept = setting as Concept;
  const entry = library.settings[concept];
  if (entry.name !== null) return library.refuse?.(concept, value);
  if (isAsAsked(concept, value, entry)) return undefined;
  if (entry.default === UNKNOWN) return entry.remark || 'no setting was found';
  const fixed = ['', 'none'].includes(entry.default) ? '' : `fixed: ${entry.default}`;
  return [fixed, entry.remark].filter(Boolean).join('; ') || 'no such setting';
}

/** A setting with its value. */
function describe({ setting, value, reason }: Remark): string {
  return `${setting} = ${JSON.stringify(value)} (${reason})`;
}

/** @param origin where the client comes from, one comment line each */
export function settingsCode(client: Client, name: WriterName, origin: readonly string[]): SettingsCode {
  const library: WritableLibrary = writers[name];
  const { title, version, comment } = library;
  const remarks = (reasonFor: (setting: string, value: unknown) => string | undefined): Remark[] =>
    givenSettings(client).flatMap(([setting, value]) => {
      const reason = reasonFor(setting, value);
      // The table is Markdown; compilers may read a file as ASCII where no locale is set, and Java's then refuses it.
      const plain = reason?.replaceAll('`', '').replaceAll('…', '...');
      return plain === undefined ? [] : [{ setting, value, reason: plain }];
    });
  const lacking = remarks((setting, value) => reasonAgainst(setting, value, library));
  const notes = remarks((setting, value) => library.notes?.[setting as Concept]?.(value));
  const comments = [
    ...origin,
    `For ${title}; names as in ${version}.`,
    ...lacking.map(remark => `Not set: ${describe(remark)}`),
    ...notes.map(remark => `Set in another way: ${describe(remark)}`),
  ];
  // Values come from the scenario's file, and may have what ends a line in some language.
  const lines = [...comments.map(line => `${comment} ${visibleLine(line)}`), '', ...library.write(client)];
  return { title, version, lacking, notes, text: lines.join('\n') };
}
