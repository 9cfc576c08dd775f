// Rules between the settings of a scenario, as a refinement of its schema. All of them are here, so that none has to be searched for.
import type { z } from 'zod';
import { SHARE_MS } from '../../results/spread.ts';
import { CLIENT_SETTINGS, type Client, connectionLimit, isModulePath } from '../../scenarios/model/client.ts';
import { carriesCredentials, variableFor } from '../../scenarios/model/request.ts';
import type { Scenario } from '../../scenarios/model/scenario.ts';
import { countBackends, STATEMENTS, Target, usesTls } from '../../scenarios/model/target.ts';
import type { BehaviourModule } from '../../servers/behaviour.ts';
import type { ClientPlugin, EngineModule, Refusal } from '../contracts.ts';
import { countGenerators, evenWeights, refuseDivision } from './division.ts';
import { issuePaths, nameHint, nearest, orList, type Path, valueAt } from './problems.ts';
import { sliceGapMs } from './timing.ts';

/** What is wrong with a client module, and what was expected. */
export interface ModuleFault {
  message: string;
  hint: string;
}

/** What a rule found wrong, and where. */
interface Finding {
  path: Path;
  message: string;
  hint: string;
}

/** Something that must hold between settings. */
interface Rule {
  /** The settings that it reads. It is skipped while one of them, or a part of one, is invalid. */
  reads: readonly Path[];
  /** @param scenario of which only what it reads is known to be valid */
  check(scenario: Scenario): Finding | undefined | readonly Finding[];
}

/** What rules know beside the scenario. */
export interface RuleContext {
  /** The scenario as written: only this distinguishes a given setting from a default. */
  raw: unknown;
  /** The names of all arms as written, faulty ones included. */
  armNames: readonly string[];
  /** By name; users' modules by their paths as written. */
  transports: Readonly<Record<string, ClientPlugin>>;
  /** Unusable modules, by their paths as written. */
  faults: Readonly<Record<string, ModuleFault>>;
  behaviours: Readonly<Record<string, BehaviourModule>>;
}

/** A rule for each arm. Names that every object inherits are problems of their own. */
function forEachArm(
  { armNames }: RuleContext,
  readsOf: (arm: string) => readonly Path[],
  check: (arm: string, client: Client, scenario: Scenario) => ReturnType<Rule['check']>,
): Rule[] {
  return armNames
    .filter(arm => !(arm in Object.prototype))
    .map(arm => ({
      reads: readsOf(arm),
      check: scenario => check(arm, scenario.clients[arm]!, scenario),
    }));
}

/** The load tool that an arm names; undefined for a client library. */
function engineOf({ transport }: Client, { transports }: RuleContext): EngineModule | undefined {
  const plugin = Object.hasOwn(transports, transport) ? transports[transport] : undefined;
  return plugin?.kind === 'engine' ? plugin : undefined;
}

function checkLoad(
  arm: string,
  client: Client,
  engine: EngineModule,
  { load }: Scenario,
): Finding | undefined {
  const tool = client.transport;
  if (load.model !== 'closed') {
    return {
      path: ['load', 'model'],
      message: `client ${arm} uses ${tool}, which supports closed load only`,
      hint: "model: 'closed', or another transport",
    };
  }
  if (load.thinkMs > 0) {
    return {
      path: ['load', 'thinkMs'],
      message: `client ${arm} uses ${tool}, which has no think time`,
      hint: '0 (a service time also keeps load below saturation), or another transport',
    };
  }
  const obstacle = engine.refusesLoad?.(client, load);
  return obstacle && { path: ['load', 'concurrency'], ...obstacle };
}

function checkSlices(
  arm: string,
  { transport }: Client,
  { leastSliceMs = 0 }: EngineModule,
  { timing }: Scenario,
): Finding | undefined {
  const setting = timing.slicing === 'whole' ? 'measureMs' : 'sliceMs';
  if (timing[setting] >= leastSliceMs) return undefined;
  return {
    path: ['timing', setting],
    message: `client ${arm} uses ${transport}, which is started for each slice: startup would take up much of ${timing[setting]} ms`,
    hint: `at least ${leastSliceMs}`,
  };
}

