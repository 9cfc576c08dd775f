// In: a scenario whose fields are each valid. Out: what is wrong with them together.

import { type Client, isModulePath } from '../../scenarios/model/client.ts';
import type { ClientPlugin, Refusal } from '../contracts.ts';
import type { Scenario } from '../../scenarios/model/scenario.ts';
import { Target } from '../../scenarios/model/target.ts';
import { checkBaseline, checkExpectations, checkPublished } from './arm-name-checks.ts';
import { engineProblems } from './engine-checks.ts';
import { checkExpectedConnections } from './expected-connections.ts';
import { checkForeignTarget } from './foreign-checks.ts';
import { checkLoad } from './load-checks.ts';
import { nameHint, nearest, orList } from './nearest.ts';
import { protocolProblems } from './protocol-checks.ts';
import { type Path, valueAt } from './schema-hints.ts';
import { sliceGapMs } from './slice-gap.ts';

/** What is wrong with a client module, and what would be right. */
export interface ModuleFault {
  message: string;
  hint: string;
}

/** A problem across fields: shown at `path`, and true only if nothing of `about` was taken out or stood in for. */
export interface CrossProblem {
  path: Path;
  about: readonly Path[];
  message: string;
  hint: string;
}

export interface CrossContext {
  scenario: Scenario;
  /** The scenario as it was written: only here can a given setting be told from a default. */
  raw: unknown;
  /** Every arm's name as it was written, those of faulty arms too. */
  armNames: readonly string[];
  /** By name; modules of the user's by their paths as written. */
  transports: Readonly<Record<string, ClientPlugin>>;
  /** Modules that can't be used, by their paths as written. */
  faults: Readonly<Record<string, ModuleFault>>;
  /** Expected time of the target to answer, ms. */
  serviceMs: number;
}

/** Kept by the harness whatever the transport is; a load tool's exchanges are not in its hands. */
const OWN_SETTINGS: Record<ClientPlugin['kind'], readonly string[]> = {
  transport: ['transport', 'ifInstalled', 'timeouts.totalMs'],
  engine: ['transport', 'ifInstalled'],
};
/** Idle timeouts have to be this many times the estimated gap between two slices of an arm. */
const GAP_SAFETY = 2;
const DEFAULT_KEEP_ALIVE_MS = Target.parse({}).keepAliveTimeoutMs;

function checkArms({ scenario }: CrossContext): CrossProblem[] {
  if (Object.keys(scenario.clients).length > 0) return [];
  const path = ['clients'];
  return [
    { path, about: [path], message: 'there is no client to measure', hint: 'at least one arm, by name' },
  ];
}

function checkEnd({ scenario: { timing, expect } }: CrossContext): CrossProblem[] {
  if (timing.until !== 'decided' || expect.length > 0) return [];
  const path = ['timing', 'until'];
  return [
    {
      path,
      about: [path, ['expect']],
      message: 'nothing is expected, so that nothing can be decided',
      hint: "'precise', or a limit in expect",
    },
  ];
}

function checkOrder({ scenario: { timing } }: CrossContext): CrossProblem[] {
  const pairs = [
    ['warmupMinMs', 'warmupMaxMs'],
    ['minReplicates', 'maxReplicates'],
  ] as const;
  return pairs
    .filter(([least, most]) => timing[least] > timing[most])
    .map(([least, most]) => ({
      path: ['timing', least],
      about: [
        ['timing', least],
        ['timing', most],
      ],
      message: `${timing[least]} is more than ${most}, which is ${timing[most]}`,
      hint: `at most ${timing[most]}, or a larger ${most}`,
    }));
}

/** Dotted paths of the settings that are given in a client: the leaves of its plain objects, and options as one. */
function givenSettings(client: unknown, prefix = ''): string[] {
  if (typeof client !== 'object' || client === null) return [];
  return Object.entries(client).flatMap(([key, value]) => {
    if (value === undefined) return [];
    const path = `${prefix}${key}`;
    return typeof value === 'object' && path !== 'options' ? givenSettings(value, `${path}.`) : [path];
  });
}

function cannotText({ transport }: Client, setting: string, { cannot }: ClientPlugin): string {
  if (isModulePath(transport)) return `${transport} does not say that it honours this setting`;
  const reason = cannot?.[setting];
  return `the transport ${transport} cannot honour this setting${reason === undefined ? '' : `: ${reason}`}`;
}

function cannotHint({ transport }: Client, setting: string, { transports }: CrossContext): string {
  if (isModulePath(transport)) return `'${setting}' in its honours, if it obeys it; else leave it out`;
  if (setting === 'options') return 'leave it out, or the path of a module as transport';
  const able = Object.entries(transports)
    .filter(([, other]) => [...OWN_SETTINGS[other.kind], ...other.honours].includes(setting))
    .map(([name]) => name);
  return able.length === 0 ? 'leave it out: no transport can' : `transport: ${orList(able)}`;
}

function checkHonoured(
  arm: string,
  client: Client,
  module: ClientPlugin,
  context: CrossContext,
): CrossProblem[] {
  const given = givenSettings(valueAt(context.raw, ['clients', arm]));
  return (
    given
      .filter(setting => !OWN_SETTINGS[module.kind].includes(setting) && !module.honours.includes(setting))
      // What every transport speaks unasked may be said.
      .filter(setting => setting !== 'protocol' || client.protocol !== 'http1')
      .map(setting => {
        const path = ['clients', arm, ...setting.split('.')];
        return {
          path,
          about: [path, ['clients', arm, 'transport']],
          message: cannotText(client, setting, module),
          hint: cannotHint(client, setting, context),
        };
      })
  );
}

