// Describes clients: their settings, how those of a comparison differ, versions of them, and whether load tools agree.
import { joinWords } from '../../results/figures.ts';
import type { CellResult, Comparison, Metric } from '../../results/model/run.ts';
import type { Interval } from '../../results/stats.ts';
import { type Client, isModulePath } from '../../scenarios/model/client.ts';
import { own } from '../../scenarios/model/facts.ts';
import { type SweepAxis, shortNames } from '../../scenarios/model/sweep.ts';
import { type ArmView, type CellView, comparisonMarks } from '../cell-view.ts';
import { capacityBound } from './bound.ts';
import { dimensionOf, formatValue } from './dimensions.ts';
import { signsOf } from './marks.ts';
import {
  BOUNDS_UNKNOWN,
  formatCount,
  formatLatency,
  formatQuantity,
  isKnown,
  roundInterval,
} from './numbers.ts';
import { compact } from './text.ts';

/** The connection policy of a client by its short name: `short`, `persistent`, or `5 requests per connection`; `persistent, HTTP/2`. */
export function describePolicy(client: Client | undefined): string {
  if (client === undefined) return 'unknown';
  const { requestsPerConnection: requests, transport, protocol } = client;
  if (requests === 'unlimited') {
    // How a user's own module treats its connections is unknown.
    if (isModulePath(transport)) return transport;
    return protocol === 'h2' ? 'persistent, HTTP/2' : 'persistent';
  }
  return requests === 1 ? 'short' : `${requests} requests per connection`;
}

/** The same as the subject of a sentence: `short connections`, `persistent HTTP/2 connections`, `connections of 5 requests`. */
export function policySubject(client: Client): string {
  const { requestsPerConnection: requests, transport, protocol } = client;
  if (requests === 'unlimited' && isModulePath(transport)) return `connections of ${transport}`;
  if (protocol === 'h2') return 'persistent HTTP/2 connections';
  return typeof requests === 'number' && requests > 1
    ? `connections of ${requests} requests`
    : `${describePolicy(client)} connections`;
}

/** The settings that were given, as a phrase; anything else is the library's default. */
export function describeClient(client: Client): string {
  const settings = compact([
    client.protocol === 'h2' && 'HTTP/2',
    describeKeepAlive(client),
    ...otherSettings(client).map(({ text }) => text),
  ]);
  return `${nameLibrary(client)}: ${settings.join(', ')}`;
}

export function isSameLibrary(one: Client, other: Client): boolean {
  return one.transport === other.transport && one.api === other.api && one.protocol === other.protocol;
}

/** `undici`, `undici fetch`, `./my-client.ts`. */
function nameLibrary({ transport, api }: Client): string {
  return api === undefined ? transport : `${transport} ${api}`;
}

function describeKeepAlive({ requestsPerConnection, transport }: Client): string {
  if (requestsPerConnection === 'unlimited')
    return isModulePath(transport) ? 'connections managed by the module' : 'keep-alive';
  return requestsPerConnection === 1
    ? 'a new connection for each request'
    : `${requestsPerConnection} requests per connection`;
}

interface SettingPhrase {
  /** Its path: `pool.maxConnections`. */
  setting: string;
  text: string;
}

/** Those that were given, beside the library, the protocol and how many requests a connection carries. */
function otherSettings(client: Client): SettingPhrase[] {
  const { pool, timeouts, body, options } = client;
  return compact([
    ...describePool(pool),
    ...Object.entries(timeouts).flatMap(([phase, ms]) =>
      ms === undefined
        ? []
        : [{ setting: `timeouts.${phase}`, text: `${phase.replace(/Ms$/, '')} timeout ${ms} ms` }],
    ),
    { setting: 'body', text: BODIES[body] },
    ...describeInterceptors(client).map(text => ({ setting: 'interceptors', text })),
    ...describeResilience(client).map(text => ({ setting: 'resilience', text })),
    options !== undefined && { setting: 'options', text: `options ${JSON.stringify(options)}` },
  ]);
}

const BODIES: Record<Client['body'], string> = {
  read: 'body read',
  dump: 'body discarded',
  cancel: 'body given up',
  ignore: 'body neither read nor given up',
};

type Pool = Client['pool'];