function engineRules(context: RuleContext): Rule[] {
  return [
    ...forEachArm(
      context,
      arm => [['clients', arm, 'transport']],
      (arm, client) => {
        const obstacle = client.ifInstalled === true ? undefined : engineOf(client, context)?.missing?.();
        return obstacle && { path: ['clients', arm, 'transport'], ...obstacle };
      },
    ),
    ...forEachArm(
      context,
      arm => [['clients', arm, 'ifInstalled'], ['baseline']],
      (arm, { ifInstalled }, { baseline }) =>
        arm === baseline && ifInstalled
          ? {
              path: ['clients', arm, 'ifInstalled'],
              message: 'the baseline client cannot be optional',
              hint: 'false, or another baseline',
            }
          : undefined,
    ),
    ...forEachArm(
      context,
      arm => [['load'], ['clients', arm]],
      (arm, client, scenario) => {
        const engine = engineOf(client, context);
        return engine && checkLoad(arm, client, engine, scenario);
      },
    ),
    ...forEachArm(
      context,
      arm => [
        ['timing', 'slicing'],
        ['timing', 'sliceMs'],
        ['timing', 'measureMs'],
        ['clients', arm],
      ],
      (arm, client, scenario) => {
        const engine = engineOf(client, context);
        return engine && checkSlices(arm, client, engine, scenario);
      },
    ),
  ];
}

const METRIC = 'unneededConnectionsPer1kRequests';

function connectionRules(context: RuleContext): Rule[] {
  return [
    {
      reads: [['expect']],
      check: ({ expect }) =>
        expect.flatMap(({ metric, over }, index) =>
          metric !== METRIC || over === undefined
            ? []
            : {
                path: ['expect', index, 'over'],
                message:
                  'a client that reuses connections has no unnecessary ones, so the ratio would divide by zero',
                hint: 'no over, or the metric connectionsPer1kRequests',
              },
        ),
    },
    ...forEachArm(
      context,
      arm => [['expect'], ['clients', arm], ['target', 'connectionClose']],
      (arm, client, { expect, target }) =>
        expect.flatMap(({ metric, of, over }, index) =>
          metric !== METRIC || of !== arm || over !== undefined || isBounded(client, target)
            ? []
            : {
                path: ['expect', index, 'metric'],
                message: `client ${of} has no connection limit, so none of its connections is unnecessary`,
                hint: 'a client with pool.maxConnections, or connectionsPer1kRequests',
              },
        ),
    ),
  ];
}

/** Whether the settings bound the number of connections for a number of requests (results/connections.ts). */
function isBounded({ pool, protocol, requestsPerConnection }: Client, target: Target): boolean {
  const isShared = protocol === 'h2' || Number.isFinite(connectionLimit(pool));
  return isShared || requestsPerConnection !== 'unlimited' || target.connectionClose === true;
}

/** Settings of conntax's own server, and why they do not apply to an external one. */
const COMMANDS = {
  behaviour: {
    message: 'an external server decides itself what it answers',
    hint: 'no behaviour; choose the answer by the path of url',
  },
  tls: {
    message: 'with an external server, the scheme of url decides on TLS, and the version is negotiated',
    hint: 'no tls; write https or http in url',
  },
  tlsKey: {
    message: 'an external server has its own certificate',
    hint: 'no tlsKey; caFile names the authority that signed the certificate',
  },
  maxConcurrentStreams: {
    message: 'an external server announces its own limit',
    hint: "no maxConcurrentStreams; a client's limit is pool.maxConcurrentStreams",
  },
  backends: {
    message: 'what stands behind an external server cannot be counted',
    hint: "no backends; conntax's own server counts them",
  },
} as const;

/** A rule on a setting that depends on whether the server is external, as its url says. */
function urlRule(
  path: Path,
  check: (scenario: Scenario, url: URL | undefined) => Omit<Finding, 'path'> | undefined,
): Rule {
  return {
    reads: [path, ['target', 'url']],
    check(scenario) {
      const { url } = scenario.target;
      const found = check(scenario, url === undefined ? undefined : new URL(url));
      return found && { path, ...found };
    },
  };
}

