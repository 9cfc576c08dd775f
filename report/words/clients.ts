// What the clients of a comparison are, in a line: each by the settings in which they differ.
import { type Client, isModulePath } from '../../scenarios/model/client.ts';
import { type SweepAxis, shortNames } from '../../scenarios/model/sweep.ts';
import type { ArmView, CellView } from '../cell-view.ts';
import { nameLibrary, otherSettings, type SettingPhrase } from './conditions.ts';
import { dimensionOf, formatValue } from './dimensions.ts';
import { listed } from './load.ts';
import { formatCount } from './numbers.ts';

/** A client's name, and what it is in words. */
interface Described {
  name: string;
  text: string;
}

/** A longer line is no longer read; the settings stand in full with the conditions. */
const MOST_CHARS = 260;

/** `short: a new connection for every request. persistent: reuses up to 100 connections.` */
export function describeClients(arms: readonly Pick<ArmView, 'name' | 'client'>[]): string {
  return wordClients(describeEach(arms));
}

/** The same of a sweep; a client whose settings are swept has their values, and not those of a point. */
export function describeSweptClients(
  views: readonly Pick<CellView, 'arms'>[],
  axes: readonly SweepAxis[],
): string {
  const [first] = views;
  if (first === undefined) return '';
  const names = shortNames(axes.map(({ path }) => path));
  const all = axes.map(({ path, values }, index) => ({
    path,
    text: `${dimensionOf(names[index]!).words} ${listed(values.map(formatValue), 'or')}`,
  }));
  const arms = first.arms.map(({ name, client }) => {
    const swept = all.flatMap(({ path, text }) => {
      const start = [`clients.${name}.`, 'clients.*.'].find(prefix => path.startsWith(prefix));
      return start === undefined ? [] : [{ setting: path.slice(start.length), text }];
    });
    return { name, client: client && without(client, swept), swept };
  });
  return wordClients(
    describeEach(arms).map(({ name, text }) => {
      const { swept } = arms.find(arm => arm.name === name)!;
      const texts = swept.map(one => one.text);
      return { name, text: [...(swept.every(isOptional) ? [text] : []), ...texts].join(', ') };
    }),
  );
}

/** Whether the rest of a client can be described without it. */
function isOptional({ setting }: Pick<SettingPhrase, 'setting'>): boolean {
  return /^(?:pool|timeouts)\./.test(setting);
}

function without(client: Client, swept: readonly Pick<SettingPhrase, 'setting'>[]): Client {
  const omit = <Part extends object>(part: Part, key: string): Part =>
    Object.fromEntries(
      Object.entries(part).filter(([name]) => !swept.some(({ setting }) => setting === `${key}.${name}`)),
    ) as Part;
  return { ...client, pool: omit(client.pool, 'pool'), timeouts: omit(client.timeouts, 'timeouts') };
}

function describeEach(arms: readonly Pick<ArmView, 'name' | 'client'>[]): Described[] {
  const given = arms.flatMap(({ name, client }) => (client === undefined ? [] : [{ name, client }]));
  const clients = given.map(({ client }) => client);
  const differs = (read: (client: Client) => string): boolean => new Set(clients.map(read)).size > 1;
  const has = {
    library: differs(nameLibrary),
    protocol: differs(({ protocol }) => protocol),
  };
  const settings = differingSettings(clients);
  return given.map(({ name, client }) => {
    const others = otherSettings(client).filter(
      ({ setting }) => settings.has(setting) && !(setting === MOST_CONNECTIONS && isInReuse(client)),
    );
    const parts = [
      ...(has.library ? [nameLibrary(client)] : []),
      ...(has.protocol ? [client.protocol === 'h2' ? 'HTTP/2' : 'HTTP/1.1'] : []),
      describeReuse(client),
      ...others.map(({ text }) => text),
    ];
    return { name, text: parts.join(', ') };
  });
}

const MOST_CONNECTIONS = 'pool.maxConnections';

/** Paths of the settings that are not the same in all clients. */
function differingSettings(clients: readonly Client[]): Set<string> {
  const phrases = clients.map(client => otherSettings(client));
  const paths = new Set(phrases.flat().map(({ setting }) => setting));
  const textOf = (own: (typeof phrases)[number], path: string): string =>
    own
      .filter(({ setting }) => setting === path)
      .map(({ text }) => text)
      .join();
  return new Set([...paths].filter(path => new Set(phrases.map(own => textOf(own, path))).size > 1));
}

/** Whether the number of its connections is said with their reuse. */
function isInReuse({ requestsPerConnection, pool }: Client): boolean {
  return requestsPerConnection === 'unlimited' && typeof pool.maxConnections === 'number';
}

function describeReuse(client: Client): string {
  const { requestsPerConnection, transport, pool } = client;
  if (requestsPerConnection === 1) return 'a new connection for every request';
  if (requestsPerConnection !== 'unlimited')
    return `a new connection after ${formatCount(requestsPerConnection)} requests`;
  if (isModulePath(transport)) return 'connections as the module manages them';
  const { maxConnections } = pool;
  if (typeof maxConnections !== 'number') return 'reuses connections';
  return maxConnections === 1
    ? 'reuses one connection'
    : `reuses up to ${formatCount(maxConnections)} connections`;
}

function wordClients(clients: readonly Described[]): string {
  const said = foldAlike(clients)
    .map(({ name, text }) => `${name}: ${text}.`)
    .join(' ');
  return said.length <= MOST_CHARS
    ? said
    : `${formatCount(clients.length)} clients, each with its settings in the conditions.`;
}

/** A number that stands for itself, not one in a name, a path or a version. */
const NUMBER = /(?<![\w./-])\d+(?:,\d{3})*(?![\w./-])/g;

/** Clients that differ in one number, or in nothing, are said together: `two, five: a new connection after 2 and 5 requests`. */
function foldAlike(clients: readonly Described[]): Described[] {
  return [...Map.groupBy(clients, ({ text }) => text.replaceAll(NUMBER, '#')).values()].flatMap(group => {
    const numbers = group.map(({ text }) => text.match(NUMBER) ?? []);
    const varying = [...numbers[0]!.keys()].filter(index => new Set(numbers.map(own => own[index])).size > 1);
    if (group.length === 1 || varying.length > 1) return group;
    let index = -1;
    const text = group[0]!.text.replaceAll(NUMBER, own => {
      index += 1;
      return index === varying[0] ? listed(numbers.map(all => all[index]!)) : own;
    });
    return [{ name: group.map(({ name }) => name).join(', '), text: text.replace(/\breuses\b/, 'reuse') }];
  });
}