/** Every setting of a pool, so that none goes unreported. */
const POOL_PHRASES: { [Name in keyof Required<Pool>]: (value: NonNullable<Pool[Name]>) => string } = {
  maxConnections: most =>
    most === 'unlimited' ? 'no limit on connections' : `at most ${most} connection${most === 1 ? '' : 's'}`,
  maxTotalConnections: most =>
    most === 'unlimited'
      ? 'no limit on connections to all hosts'
      : `at most ${most} connection${most === 1 ? '' : 's'} to all hosts`,
  maxIdleConnections: most => `at most ${most} idle connection${most === 1 ? '' : 's'}`,
  idleTimeoutMs: ms => `idle connections kept for ${ms} ms`,
  idleTimeoutBufferMs: ms => `closed ${ms} ms before the timeout that the server announces`,
  maxLifetimeMs: ms => `no connection used for longer than ${ms} ms`,
  pipelining: depth => (depth === 1 ? 'no pipelining' : `${depth} requests pipelined`),
  maxConcurrentStreams: most => `at most ${most} streams per connection`,
  scheduling: order =>
    order === 'lifo' ? 'most recently used connection first' : 'longest idle connection first',
  closing: by => `closed by ${by === 'reset' ? 'a reset' : `the ${by}`}`,
  tcpKeepAliveMs: ms => `TCP keep-alive after ${ms} ms`,
  tlsSessions: kept =>
    ({
      none: 'no TLS resumption',
      library: 'TLS sessions cached by the library',
      pinned: 'TLS sessions always resumed',
    })[kept],
  tlsContext: kept =>
    kept === 'shared' ? 'one TLS context for all connections' : 'a TLS context for each connection',
};

function describePool(pool: Pool): SettingPhrase[] {
  return Object.entries(POOL_PHRASES).flatMap(([name, describe]) => {
    const value = pool[name as keyof Pool];
    return value === undefined
      ? []
      : [{ setting: `pool.${name}`, text: (describe as (value: unknown) => string)(value) }];
  });
}

/** `retry by undici (at most 2 repetitions, first after 50 ms)`; a default of undici is left out. */
function phrase(name: string, members: readonly (string | false)[]): string {
  const given = compact(members);
  return given.length === 0 ? name : `${name} (${given.join(', ')})`;
}

function when<Value>(value: Value | undefined, describe: (value: Value) => string): string | false {
  return value === undefined ? false : describe(value);
}

const ms = (value: number): string => `${formatCount(value)} ms`;
const repetitions = (most: number): string => `at most ${formatQuantity(most, 'repetition')}`;

function describeInterceptors({ interceptors: { retry, dns, cache } = {} }: Client): string[] {
  return compact([
    retry &&
      phrase('retry by undici', [
        when(retry.maxRetries, repetitions),
        when(retry.minDelayMs, value => `first after ${ms(value)}`),
        when(retry.maxDelayMs, value => `delays of at most ${ms(value)}`),
        when(retry.delayFactor, value => `each ${value} times as long`),
        when(retry.statuses, value => `on status ${value.join(', ')}`),
      ]),
    dns && phrase('addresses kept by undici', [when(dns.maxTtlMs, value => `for at most ${ms(value)}`)]),
    cache &&
      phrase('cache of undici', [
        when(cache.maxBytes, value => `at most ${formatCount(value)} bytes`),
        when(cache.maxEntries, value => `at most ${formatCount(value)} responses`),
        when(cache.maxEntryBytes, value => `bodies of at most ${formatCount(value)} bytes`),
        when(cache.freshMs, value => `responses used for ${ms(value)} unless they say otherwise`),
      ]),
  ]);
}

function describeResilience({ resilience = {} }: Client): string[] {
  const { retry, breaker, bulkhead, timeout } = resilience;
  return compact([
    retry &&
      `retry (${repetitions(retry.maxRetries)}, after ${ms(retry.minDelayMs)}, then twice as long each, ${ms(retry.maxDelayMs)} at most)`,
    breaker &&
      `breaker (open for ${ms(breaker.openMs)} after ${formatCount(breaker.consecutiveFailures)} failures in a row)`,
    bulkhead &&
      `bulkhead (at most ${formatCount(bulkhead.maxConcurrent)} in flight, ${formatCount(bulkhead.maxQueued)} waiting)`,
    timeout && `timeout of ${ms(timeout.attemptMs)} for each attempt`,
  ]);
}

interface Described {
  name: string;
  text: string;
}

/** A longer line is no longer read; the settings stand in full with the conditions. */
const MAX_CHARS = 260;

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
    text: `${dimensionOf(names[index]!).words} ${joinWords(values.map(formatValue), 'or')}`,
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
      return { name, text: compact([swept.every(isOptional) && text, ...texts]).join(', ') };
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
      ({ setting }) => settings.has(setting) && !(setting === MAX_CONNECTIONS && isInReuse(client)),
    );
    const parts = compact([
      has.library && nameLibrary(client),
      has.protocol && (client.protocol === 'h2' ? 'HTTP/2' : 'HTTP/1.1'),
      describeReuse(client),
      ...others.map(({ text }) => text),
    ]);
    return { name, text: parts.join(', ') };
  });
}