function isTls(url: URL): boolean {
  return url.protocol === 'https:';
}

function targetUrlRules({ raw }: RuleContext): Rule[] {
  const isGiven = (name: string): boolean => valueAt(raw, ['target', name]) !== undefined;
  return [
    urlRule(['target', 'caFile'], ({ target: { caFile } }, url) => {
      if (caFile === undefined) return undefined;
      if (url === undefined) {
        return {
          message: "without target.url the server is conntax's own, whose certificate every client trusts",
          hint: 'no caFile, or a target.url',
        };
      }
      if (isTls(url)) return undefined;
      return { message: 'an http server has no certificate', hint: 'no caFile, or https in url' };
    }),
    ...STATEMENTS.map(name =>
      urlRule(['target', name], ({ target }, url) =>
        url === undefined && target[name] === null
          ? {
              message: "null means unknown, but without target.url this configures conntax's own server",
              hint: 'a value, or target.url',
            }
          : undefined,
      ),
    ),
    ...Object.entries(COMMANDS).map(([name, problem]) =>
      urlRule(['target', name], (_, url) => (url !== undefined && isGiven(name) ? problem : undefined)),
    ),
    urlRule(['target', 'protocol'], ({ target }, url) =>
      url === undefined || target.protocol === 'http1' || isTls(url)
        ? undefined
        : { message: 'HTTP/2 is spoken over TLS only', hint: "'http1', or https in url" },
    ),
    urlRule(['link'], ({ link }, url) =>
      url === undefined || link === undefined
        ? undefined
        : {
            message:
              "the kernel's counters, which stand in for an external server's, would include the relay's connections",
            hint: 'no link, or a target without url',
          },
    ),
    {
      reads: [['target', 'url']],
      check: ({ target: { url } }) => (url === undefined ? [] : urlFindings(new URL(url))),
    },
    {
      reads: [['expect'], ['target', 'url']],
      check: ({ target, expect }) =>
        expect.flatMap(({ metric }, index) =>
          target.url === undefined || metric !== 'targetCpuUsPerRequest'
            ? []
            : {
                path: ['expect', index, 'metric'],
                message: 'the CPU use of an external server is unknown',
                hint: 'another metric, or a target without a url',
              },
        ),
    },
  ];
}

/** Parts of a URL that must not, or cannot, be sent. */
function urlFindings(url: URL): Finding[] {
  const path = ['target', 'url'];
  const parameters = [...url.searchParams.keys()].filter(carriesCredentials);
  return [
    ...(url.username === '' && url.password === ''
      ? []
      : [
          {
            path,
            message: 'not every client sends credentials in a URL, and they would appear in every report',
            hint: "the URL without credentials, and request.headers: { authorization: { env: 'AUTHORIZATION' } }",
          },
        ]),
    ...parameters.map(name => ({
      path,
      message: `the parameter ${name} looks like a credential, which would appear in every report`,
      hint: `the URL without it, and request.query: { ${name}: { env: '${variableFor(name)}' } }`,
    })),
    ...(url.hash === ''
      ? []
      : [{ path, message: 'a fragment (#...) is never sent to a server', hint: 'the URL without it' }]),
  ];
}

/** Backends that are added need a slice that they are added in, and time to see where requests go then. */
function backendRules(): Rule[] {
  return [
    {
      reads: [['target', 'backends'], ['expect']],
      check: ({ target, expect }) =>
        expect.flatMap(({ metric }, index) =>
          metric !== 'busiestBackendRatio' || countBackends(target) > 1
            ? []
            : {
                path: ['expect', index, 'metric'],
                message: 'a target with a single backend has nothing to spread requests over',
                hint: 'another metric, or target.backends of at least 2',
              },
        ),
    },
    {
      reads: [
        ['target', 'backends'],
        ['timing', 'slicing'],
        ['timing', 'measureMs'],
      ],
      check({ target: { backends }, timing }) {
        if (typeof backends === 'number') return undefined;
        if (timing.slicing !== 'whole') {
          return {
            path: ['target', 'backends'],
            message: 'backends are added once in each slice, so a slice must be all of a replicate',
            hint: "timing.slicing: 'whole', or a number of backends",
          };
        }
        const latestMs = timing.measureMs - 2 * SHARE_MS;
        if (backends.afterMs <= latestMs) return undefined;
        return {
          path: ['target', 'backends', 'afterMs'],
          message: `a window of ${timing.measureMs} ms is over before shares with the added backends are known`,
          hint: `at most ${Math.max(0, latestMs)}, or a longer timing.measureMs`,
        };
      },
    },
  ];
}