function transportHint(name: string, known: readonly string[]): string {
  return nearest(name, known) === undefined
    ? orList([...known, 'the path of a module of your own, such as ./my-client.ts'])
    : nameHint(name, known);
}

/** What a module says of itself stands at `transport`, where only its name says who speaks. */
function refusalText({ transport }: Client, { path, message }: Refusal): string {
  return path === 'transport' && isModulePath(transport) ? `${transport}: ${message}` : message;
}

function checkTransport(context: CrossContext): CrossProblem[] {
  const { scenario, transports, faults } = context;
  return Object.entries(scenario.clients).flatMap(([arm, client]) => {
    const path = ['clients', arm, 'transport'];
    const fault = Object.hasOwn(faults, client.transport) ? faults[client.transport] : undefined;
    if (fault !== undefined) {
      return [{ path, about: [path], ...fault, message: `${client.transport} ${fault.message}` }];
    }
    if (!Object.hasOwn(transports, client.transport)) {
      const hint = transportHint(client.transport, Object.keys(transports));
      return [{ path, about: [path], message: `there is no transport "${client.transport}"`, hint }];
    }
    const module = transports[client.transport]!;
    const refusals = module.refusals(client, scenario.target).map(refusal => ({
      path: ['clients', arm, ...refusal.path.split('.')],
      about: [['clients', arm], ['target']],
      message: refusalText(client, refusal),
      hint: refusal.hint,
    }));
    return [...checkHonoured(arm, client, module, context), ...refusals];
  });
}

function checkPipelining({ scenario }: CrossContext): CrossProblem[] {
  return Object.entries(scenario.clients)
    .filter(([, client]) => client.requestsPerConnection === 1 && (client.pool.pipelining ?? 1) > 1)
    .map(([arm]) => ({
      path: ['clients', arm, 'pool', 'pipelining'],
      about: [
        ['clients', arm, 'pool', 'pipelining'],
        ['clients', arm, 'requestsPerConnection'],
      ],
      message: 'a connection that carries one request cannot have more of them in flight',
      hint: 'pipelining: 1, or more requestsPerConnection',
    }));
}

/** Between its slices an arm is idle: connections that end then would be counted as the arm's own cost. */
function checkIdleTimeouts({ scenario, serviceMs }: CrossContext): CrossProblem[] {
  const { timing, target, clients } = scenario;
  if (timing.slicing !== 'alternate') return [];
  const persistent = Object.entries(clients).filter(([, client]) => client.requestsPerConnection !== 1);
  const gaps = persistent.map(([arm]) => sliceGapMs(scenario, arm, serviceMs));
  const idleTimeouts: { path: Path; ms: number; gapMs: number }[] = [
    {
      path: ['target', 'keepAliveTimeoutMs'],
      ms: target.keepAliveTimeoutMs || Infinity,
      gapMs: Math.max(0, ...gaps),
    },
    ...persistent.map(([arm, { pool }], index) => ({
      path: ['clients', arm, 'pool', 'idleTimeoutMs'],
      ms: pool.idleTimeoutMs ?? Infinity,
      gapMs: gaps[index]!,
    })),
  ];
  return idleTimeouts
    .filter(({ ms, gapMs }) => ms < gapMs * GAP_SAFETY)
    .map(({ path, ms, gapMs }) => {
      const about: Path[] = [path, ['timing'], ['load'], ['target'], ['clients']];
      // What nobody wrote is not at fault: it is what was written that makes the slices so long.
      if (ms === DEFAULT_KEEP_ALIVE_MS) {
        return {
          path: ['load'],
          about,
          message: `so many requests at once make slices so long that an arm may be idle for about ${gapMs} ms between two of its own, and the server closes idle connections after ${ms} ms (target.keepAliveTimeoutMs)`,
          hint: `slicing: 'whole' in timing, fewer at once, a smaller timing.sliceResponses, or target.keepAliveTimeoutMs of at least ${gapMs * GAP_SAFETY}`,
        };
      }
      return {
        path,
        about,
        message: `arms take turns, so one may be idle for about ${gapMs} ms: ${ms} ms may close its connections meanwhile`,
        hint: `slicing: 'whole' in timing, or at least ${gapMs * GAP_SAFETY} ms here`,
      };
    });
}

/** Every problem across fields; of several at one place only the first. */
export function crossProblems(context: CrossContext): CrossProblem[] {
  const problems = [
    ...checkArms(context),
    ...checkBaseline(context),
    ...checkExpectations(context),
    ...checkPublished(context),
    ...checkOrder(context),
    ...checkEnd(context),
    ...checkForeignTarget(context),
    ...checkLoad(context.scenario),
    ...checkExpectedConnections(context.scenario),
    ...checkTransport(context),
    ...checkPipelining(context),
    ...protocolProblems(context),
    ...engineProblems(context),
    ...checkIdleTimeouts(context),
  ];
  const seen = new Set<string>();
  return problems.filter(({ path }) => {
    const place = path.join('\0');
    return !seen.has(place) && seen.add(place);
  });
}