const MAX_CONNECTIONS = 'pool.maxConnections';

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
  return said.length <= MAX_CHARS
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
      return index === varying[0] ? joinWords(numbers.map(all => all[index]!)) : own;
    });
    return [{ name: group.map(({ name }) => name).join(', '), text: text.replace(/\breuses\b/, 'reuse') }];
  });
}

/** By client, the version of it or of its server; empty where all run this conntax. */
function versionsOf({ code, targetCode }: CellResult): Record<string, string> {
  return { ...targetCode, ...code };
}

/** `Versions: before is main (a9fd9c52a923), after is this folder.`; empty where no versions are compared, or not the same in all cells. */
export function describeVersions(views: readonly Pick<CellView, 'result'>[]): string {
  const said = new Set(
    views.map(({ result }) =>
      Object.entries(versionsOf(result))
        .map(([name, label]) => `${name} is ${label}`)
        .join(', '),
    ),
  );
  const [only = '', ...others] = said;
  return only === '' || others.length > 0 ? '' : `Versions: ${only}.`;
}

/** `before 4,040 requests/s, mean 24.7 ms; after 4,010 requests/s, mean 24.9 ms`; null where no versions are compared. */
export function describeSides({ result, arms }: Pick<CellView, 'result' | 'arms'>): string | null {
  const versions = versionsOf(result);
  const sides = arms.flatMap(arm => {
    const { name, summary } = arm;
    if (summary === null || summary.completed === 0 || own(versions, name) === undefined) return [];
    const rate = summary.capacityPerSec ?? summary.requestsPerSec;
    const bound = summary.capacityPerSec === null ? '' : capacityBound(arm);
    const perSec = rate === null ? '' : `${bound}${roundInterval(rate).value} requests/s, `;
    return `${name} ${perSec}mean ${formatLatency(summary.meanUs)}`;
  });
  return sides.length < 2 ? null : sides.join('; ');
}

/** Clients with a loop of their own; a scenario that has one asks whether they agree. */
const LOAD_TOOLS: readonly string[] = ['autocannon', 'wrk', 'hey'];

/** Whether the arms share a closed load and one connection policy but not one client, and include a load tool: then they should agree. */
export function comparesLoadTools({ arms, result }: Pick<CellView, 'arms' | 'result'>): boolean {
  const clients = arms.flatMap(({ client }) => client ?? []);
  const policies = new Set(clients.map(({ requestsPerConnection }) => requestsPerConnection));
  const senders = new Set(clients.map(({ transport }) => transport));
  return (
    result.scenario.load.model === 'closed' &&
    clients.length === arms.length &&
    policies.size === 1 &&
    senders.size > 1 &&
    LOAD_TOOLS.some(tool => senders.has(tool))
  );
}

/** Larger bounds are shown as `>+999`, because their digits mean nothing. */
const MAX_PERCENT = 999;

/** A ratio as its deviation from 1: `+1.2 % (−0.3 to +2.7)`. */
export function formatDeviation(ratio: Interval): string {
  const { value, low, high } = ratio;
  return `${signed(value)} % (${isKnown(ratio) ? `${signed(low)} to ${signed(high)}` : BOUNDS_UNKNOWN})`;
}

function signed(ratio: number): string {
  const percent = Math.abs(ratio - 1) * 100;
  if (percent > MAX_PERCENT) return `>+${MAX_PERCENT}`;
  const digits = percent < 10 ? 1 : 0;
  const text = percent.toFixed(digits);
  if (Number(text) === 0) return text;
  return `${ratio < 1 ? '−' : '+'}${text}`;
}

/** The comparison on a metric that deviates most from the baseline; undefined if none has an interval. */
function furthest(metric: Metric, comparisons: readonly Comparison[]): Comparison | undefined {
  return comparisons
    .filter(comparison => comparison.metric === metric && comparison.ratio !== null)
    .toSorted((a, b) => Math.abs(Math.log(b.ratio!.value)) - Math.abs(Math.log(a.ratio!.value)))[0];
}

/** How far the clients disagree, by the largest deviations; undefined if too little is known. */
export function describeAgreement(view: CellView): string | undefined {
  if (!comparesLoadTools(view)) return undefined;
  const { comparisons, scenario } = view.result;
  const rate = furthest('requestsPerSec', comparisons);
  const mean = furthest('meanUs', comparisons);
  if (rate === undefined || mean === undefined) return undefined;
  const deviation = (comparison: Comparison): string =>
    `${formatDeviation(comparison.ratio!)}${signsOf(comparisonMarks(comparison, view))} with ${comparison.candidate}`;
  return `Relative to ${scenario.baseline}, the largest deviation in requests per second is ${deviation(rate)}, and in mean latency ${deviation(mean)}.`;
}