/** Only a capacity search measures a capacity, and it needs a range and an objective. */
function loadRules(): Rule[] {
  return [
    {
      reads: [['load'], ['expect']],
      check: ({ load: { model }, expect }) =>
        expect.flatMap(({ metric }, index) =>
          model === 'capacity' || metric !== 'capacityPerSec'
            ? []
            : {
                path: ['expect', index, 'metric'],
                message: `a load of model ${model} does not measure capacity`,
                hint: "another metric, or model: 'capacity' in load",
              },
        ),
    },
    {
      reads: ['model', 'minRatePerSec', 'maxRatePerSec'].map(name => ['load', name]),
      check({ load }) {
        if (load.model !== 'capacity' || load.minRatePerSec < load.maxRatePerSec) return undefined;
        const { minRatePerSec, maxRatePerSec } = load;
        return {
          path: ['load', 'minRatePerSec'],
          message: `${minRatePerSec} is not less than maxRatePerSec (${maxRatePerSec}), so there is nothing to search`,
          hint: `less than ${maxRatePerSec}, or a larger maxRatePerSec`,
        };
      },
    },
    {
      reads: [
        ['load', 'model'],
        ['load', 'objective'],
      ],
      check: ({ load }) =>
        load.model !== 'capacity' || (load.objective.p50Ms ?? load.objective.p99Ms) !== undefined
          ? undefined
          : {
              path: ['load', 'objective'],
              message: 'no latency limit is set, so any rate would pass',
              hint: 'p99Ms, p50Ms or both, in ms',
            },
    },
  ];
}

const TLS_HINT = "tls: '1.3' or '1.2'";

/** A rule on one setting of the target that depends on other settings of the target. */
function targetRule(
  setting: string,
  others: readonly string[],
  isBroken: (target: Target) => boolean,
  message: string,
  hint: string,
): Rule {
  const path = ['target', setting];
  return {
    reads: [path, ...others.map(other => ['target', other])],
    check: ({ target }) => (isBroken(target) ? { path, message, hint } : undefined),
  };
}

function protocolRules(context: RuleContext): Rule[] {
  const isGiven = (setting: string) => valueAt(context.raw, ['target', setting]) !== undefined;
  return [
    targetRule(
      'protocol',
      ['tls', 'url'],
      target => target.protocol === 'h2' && target.url === undefined && !usesTls(target),
      'HTTP/2 is negotiated in the TLS handshake; without TLS neither browsers nor undici use it',
      `${TLS_HINT}, or protocol: 'http1'`,
    ),
    targetRule(
      'maxConcurrentStreams',
      ['protocol'],
      ({ protocol }) => protocol !== 'h2' && isGiven('maxConcurrentStreams'),
      'an HTTP/1.1 connection has no streams',
      "no maxConcurrentStreams, or protocol: 'h2'",
    ),
    targetRule(
      'tlsKey',
      ['tls', 'url'],
      target => !usesTls(target) && isGiven('tlsKey'),
      'without TLS there is no key',
      `no tlsKey, or ${TLS_HINT}`,
    ),
    targetRule(
      'connectionClose',
      ['protocol'],
      ({ protocol, connectionClose }) => protocol === 'h2' && connectionClose === true,
      'HTTP/2 has no Connection header',
      "protocol: 'http1'",
    ),
    targetRule(
      'maxRequestsPerSocket',
      ['protocol', 'url'],
      ({ protocol, maxRequestsPerSocket, url }) =>
        protocol === 'h2' && (maxRequestsPerSocket ?? 0) > 0 && url === undefined,
      'an HTTP/2 server can only announce that a connection will end, while more streams are arriving, so it cannot keep to a number of requests',
      "no maxRequestsPerSocket, or protocol: 'http1'",
    ),
    ...forEachArm(
      context,
      arm => [
        ['clients', arm, 'protocol'],
        ['target', 'protocol'],
      ],
      (arm, client, { target }) =>
        target.protocol === 'h2' || client.protocol !== 'h2'
          ? undefined
          : {
              path: ['clients', arm, 'protocol'],
              message: 'the target does not offer HTTP/2',
              hint: "protocol: 'http1', or protocol: 'h2' and tls in target",
            },
    ),
  ];
}

/** Settings that conntax itself implements for any client library; a load tool controls its own exchanges. */
const OWN_SETTINGS: Record<ClientPlugin['kind'], readonly string[]> = {
  transport: ['transport', 'ifInstalled', 'timeouts.totalMs'],
  engine: ['transport', 'ifInstalled'],
};
/** Idle timeouts must be at least this many times the estimated gap between two slices of an arm. */
const GAP_SAFETY = 2;
const DEFAULT_KEEP_ALIVE_MS = Target.parse({}).keepAliveTimeoutMs;

function timingRules(): Rule[] {
  const pairs = [
    ['warmupMinMs', 'warmupMaxMs'],
    ['minReplicates', 'maxReplicates'],
  ] as const;
  return [
    ...pairs.map(
      ([least, most]): Rule => ({
        reads: [
          ['timing', least],
          ['timing', most],
        ],
        check: ({ timing }) =>
          timing[least] <= timing[most]
            ? undefined
            : {
                path: ['timing', least],
                message: `${timing[least]} is more than the ${most} of ${timing[most]}`,
                hint: `at most ${timing[most]}, or a larger ${most}`,
              },
      }),
    ),
    {
      reads: [['timing', 'until'], ['expect']],
      check: ({ timing, expect }) =>
        timing.until !== 'decided' || expect.length > 0
          ? undefined
          : {
              path: ['timing', 'until'],
              message: 'expect is empty, so there is nothing to decide',
              hint: "'precise', or a limit in expect",
            },
    },
  ];
}

/** Dotted paths of the settings given in a client; members that are no settings are refused elsewhere. */
function givenSettings(client: unknown): string[] {
  return CLIENT_SETTINGS.filter(setting => valueAt(client, setting.split('.')) !== undefined);
}

function cannotText({ transport }: Client, setting: string, { cannot }: ClientPlugin): string {
  if (isModulePath(transport)) return `${transport} does not list this setting in honours`;
  const reason = cannot?.[setting];
  return `the transport ${transport} does not support this setting${reason === undefined ? '' : `: ${reason}`}`;
}

function cannotHint({ transport }: Client, setting: string, { transports }: RuleContext): string {
  if (isModulePath(transport))
    return `'${setting}' in its honours if it supports the setting, otherwise no ${setting}`;
  if (setting === 'options') return 'no options, or the path of a module as transport';
  const able = Object.entries(transports)
    .filter(([, other]) => [...OWN_SETTINGS[other.kind], ...other.honours].includes(setting))
    .map(([name]) => name);
  return able.length === 0 ? 'no value: no transport supports it' : `transport: ${orList(able)}`;
}

/** A rule for each setting that is given: the arm's transport has to support it. */
function honouredRules(context: RuleContext): Rule[] {
  return context.armNames.flatMap(arm =>
    givenSettings(valueAt(context.raw, ['clients', arm])).flatMap(setting => {
      const path = ['clients', arm, ...setting.split('.')];
      return forEachArm(
        { ...context, armNames: [arm] },
        () => [path, ['clients', arm, 'transport']],
        (_, client) => {
          const { transport, protocol } = client;
          const module = Object.hasOwn(context.transports, transport)
            ? context.transports[transport]
            : undefined;
          if (module === undefined || OWN_SETTINGS[module.kind].includes(setting)) return undefined;
          // HTTP/1.1 is what every transport uses anyway, so stating it is allowed.
          if (module.honours.includes(setting) || (setting === 'protocol' && protocol === 'http1'))
            return undefined;
          return {
            path,
            message: cannotText(client, setting, module),
            hint: cannotHint(client, setting, context),
          };
        },
      );
    }),
  );
}

function transportHint(name: string, known: readonly string[]): string {
  return nearest(name, known) === undefined
    ? orList([...known, 'the path of your own module, such as ./my-client.ts'])
    : nameHint(name, known);
}

/** A problem at `transport` of a user's module gets the module's name, because the path does not show it. */
function refusalText({ transport }: Client, { path, message }: Refusal): string {
  return path === 'transport' && isModulePath(transport) ? `${transport}: ${message}` : message;
}

function checkTransport(arm: string, { transport }: Client, context: RuleContext): Finding | undefined {
  const { transports, faults } = context;
  const path = ['clients', arm, 'transport'];
  const fault = Object.hasOwn(faults, transport) ? faults[transport] : undefined;
  if (fault !== undefined) return { path, ...fault, message: `${transport} ${fault.message}` };
  if (Object.hasOwn(transports, transport)) return undefined;
  const hint = transportHint(transport, Object.keys(transports));
  return { path, message: `unknown transport "${transport}"`, hint };
}

function transportRules(context: RuleContext): Rule[] {
  const { transports, faults } = context;
  return [
    ...forEachArm(
      context,
      arm => [['clients', arm, 'transport']],
      (arm, client) => checkTransport(arm, client, context),
    ),
    ...honouredRules(context),
    ...forEachArm(
      context,
      arm => [['clients', arm], ['target'], ['request']],
      (arm, client, { target, request }) => {
        const { transport } = client;
        if (!Object.hasOwn(transports, transport) || Object.hasOwn(faults, transport)) return undefined;
        return transports[transport]!.refusals(client, target, request).map(refusal => ({
          path: ['clients', arm, ...refusal.path.split('.')],
          message: refusalText(client, refusal),
          hint: refusal.hint,
        }));
      },
    ),
    ...forEachArm(
      context,
      arm => [
        ['clients', arm, 'pool', 'pipelining'],
        ['clients', arm, 'requestsPerConnection'],
      ],
      (arm, { requestsPerConnection, pool }) =>
        requestsPerConnection !== 1 || (pool.pipelining ?? 1) === 1
          ? undefined
          : {
              path: ['clients', arm, 'pool', 'pipelining'],
              message: 'a connection that carries one request cannot have several in flight',
              hint: 'pipelining: 1, or more requestsPerConnection',
            },
    ),
  ];
}

/** An arm is idle between its slices: connections closed meanwhile would be counted as the arm's own cost. */
function idleFindings(scenario: Scenario, behaviours: RuleContext['behaviours']): Finding[] {
  const { timing, target, clients } = scenario;
  if (timing.slicing !== 'alternate') return [];
  const serviceMs = behaviours[target.behaviour.name]?.meanServiceMs(target.behaviour) ?? 0;
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
    .map(({ path, ms, gapMs }) =>
      // A default is not the author's mistake: the settings that make the slices this long are.
      ms === DEFAULT_KEEP_ALIVE_MS
        ? {
            path: ['load'],
            message: `with this many concurrent requests slices are so long that a client may be idle for about ${gapMs} ms between two of its own, and the server closes idle connections after ${ms} ms (target.keepAliveTimeoutMs)`,
            hint: `timing.slicing: 'whole', fewer concurrent requests, a smaller timing.sliceResponses, or target.keepAliveTimeoutMs of at least ${gapMs * GAP_SAFETY}`,
          }
        : {
            path,
            message: `clients take turns, so each may be idle for about ${gapMs} ms: a timeout of ${ms} ms may close its connections meanwhile`,
            hint: `timing.slicing: 'whole', or at least ${gapMs * GAP_SAFETY} ms here`,
          },
    );
}

/** What several generators cannot share. */
function divisionFindings(scenario: Scenario, transports: RuleContext['transports']): Finding[] {
  const weights = evenWeights(countGenerators(scenario));
  return refuseDivision(scenario, transports, weights).map(({ path, ...refusal }) => ({
    path: path.split('.'),
    ...refusal,
  }));
}

/** Baseline, expectations and published figures name arms that exist. */
function nameRules({ armNames }: RuleContext): Rule[] {
  return [
    {
      reads: [['clients']],
      check: ({ clients }) =>
        Object.keys(clients).length > 0
          ? undefined
          : { path: ['clients'], message: 'no client to measure', hint: 'at least one named client' },
    },
    {
      reads: [['baseline']],
      check: ({ baseline }) =>
        armNames.length === 0 || armNames.includes(baseline)
          ? undefined
          : {
              path: ['baseline'],
              message: `no client "${baseline}"`,
              hint: nameHint(baseline, armNames),
            },
    },
    { reads: [['expect']], check: ({ expect }) => expectationFindings(expect, armNames) },
    { reads: [['published']], check: ({ published }) => publishedFindings(published, armNames) },
  ];
}

/** Expectations must name existing arms, and two different ones for a ratio. */
function expectationFindings(expect: Scenario['expect'], armNames: readonly string[]): Finding[] {
  return expect.flatMap(({ of, over }, index): Finding[] => {
    const at = (key: string): Path => ['expect', index, key];
    const unknown = (['of', 'over'] as const)
      .map(key => ({ key, arm: key === 'of' ? of : over }))
      .filter(({ arm }) => arm !== undefined && !armNames.includes(arm))
      .map(({ key, arm = '' }) => ({
        path: at(key),
        message: `no client "${arm}"`,
        hint: nameHint(arm, armNames),
      }));
    if (over !== of) return unknown;
    const message = `the ratio of ${of} to itself is always 1`;
    return [{ path: at('over'), message, hint: 'another client, or no over' }, ...unknown];
  });
}

/** Published figures are shown beside a client's own, so each row names one client, and each client has at most one row. */
function publishedFindings(published: Scenario['published'], armNames: readonly string[]): Finding[] {
  const rows = published?.rows ?? [];
  return rows.flatMap(({ arm }, index) => {
    const path = ['published', 'rows', index, 'arm'];
    if (!armNames.includes(arm))
      return [{ path, message: `no client "${arm}"`, hint: nameHint(arm, armNames) }];
    const isFirst = rows.findIndex(row => row.arm === arm) === index;
    return isFirst ? [] : [{ path, message: `"${arm}" already has a row`, hint: 'one row per client' }];
  });
}

function rulesOf(context: RuleContext): Rule[] {
  return [
    ...nameRules(context),
    ...timingRules(),
    ...targetUrlRules(context),
    ...loadRules(),
    ...backendRules(),
    ...connectionRules(context),
    ...transportRules(context),
    ...protocolRules(context),
    ...engineRules(context),
    {
      reads: ['timing', 'load', 'link', 'target', 'clients'].map(name => [name]),
      check: scenario => idleFindings(scenario, context.behaviours),
    },
    {
      reads: ['generators', 'load', 'clients'].map(name => [name]),
      check: scenario => divisionFindings(scenario, context.transports),
    },
  ];
}

/** Whether one of these paths is above, at or below the other. */
function isTouched(path: Path, faulty: readonly Path[]): boolean {
  return faulty.some(other => {
    const shared = Math.min(path.length, other.length);
    return path.slice(0, shared).every((key, index) => String(key) === String(other[index]));
  });
}

/**
 * The schema of a scenario with the rules between its settings. They run even if some settings are invalid, as far as they do
 * not read those, so that an author sees all problems at once; of several at one path only the first.
 */
export function withRules(schema: z.ZodType<Scenario>, context: RuleContext): z.ZodType<Scenario> {
  return schema.superRefine(
    (scenario, { issues, addIssue }) => {
      const faulty = issues.flatMap(issuePaths);
      const found = new Set<string>();
      for (const { reads, check } of rulesOf(context)) {
        if (reads.some(path => isTouched(path, faulty))) continue;
        for (const { path, message, hint } of [check(scenario) ?? []].flat()) {
          const place = path.join('\0');
          if (found.has(place)) continue;
          found.add(place);
          addIssue({ code: 'custom', path: [...path], message, params: { hint } });
        }
      }
    },
    { when: () => true },
  );
}
